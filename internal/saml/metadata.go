package saml

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	protocol        = "urn:oasis:names:tc:SAML:2.0:protocol"
	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"

	// maxEntityID is SAML's own limit, in characters (saml-core-2.0-os, section 8.3.6).
	maxEntityID = 1024
	// maxQuoted and maxNamed bound what an error repeats of entity ids.
	maxQuoted = 64
	maxNamed  = 5
)

// Metadata is what SendGrid needs to know of an IdP.
type Metadata struct {
	// EntityID is the IdP's own name, 1 to 1,024 characters without white space.
	EntityID string
	// SigninURL is an absolute https URL.
	SigninURL string
	// SignoutURL is an absolute https URL, or empty if the IdP has no single logout.
	SignoutURL string
	// Certificates are the different signing certificates that have not expired, at most
	// [MaxCertificates]. It is empty if the metadata has none at all.
	Certificates []Certificate
}

// ParseMetadata reads SAML 2.0 metadata and returns the one IdP that it describes. Where it
// describes several, entityID names the one; an entityID that is given has to be found.
// Errors are of the type [*Error].
func ParseMetadata(document []byte, entityID string, now time.Time) (*Metadata, error) {
	root, err := decode(document)
	if err != nil {
		return nil, err
	}
	idp, err := choose(collect(root, nil), entityID)
	if err != nil {
		return nil, err
	}
	if problem := checkEntityID(idp.entityID); problem != "" {
		return nil, &Error{"has an entityID that " + problem}
	}
	if err := checkValidUntil(idp.validUntil, now); err != nil {
		return nil, err
	}
	m := &Metadata{EntityID: idp.entityID}
	if m.SigninURL, err = location(idp.role.Signin, "SingleSignOnService"); err != nil {
		return nil, err
	}
	if m.SigninURL == "" {
		return nil, &Error{"has no SingleSignOnService with the binding HTTP-POST or HTTP-Redirect; " +
			"enable one of them at the identity provider"}
	}
	if m.SignoutURL, err = location(idp.role.Signout, "SingleLogoutService"); err != nil {
		return nil, err
	}
	if m.Certificates, err = idp.role.certificates(now); err != nil {
		return nil, err
	}
	return m, nil
}

// candidate is one IdP of a document.
type candidate struct {
	entityID string
	role     role
	// validUntil has the values of the role, the entity and the groups around it.
	validUntil []string
}

// collect returns the SAML 2.0 IdPs of a group and the groups in it. The outer parameter
// has validUntil of the groups around it.
func collect(g group, outer []string) []candidate {
	var found []candidate
	outer = append(slices.Clip(outer), g.attr("validUntil"))
	for _, e := range g.Entities {
		for _, r := range e.Roles {
			if slices.Contains(strings.Fields(r.attr("protocolSupportEnumeration")), protocol) {
				found = append(found, candidate{
					e.attr("entityID"), r, append(slices.Clip(outer), e.attr("validUntil"), r.attr("validUntil")),
				})
			}
		}
	}
	for _, inner := range g.Groups {
		found = append(found, collect(inner, outer)...)
	}
	return found
}

// choose returns the IdP that entityID names, or the only one if entityID is empty.
func choose(found []candidate, entityID string) (candidate, error) {
	if len(found) == 0 {
		return candidate{}, &Error{"describes no SAML 2.0 identity provider (IDPSSODescriptor); " +
			"send the metadata of the identity provider, not that of SendGrid or another service provider"}
	}
	if len(found) == 1 && isTemplate(found[0].entityID) { // Before its name is compared.
		return found[0], nil
	}
	named := found
	if entityID != "" {
		named = slices.DeleteFunc(slices.Clone(found), func(c candidate) bool { return c.entityID != entityID })
	}
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) == 0:
		return candidate{}, &Error{"does not describe the identity provider that entity_id names, but " + names(found)}
	case entityID != "":
		return candidate{}, &Error{"describes the identity provider that entity_id names more than once; send its metadata alone"}
	}
	return candidate{}, &Error{"describes more than one identity provider; name one of them in entity_id: " + names(found)}
}

// names lists the entity ids of candidates for an error.
func names(found []candidate) string {
	var quoted []string
	for _, c := range found[:min(len(found), maxNamed)] {
		quoted = append(quoted, fmt.Sprintf("%q", clip(c.entityID, maxQuoted)))
	}
	list := strings.Join(quoted, ", ")
	if more := len(found) - maxNamed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

func checkEntityID(id string) string {
	switch length := utf8.RuneCountInString(id); {
	case id == "":
		return "is missing or empty"
	case length > maxEntityID:
		return fmt.Sprintf("is longer than %d characters", maxEntityID)
	case strings.ContainsFunc(id, isSpaceOrControl):
		return "contains white space or control characters"
	case isTemplate(id):
		return fmt.Sprintf("is a template for all tenants (%q); send the metadata of your own tenant", clip(id, maxQuoted))
	}
	return ""
}

// isTemplate reports whether an entity id has a placeholder, such as {tenantid} in the
// metadata that Entra publishes for every tenant.
func isTemplate(id string) bool { return strings.Contains(id, "{") && strings.Contains(id, "}") }

// checkValidUntil returns an error if one of the values, each an xs:dateTime or empty, is
// not after now.
func checkValidUntil(values []string, now time.Time) error {
	for _, value := range values {
		if value == "" {
			continue
		}
		until, err := time.Parse(time.RFC3339, value)
		if err != nil { // The zone is optional; SAML wants UTC.
			until, err = time.Parse("2006-01-02T15:04:05", value)
		}
		if err != nil {
			return &Error{"has a validUntil that is not a date and time in UTC; send the metadata as the identity provider publishes it"}
		}
		if !until.After(now) {
			return &Error{fmt.Sprintf("expired on %s (validUntil); download it again from the identity provider",
				until.UTC().Format(time.DateOnly))}
		}
	}
	return nil
}

// certificates returns the different signing certificates of a role that have not expired.
func (r role) certificates(now time.Time) ([]Certificate, error) {
	var all []Certificate
	for _, k := range r.Keys {
		if use := k.attr("use"); use != "" && use != "signing" {
			continue
		}
		for _, info := range k.Info {
			for _, data := range info.Data {
				for _, text := range data.Certificates {
					read, wrong := readCertificates(text)
					if wrong != nil {
						return nil, &Error{"has an X509Certificate that " + wrong.error().Message}
					}
					all = append(all, read...)
				}
			}
		}
	}
	valid := slices.DeleteFunc(unique(all), func(c Certificate) bool { return c.expired(now) })
	switch {
	case len(all) > 0 && len(valid) == 0:
		return nil, &Error{"has only expired signing certificates; renew the certificate at the identity provider, " +
			"then send its metadata again"}
	case len(valid) > MaxCertificates:
		return nil, &Error{fmt.Sprintf("must have at most %d signing certificates, not %d; remove old ones at the identity provider",
			MaxCertificates, len(valid))}
	}
	return valid, nil
}
