package audit

import (
	"fmt"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// ExpiresSoon is the number of days before the last certificate expires from which an audit
// reports it.
const ExpiresSoon = 30

// What is reported of one integration is bounded; what the API accepts fits.
const (
	maxName         = 256
	maxEntityID     = 1024
	maxCertificates = 10
)

// The findings of an audit, beside the warnings that a result has too.
const (
	// CertificatesExpired means that every certificate has expired.
	CertificatesExpired provision.WarningCode = "CertificatesExpired"
	// CertificateUnreadable means that SendGrid returned a certificate in a form that is not
	// one. If it reports the dates of it, they count.
	CertificateUnreadable provision.WarningCode = "CertificateUnreadable"
	// CertificatesUnknown means that the certificates could not be listed.
	CertificatesUnknown provision.WarningCode = "CertificatesUnknown"
)

// Integration is what an audit found out about one integration.
type Integration struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	EntityID string `json:"entity_id"`
	Enabled  bool   `json:"enabled"`
	// DaysLeft is provision.DaysLeft of the certificates whose dates are known.
	DaysLeft *int `json:"days_left,omitempty"`
	// Certificates are the ten that expire last, the latest first. SendGrid does not report
	// whether a certificate is enabled. SHA256 is empty where SendGrid returned no readable
	// certificate.
	Certificates []provision.Certificate `json:"certificates"`
	Findings     []provision.Warning     `json:"findings"`
}

// checked returns what follows from an integration and its certificates.
func checked(integration sendgrid.Integration, list []sendgrid.Certificate, now time.Time) Integration {
	i := describe(integration)
	unreadable := 0
	for _, c := range list {
		certificate, readable := certificateOf(c)
		if !readable {
			unreadable++
		}
		if !certificate.NotAfter.IsZero() {
			i.Certificates = append(i.Certificates, certificate)
		}
	}
	slices.SortStableFunc(i.Certificates, func(a, b provision.Certificate) int { return b.NotAfter.Compare(a.NotAfter) })
	if i.DaysLeft = provision.DaysLeft(i.Certificates, now); i.DaysLeft != nil {
		i.expiry(*i.DaysLeft, i.Certificates[0].NotAfter)
	}
	if len(list) == 0 {
		i.find(provision.NoCertificate, "The integration has no certificate, so nobody can log in with it.")
	}
	if unreadable > 0 {
		i.find(CertificateUnreadable, fmt.Sprintf("%d of the certificates cannot be read; check them in SendGrid's SSO settings.", unreadable))
	}
	i.Certificates = i.Certificates[:min(len(i.Certificates), maxCertificates)]
	return i
}

// expiry reports that the last certificate has expired, or will soon.
func (i *Integration) expiry(days int, last time.Time) {
	date := last.UTC().Format(time.DateOnly)
	switch {
	case days < 0:
		i.find(CertificatesExpired, fmt.Sprintf("The last certificate expired on %s, so nobody can log in. Send the next one with if_exists: update.", date))
	case days < ExpiresSoon:
		i.find(provision.CertificateExpiresSoon, fmt.Sprintf("The last certificate expires on %s; nobody can log in after that. Send the next one with if_exists: update.", date))
	}
}

// unchecked returns what is known of an integration whose certificates could not be listed.
func unchecked(integration sendgrid.Integration, err error) Integration {
	i := describe(integration)
	i.find(CertificatesUnknown, "The certificates could not be listed: "+translate(err).Message)
	return i
}

// describe returns what an integration reports of itself.
func describe(integration sendgrid.Integration) Integration {
	i := Integration{
		ID:       integration.ID,
		Name:     cut.Bytes(integration.Name, maxName),
		EntityID: cut.Bytes(integration.EntityID, maxEntityID),
		Enabled:  integration.Enabled,
		// Not nil, because a list without elements is [] in JSON.
		Certificates: []provision.Certificate{},
		Findings:     []provision.Warning{},
	}
	if !integration.Enabled {
		i.find(provision.IntegrationDisabled, "The integration is disabled, so nobody can log in with it.")
	}
	completed := integration.CompletedIntegration
	if integration.ID == "" || integration.EntityID == "" || integration.SigninURL == "" || completed != nil && !*completed {
		i.find(provision.IntegrationIncomplete, "The set-up is not finished; somebody has to finish it in SendGrid's SSO settings.")
	}
	return i
}

func (i *Integration) find(code provision.WarningCode, message string) {
	i.Findings = append(i.Findings, provision.Warning{Code: code, Message: message})
}

func (i *Integration) has(code provision.WarningCode) bool {
	return slices.ContainsFunc(i.Findings, func(f provision.Warning) bool { return f.Code == code })
}

// expiring reports whether the last certificate has expired, or will soon.
func (i *Integration) expiring() bool { return i.DaysLeft != nil && *i.DaysLeft < ExpiresSoon }

// certificateOf returns a certificate, and whether SendGrid returned a readable one. If not,
// its dates are those that SendGrid reports, zero if it reports none.
func certificateOf(c sendgrid.Certificate) (certificate provision.Certificate, readable bool) {
	parsed := saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter)
	return provision.Certificate{ID: c.ID, SHA256: parsed.SHA256, NotBefore: parsed.NotBefore, NotAfter: parsed.NotAfter}, parsed.SHA256 != ""
}
