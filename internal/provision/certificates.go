package provision

import (
	"context"
	"errors"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// storedCertificate is a certificate that SendGrid has.
type storedCertificate struct {
	id                  string
	sha256              string
	notBefore, notAfter time.Time
}

// shows reports whether SendGrid shows the certificate.
func (o observation) shows(sha256 string) bool {
	return slices.ContainsFunc(o.certificates, func(c storedCertificate) bool { return c.sha256 == sha256 })
}

// listCertificates returns the certificates of an integration. Those that SendGrid stores in
// a form that is not a certificate are left out. An integration that was created a moment ago
// and is not visible yet has none but those that the entry records.
func (a *attempt) listCertificates(ctx context.Context, id string) ([]storedCertificate, error) {
	var list []sendgrid.Certificate
	err := a.read(ctx, func(ctx context.Context) (err error) {
		list, err = a.SendGrid.ListCertificates(ctx, id)
		return err
	})
	if sendgrid.IsNotFound(err) && a.entry.Settles.After(time.Now()) {
		return nil, nil
	}
	return stored(list), err
}

func stored(list []sendgrid.Certificate) []storedCertificate {
	var certificates []storedCertificate
	for _, c := range list {
		if parsed, err := saml.ParseStored(c.PublicCertificate); err == nil {
			certificates = append(certificates, storedCertificate{c.ID, parsed.SHA256, parsed.NotBefore, parsed.NotAfter})
		}
	}
	return certificates
}

// addCertificate announces the create of a certificate and sends it, enabled.
func (a *attempt) addCertificate(c saml.Certificate) error {
	before, announced := a.entry, a.entry
	announced.State, announced.Certificate, announced.Rechecked = Adding, c.SHA256, false
	if before.Certificate != c.SHA256 {
		announced.UnknownCreates = 0
	}
	if err := a.announce(announced); err != nil {
		return certificateFailed(before.IntegrationID, err)
	}
	var made *sendgrid.Certificate
	err := a.sendOnce(func(ctx context.Context) (err error) {
		made, err = a.SendGrid.CreateCertificate(ctx, sendgrid.CertificateRequest{
			PublicCertificate: c.PEM(), IntegrationID: a.entry.IntegrationID, Enabled: true,
		})
		return err
	})
	switch {
	case err == nil && made.ID == "":
		return a.reconcileCertificate(c, errors.New("the answer to the create has no id"))
	case err == nil:
		a.certificateAdded(storedCertificate{made.ID, c.SHA256, c.NotBefore, c.NotAfter})
		return nil
	case sendgrid.ClassOf(err) == sendgrid.Ambiguous:
		return a.reconcileCertificate(c, err)
	default:
		a.withdraw(before)
		return certificateFailed(a.entry.IntegrationID, err)
	}
}

// certificateAdded takes a certificate for the outcome of this request's create.
func (a *attempt) certificateAdded(c storedCertificate) {
	a.entry = a.entry.added(c.sha256, time.Now().Add(a.settling()))
	a.seen.certificates = append(slices.Clone(a.seen.certificates), c)
}

// reconcileCertificate reads SendGrid until it shows a certificate whose create was not
// answered.
func (a *attempt) reconcileCertificate(c saml.Certificate, cause error) error {
	id := a.entry.IntegrationID
	found := a.reconcile(func(ctx context.Context) bool {
		list, err := a.SendGrid.ListCertificates(ctx, id)
		if err != nil {
			return false
		}
		all := stored(list)
		at := slices.IndexFunc(all, func(s storedCertificate) bool { return s.sha256 == c.SHA256 })
		if at >= 0 {
			a.certificateAdded(all[at])
		}
		return at >= 0
	})
	if found {
		return nil
	}
	e := a.outcomeUnknown(cause)
	return certificateFailed(id, e)
}
