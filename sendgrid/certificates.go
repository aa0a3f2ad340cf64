package sendgrid

import (
	"cmp"
	"context"
	"errors"
	"net/url"
)

// certificatesPath is the collection of SSO certificates.
const certificatesPath = "/v3/sso/certificates"

// CertificateRequest is the body of a create request. All of it is always sent:
// SendGrid documents no default of enabled, and a false that is sent is applied.
//
// https://www.twilio.com/docs/sendgrid/api-reference/certificates/create-an-sso-certificate
type CertificateRequest struct {
	// PublicCertificate is the IdP's X.509 signing certificate as one PEM block.
	PublicCertificate string `json:"public_certificate"`
	// IntegrationID is the integration that the certificate is for.
	IntegrationID string `json:"integration_id"`
	// Enabled certificates are accepted. It cannot be read back.
	Enabled bool `json:"enabled"`
}

// Certificate is an IdP's signing certificate as SendGrid reports it. Any field may be empty.
//
// https://www.twilio.com/docs/sendgrid/api-reference/certificates
type Certificate struct {
	ID                string `json:"id,omitempty"`
	PublicCertificate string `json:"public_certificate,omitempty"`
	IntegrationID     string `json:"integration_id,omitempty"`
	// NotBefore and NotAfter are seconds since the epoch, 0 where SendGrid does not report them.
	NotBefore int64 `json:"not_before,omitempty"`
	NotAfter  int64 `json:"not_after,omitempty"`
}

// UnmarshalJSON reads a certificate as object describes it. The document spells the id of the
// integration "intergration_id"; clients in the wild read "integration_id".
func (c *Certificate) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*c = Certificate{
		ID:                o.id("id"),
		PublicCertificate: o.text("public_certificate", maxPEMBytes),
		IntegrationID:     cmp.Or(o.id("integration_id"), o.id("intergration_id")),
		NotBefore:         o.seconds("not_before"),
		NotAfter:          o.seconds("not_after"),
	}
	return nil
}

// identified reports whether SendGrid sent what makes a certificate one.
func (c Certificate) identified() bool { return c.ID != "" || c.PublicCertificate != "" }

var errNoCertificate = errors.New("the response has neither an id nor a public_certificate")

// certificateList is the response to a list.
type certificateList []Certificate

func (l *certificateList) UnmarshalJSON(data []byte) error {
	return parseList(data, (*[]Certificate)(l), Certificate.identified, errNoCertificate)
}

// CreateCertificate adds a certificate to an integration. Like CreateIntegration it is not
// idempotent: after an error of the class Ambiguous the caller has to find out what happened
// before it calls again. The response may lack any field.
//
// https://www.twilio.com/docs/sendgrid/api-reference/certificates/create-an-sso-certificate
func (c *Client) CreateCertificate(ctx context.Context, in CertificateRequest) (*Certificate, error) {
	var out Certificate
	if err := c.do(ctx, OpCreateCertificate, certificatesPath, in, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ListCertificates returns all certificates of an integration, without paging. A response of
// null counts as none.
//
// https://www.twilio.com/docs/sendgrid/api-reference/certificates/get-all-sso-certificates-by-integration
func (c *Client) ListCertificates(ctx context.Context, integrationID string) ([]Certificate, error) {
	if integrationID == "" {
		return nil, &Error{Op: OpListCertificates, Err: errNoID}
	}
	var out certificateList
	if err := c.do(ctx, OpListCertificates, integrationPath(integrationID)+"/certificates", nil, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// DeleteCertificate deletes a certificate. One that is not there is deleted.
//
// https://www.twilio.com/docs/sendgrid/api-reference/certificates/delete-an-sso-certificate
func (c *Client) DeleteCertificate(ctx context.Context, id string) error {
	if id == "" {
		return &Error{Op: OpDeleteCertificate, Err: errNoID}
	}
	return gone(c.do(ctx, OpDeleteCertificate, certificatesPath+"/"+url.PathEscape(id), nil, nil))
}
