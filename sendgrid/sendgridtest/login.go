package sendgridtest

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"time"

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

// serveLogIn is the assertion consumer service: it returns 200 with the person's name id, or
// 403 with the reason. Requests to it are not recorded.
func (s *Server) serveLogIn(w http.ResponseWriter, r *http.Request, id string) {
	out := jsonResponse(http.StatusMethodNotAllowed, map[string]string{"reason": "only POST is allowed"})
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, maxSAMLResponse)
		response, err := base64.StdEncoding.DecodeString(r.PostFormValue("SAMLResponse"))
		nameID := ""
		if err == nil {
			nameID, err = s.LogIn(id, response)
		}
		if err != nil {
			out = jsonResponse(http.StatusForbidden, map[string]string{"reason": err.Error()})
		} else {
			out = jsonResponse(http.StatusOK, map[string]string{"name_id": nameID})
		}
	}
	out.describe(w.Header())
	out.write(w)
}

// LogIn returns the name id of the person whom a SAML response, in XML, logs in now by an
// integration, as Judge says. The integration has to be enabled, and so has the certificate.
// Otherwise the error is the reason for the refusal.
func (s *Server) LogIn(integrationID string, response []byte) (nameID string, err error) {
	integration, certificates, err := s.trust(integrationID)
	if err != nil {
		return "", err
	}
	return Judge(integration, certificates, response, time.Now())
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
