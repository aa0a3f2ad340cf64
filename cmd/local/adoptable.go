package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// adoptingRequest is a request that finds an integration as it is.
type adoptingRequest struct {
	// IntegrationRequest is without completed_integration: a request that does not give it leaves it
	// as it is, also when SendGrid changes it later.
	sendgrid.IntegrationRequest
	PublicCertificate string `json:"public_certificate,omitempty"`
}

// byEntityID returns the integrations by their entity id.
func byEntityID(integrations []sendgrid.Integration) map[string][]sendgrid.Integration {
	sharing := map[string][]sendgrid.Integration{}
	for _, i := range integrations {
		sharing[i.EntityID] = append(sharing[i.EntityID], i)
	}
	return sharing
}

// unadoptable returns why no request can be about an integration, whatever its certificates are.
// sharing are the integrations with its entity id.
func unadoptable(i sendgrid.Integration, sharing []sendgrid.Integration) error {
	switch {
	case i.ID == "":
		return errors.New("SendGrid does not return its id; finish its setup in SendGrid's SSO settings")
	case i.EntityID != "" && len(sharing) > 1:
		var others []string
		for _, other := range sharing {
			if other.ID != i.ID {
				others = append(others, label(other))
			}
		}
		return fmt.Errorf("its entity_id %q is also that of %s; correct or delete all but one of them in SendGrid's SSO settings", i.EntityID, strings.Join(others, ", "))
	}
	return nil
}

// requestFor returns the line with the request that finds an integration as it is, and what a person
// has to look at. The error says why there is no such request. It is decided by the function's own
// rules, so that they are in one place.
func requestFor(ctx context.Context, i sendgrid.Integration, list []sendgrid.Certificate, now time.Time) (line []byte, remarks []string, err error) {
	asked := adoptingRequest{IntegrationRequest: sendgrid.IntegrationRequest{
		Name: i.Name, Enabled: i.Enabled, SigninURL: i.SigninURL, SignoutURL: i.SignoutURL, EntityID: i.EntityID,
	}}
	asked.PublicCertificate, remarks = certificatesFor(list, now)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // People read it.
	if err := encoder.Encode(asked); err != nil {
		return nil, nil, err
	}
	parsed, err := request.Parse(b.Bytes(), now)
	if err != nil {
		return nil, nil, notValid(err)
	}
	resolved, err := parsed.Resolve(ctx, nil)
	if err != nil {
		return nil, nil, notValid(err)
	}
	// An entity id that the function reads otherwise would be one that SendGrid does not have, and
	// the request would create a second integration.
	if changes := resolved.Differences(i); len(changes) > 0 {
		return nil, nil, fmt.Errorf("a request cannot have its %s as it is in SendGrid, because white space around it is removed; remove it there",
			strings.Join(fieldsOf(changes), " and "))
	}
	return b.Bytes(), remarks, nil
}

// certificatesFor returns the certificates of an integration as public_certificate, and why others
// are left out.
func certificatesFor(list []sendgrid.Certificate, now time.Time) (blocks string, remarks []string) {
	var seen []string
	for _, c := range list {
		switch parsed := saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter); {
		case parsed.SHA256 == "":
			remarks = append(remarks, fmt.Sprintf("its certificate %s is left out, because it cannot be read; check it in SendGrid's SSO settings", c.ID))
		case parsed.NotAfter.Before(now):
			remarks = append(remarks, fmt.Sprintf("its certificate %s is left out, because it expired on %s", c.ID, parsed.NotAfter.Format(time.DateOnly)))
		case !slices.Contains(seen, parsed.SHA256):
			seen = append(seen, parsed.SHA256)
			blocks += parsed.PEM()
		}
	}
	if blocks == "" {
		remarks = append(remarks, "it is printed without a certificate, because it has none that is valid and can be read; without one nobody can log in")
	}
	return blocks, remarks
}

// notValid returns the rules that a request breaks, without the words about sending it again.
func notValid(err error) error {
	refused := problem.From(err)
	var broken []string
	for _, f := range refused.Fields {
		broken = append(broken, strings.TrimSpace(f.Field+" "+f.Message))
	}
	return errors.New(cmp.Or(strings.Join(broken, "; "), refused.Message))
}

func fieldsOf(changes []problem.Change) []string {
	var names []string
	for _, c := range changes {
		names = append(names, c.Field)
	}
	return names
}

// label names an integration for a person. It quotes the name, which may have any character.
func label(i sendgrid.Integration) string {
	const maxName = 64
	return fmt.Sprintf("%q (%s)", cut.Runes(i.Name, maxName), cmp.Or(i.ID, "no id"))
}
