package provision

import (
	"context"
	"slices"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// renew sends what is new in the SAML metadata of the kept request. Every other field is sent as SendGrid
// has it, so that edits stay.
func (a *connectionAttempt) renew(ctx context.Context, r request.Renewal) error {
	a.request = renewed(*a.seen.integration, r)
	a.asked = a.entry.Renewal(a.request.Fingerprint(), a.request.CertificateHashes())
	a.reconcileEntry()
	for range maxSteps {
		p := protocol.View{Asked: a.asked, Entry: a.entry, Standing: a.standing, Shown: a.shown(), AsOf: a.asOf, UpdateSent: a.updateSent}.PlanRenewal()
		if p.Step == protocol.Report {
			a.entry = a.renewBaseline(a.entry, r)
			return nil
		}
		if result, err := a.carryOut(ctx, p); result != nil || err != nil {
			return err
		}
	}
	a.release(ctx)
	return errUnplanned
}

// renewed returns a request for the integration as SendGrid has it, with what is renewed.
func renewed(i sendgrid.Integration, r request.Renewal) request.Resolved {
	out := request.Request{
		Name: i.Name, Enabled: i.Enabled, SigninURL: i.SigninURL, SignoutURL: i.SignoutURL, EntityID: i.EntityID, IfExists: request.UpdateExisting,
		Certificates: slices.Clone(r.Certificates),
	}
	for _, c := range r.Changes {
		switch c.Field {
		case "signin_url":
			out.SigninURL = r.Kept.SigninURL
		case "signout_url":
			out.SignoutURL = r.Kept.SignoutURL
		}
	}
	return request.Resolved{Request: out}
}

// renewBaseline returns an entry whose baseline has what was renewed. What somebody edited before stays
// drift.
func (a *connectionAttempt) renewBaseline(e protocol.Entry, r request.Renewal) protocol.Entry {
	b, readable := parseBaseline(e.Baseline)
	if !readable {
		return e
	}
	shown := request.Shown(*a.seen.integration)
	for _, c := range r.Changes {
		if _, isField := shown[c.Field]; isField {
			b.Fields[c.Field] = shown[c.Field]
		}
	}
	isNew := func(c saml.Certificate) bool { return !slices.Contains(b.Certificates, c.SHA256) }
	for _, c := range r.Certificates {
		if isNew(c) {
			b.Certificates = append(b.Certificates, c.SHA256)
		}
	}
	e.Baseline = b.String()
	return e
}
