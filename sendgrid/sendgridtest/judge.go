package sendgridtest

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/crewjam/saml"

	"sendgrid-sso-integration/sendgrid"
)

// Judge returns the name id of the person whom a SAML response, in XML, logs in at a time by an
// integration that trusts these certificates. The response has to be signed with one of them that
// is valid then; issuer, audience, recipient, destination and times have to be right. Otherwise
// the error is the reason for the refusal.
func Judge(integration sendgrid.Integration, certificates []*x509.Certificate, response []byte, now time.Time) (nameID string, err error) {
	if err := checkForm(response); err != nil {
		return "", err
	}
	if len(certificates) == 0 {
		return "", errors.New("no certificate is trusted")
	}
	var refusals []error
	withClock(now, func() {
		for _, certificate := range certificates {
			var assertion *saml.Assertion
			if assertion, err = parseResponse(integration, certificate, response); err == nil {
				nameID, refusals = assertion.Subject.NameID.Value, nil
				return
			}
			refusals = append(refusals, err)
		}
	})
	return nameID, errors.Join(refusals...)
}

// checkForm refuses a response without the parts that the library takes for granted, or with
// more than one assertion. SendGrid decrypts none.
func checkForm(response []byte) error {
	var form struct {
		Assertions []saml.Assertion `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
		Encrypted  []struct{}       `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedAssertion"`
	}
	if err := xml.Unmarshal(response, &form); err != nil { //nolint:gosec // encoding/xml expands no entities.
		return fmt.Errorf("the response cannot be read: %w", err)
	}
	if len(form.Assertions) != 1 || len(form.Encrypted) > 0 {
		return errors.New("the response has not exactly one assertion in plain text")
	}
	a := form.Assertions[0]
	if a.Subject == nil || a.Subject.NameID == nil || a.Subject.NameID.Value == "" || len(a.Subject.SubjectConfirmations) == 0 || a.Conditions == nil {
		return errors.New("the assertion lacks its name id, subject confirmation or conditions")
	}
	for _, confirmation := range a.Subject.SubjectConfirmations {
		if confirmation.SubjectConfirmationData == nil {
			return errors.New("the assertion's subject confirmation has no data")
		}
	}
	return nil
}

// parseResponse checks a response against one certificate.
func parseResponse(integration sendgrid.Integration, certificate *x509.Certificate, response []byte) (*saml.Assertion, error) {
	consumer, err := url.Parse(integration.SingleSignOnURL)
	if err != nil {
		return nil, err
	}
	key := saml.KeyDescriptor{Use: "signing"}
	key.KeyInfo.X509Data.X509Certificates = []saml.X509Certificate{{Data: base64.StdEncoding.EncodeToString(certificate.Raw)}}
	var idp saml.IDPSSODescriptor
	idp.KeyDescriptors = []saml.KeyDescriptor{key}
	sp := saml.ServiceProvider{
		EntityID:          integration.AudienceURL,
		AcsURL:            *consumer,
		AllowIDPInitiated: true,
		IDPMetadata:       &saml.EntityDescriptor{EntityID: integration.EntityID, IDPSSODescriptors: []saml.IDPSSODescriptor{idp}},
		// The library's own check accepts an assertion without any audience.
		ValidateAudienceRestriction: func(a *saml.Assertion) error {
			if len(a.Conditions.AudienceRestrictions) == 0 {
				return errors.New("there is no audience")
			}
			return checkAudiences(response, integration.AudienceURL)
		},
	}
	assertion, err := sp.ParseXMLResponse(response, nil, *consumer)
	var invalid *saml.InvalidResponseError
	if errors.As(err, &invalid) {
		err = cmp.Or(invalid.PrivateErr, err)
	}
	return assertion, err
}
