package refusal

import (
	"crypto/x509"

	"sendgrid-sso-integration/internal/saml"
)

// stored is a certificate that the integration has.
type stored struct {
	*x509.Certificate
	sha256 string
}

// disabled looks at the integration.
func (q *inquiry) disabled() {
	if !q.Integration.Enabled {
		q.find(IntegrationDisabled, "The integration is disabled, so nobody can log in with it.",
			`If nobody wants that, send the connection's request with "enabled": true and if_exists: update, or restore if somebody disabled it in SendGrid.`)
	}
}

// readStored reads the integration's certificates.
func (q *inquiry) readStored() {
	const send = "Send the connection's request with the identity provider's certificate and if_exists: update"
	for _, c := range q.Certificates {
		parsed := saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter)
		if certificate, err := x509.ParseCertificate(parsed.DER); err == nil {
			q.stored = append(q.stored, stored{certificate, parsed.SHA256})
		}
	}
	switch {
	case len(q.Certificates) == 0:
		q.find(NoCertificate, "The integration has no certificate, so nobody can log in with it.", send+".")
	case len(q.stored) == 0:
		q.find(CertificateUnreadable, "SendGrid has only certificates for the integration that cannot be read.", send+", and check the others in SendGrid's SSO settings.")
	}
}

// trusted returns the integration's certificates that are valid from first to last.
func (q *inquiry) trusted() (valid []*x509.Certificate) {
	for _, c := range q.stored {
		if !q.at.Before(c.NotBefore) && !q.latest.After(c.NotAfter) {
			valid = append(valid, c.Certificate)
		}
	}
	return valid
}
