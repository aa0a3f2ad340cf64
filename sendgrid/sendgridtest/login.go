package sendgridtest

import (
	"cmp"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/crewjam/saml"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// samlPath is where SendGrid receives SAML responses, with the integration's id at its end.
	samlPath = "/v3/public/sso/saml/response/id/"
	// maxSAMLResponse bounds the form with a SAML response, in bytes.
	maxSAMLResponse = 1 << 20
)

// SetPublicURL sets the root of the URLs that integrations get from now on, so that an IdP can
// post its SAML responses to this server. The default is SendGrid's own host.
func (s *Server) SetPublicURL(root string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publicURL = root
}

// serveLogIn is the assertion consumer service: it answers 200 with the person's name id, or
// 403 with the reason. Requests to it are not recorded.
func (s *Server) serveLogIn(w http.ResponseWriter, r *http.Request, id string) {
	out := jsonAnswer(http.StatusMethodNotAllowed, map[string]string{"reason": "only POST is allowed"})
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxSAMLResponse)
		response, err := base64.StdEncoding.DecodeString(r.PostFormValue("SAMLResponse"))
		nameID := ""
		if err == nil {
			nameID, err = s.LogIn(id, response)
		}
		if err != nil {
			out = jsonAnswer(http.StatusForbidden, map[string]string{"reason": err.Error()})
		} else {
			out = jsonAnswer(http.StatusOK, map[string]string{"name_id": nameID})
		}
	}
	out.describe(w.Header())
	out.write(w)
}

// LogIn returns the name id of the person whom a SAML response, in XML, logs in by an
// integration. The integration has to be enabled, and the response signed by an enabled and
// currently valid certificate of it; issuer, audience, recipient, destination and times have
// to be right. Otherwise the error is the reason for the refusal.
func (s *Server) LogIn(integrationID string, response []byte) (nameID string, err error) {
	integration, certificates, err := s.trust(integrationID)
	if err != nil {
		return "", err
	}
	if err := checkForm(response); err != nil {
		return "", err
	}
	var refusals []error
	for _, certificate := range certificates {
		assertion, err := parseResponse(integration, certificate, response)
		if err == nil {
			return assertion.Subject.NameID.Value, nil
		}
		refusals = append(refusals, err)
	}
	return "", errors.Join(refusals...)
}

// trust returns an integration by which people can log in, with the certificates that it
// trusts now.
func (s *Server) trust(id string) (sendgrid.Integration, []*x509.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(id)
	if found == nil {
		return sendgrid.Integration{}, nil, errors.New("the integration does not exist")
	}
	integration, _ := found.now()
	if !integration.Enabled {
		return integration, nil, errors.New("the integration is disabled")
	}
	var trusted []*x509.Certificate
	now, reason := time.Now(), "has no certificate"
	for _, each := range s.certificates {
		c, exists := each.now()
		if !exists || c.IntegrationID != id {
			continue
		}
		parsed := parsePEM(c.PublicCertificate)
		switch {
		case parsed == nil:
			reason = "has a certificate that cannot be read"
		case !c.Enabled:
			reason = "has a certificate that is disabled"
		case now.Before(parsed.NotBefore) || now.After(parsed.NotAfter):
			reason = "has a certificate that is not valid now"
		default:
			trusted = append(trusted, parsed)
		}
	}
	if len(trusted) == 0 {
		return integration, nil, errors.New("the integration " + reason + ", and no other")
	}
	return integration, trusted, nil
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
	if a.Subject == nil || a.Subject.NameID == nil || len(a.Subject.SubjectConfirmations) == 0 || a.Conditions == nil {
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
