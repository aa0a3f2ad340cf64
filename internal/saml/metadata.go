package saml

import (
	"cmp"
	"fmt"
	"slices"
	"time"
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
	// [MaxCertificates]. It is empty if the SAML metadata has none at all.
	Certificates []Certificate
}

// Given is what a request gives beside SAML metadata. A value that is given replaces that of
// the SAML metadata, which is then neither judged nor returned; the zero value takes all from it.
type Given struct {
	// EntityID names the IdP where there are several. It has to be found, unless the only IdP
	// has no name.
	EntityID string
	// The others only say that there is a value.
	SigninURL, SignoutURL, Certificates bool
}

// ParseMetadata reads SAML 2.0 metadata and returns the one IdP that it describes, without the
// values that are given. Where it describes several, the given EntityID names the one. The
// document may be XML in any of the forms in which it arrives, or that in base64, or escaped
// for HTML. Errors are of the type [*Error].
func ParseMetadata(document []byte, given Given, now time.Time) (*Metadata, error) {
	root, err := decode(document)
	if err != nil {
		return nil, err
	}
	idp, err := choose(collect(root, nil), given.EntityID)
	if err != nil {
		return nil, err
	}
	if given.EntityID == "" {
		if err := idp.checkEntityID(); err != nil {
			return nil, err
		}
	}
	if err := checkValidity(idp.validity, now); err != nil {
		return nil, err
	}
	m := &Metadata{EntityID: cmp.Or(idp.entityID, given.EntityID)}
	if !given.SigninURL {
		if m.SigninURL, err = location(idp.role.find("SingleSignOnService"), "correct it at the identity provider, or send signin_url in addition"); err != nil {
			return nil, err
		}
		if m.SigninURL == "" {
			return nil, &Error{Message: fmt.Sprintf("has no SingleSignOnService with the binding HTTP-POST or HTTP-Redirect in its IDPSSODescriptor %s; "+
				"enable one of them at the identity provider, or send signin_url in addition", idp.role.at)}
		}
	}
	if !given.SignoutURL {
		if m.SignoutURL, err = location(idp.role.find("SingleLogoutService"), `send signout_url in addition ("" for none)`); err != nil {
			return nil, err
		}
	}
	if m.Certificates, err = signing(idp.role, given.Certificates, now); err != nil {
		return nil, err
	}
	return m, nil
}

// orCertificate is the workaround for whoever cannot change the certificates in SAML metadata.
const orCertificate = "send the signing certificate as public_certificate in addition"

// signing returns the different signing certificates of a role that have not expired, none if
// they are given. A private key is refused wherever it is.
func signing(role *element, given bool, now time.Time) ([]Certificate, error) {
	var all []Certificate
	for _, key := range role.find("KeyDescriptor") {
		use := key.attr("use")
		wanted := !given && (use == "" || use == "signing")
		for _, c := range key.find("KeyInfo", "X509Data", "X509Certificate") {
			ders, wrong := readBlocks(string(c.text))
			var read []Certificate
			if wrong == nil && wanted {
				read, wrong = parse(ders)
			}
			if wrong != nil && (wanted || wrong.isSecret()) {
				return nil, wrong.within(c)
			}
			all = append(all, read...)
		}
	}
	all = unique(all)
	valid := slices.DeleteFunc(slices.Clone(all), func(c Certificate) bool { return c.expired(now) })
	switch {
	case len(all) > 0 && len(valid) == 0:
		last := slices.MaxFunc(all, func(a, b Certificate) int { return a.NotAfter.Compare(b.NotAfter) })
		return nil, &Error{Message: fmt.Sprintf("has only expired signing certificates, the last until %s; renew it at the identity provider, or %s",
			last.NotAfter.UTC().Format(time.DateOnly), orCertificate)}
	case len(valid) > MaxCertificates:
		return nil, &Error{Message: fmt.Sprintf("must have at most %d signing certificates, not %d; remove old ones at the identity provider, or %s",
			MaxCertificates, len(valid), orCertificate)}
	}
	return valid, nil
}
