package sendgridtest

import (
	"bytes"
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strconv"

	"sendgrid-sso-integration/sendgrid"
)

// firstCertificateID is the number of the first certificate; SendGrid's are as long.
const firstCertificateID = 66138975

// Certificate is a certificate as the server stores it: no response shows whether it is enabled.
type Certificate struct {
	sendgrid.Certificate
	Enabled bool
}

// Certificates returns the certificates of an integration in the order of their creation.
func (s *Server) Certificates(integrationID string) []Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []Certificate{}
	for _, each := range s.certificates {
		if c, exists := each.now(); exists && c.IntegrationID == integrationID {
			all = append(all, c)
		}
	}
	return all
}

// AddCertificate adds a certificate, as if someone had added it in SendGrid's UI. Unlike the
// API it accepts any text in place of a PEM block.
func (s *Server) AddCertificate(in sendgrid.CertificateRequest) Certificate {
	s.mu.Lock()
	defer s.mu.Unlock()
	account := ""
	if integration := s.find(in.IntegrationID); integration != nil {
		account = integration.account
	}
	return s.addCertificate(account, in)
}

// EditCertificate changes a certificate, as if someone had edited it in SendGrid's UI, and
// reports whether there is one with that id. The function must not call the server.
func (s *Server) EditCertificate(id string, edit func(*Certificate)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.findCertificate(id)
	if found == nil {
		return false
	}
	c, _ := found.now()
	edit(&c)
	found.set(c)
	return true
}

// DeleteCertificate deletes a certificate and reports whether there was one with that id.
func (s *Server) DeleteCertificate(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.findCertificate(id)
	if found == nil {
		return false
	}
	found.delete()
	return true
}

func (s *Server) addCertificate(account string, in sendgrid.CertificateRequest) Certificate {
	c := Certificate{
		Enabled: in.Enabled,
		Certificate: sendgrid.Certificate{
			ID:            strconv.Itoa(firstCertificateID + len(s.certificates)),
			IntegrationID: in.IntegrationID,
		},
	}
	c.replace(in.PublicCertificate)
	s.certificates = append(s.certificates, newHistory(account, c))
	return c
}

// replace sets the certificate's text, and the times of validity that are in it.
func (c *Certificate) replace(text string) {
	c.PublicCertificate, c.NotBefore, c.NotAfter = text, 0, 0
	if parsed := parsePEM(text); parsed != nil {
		c.NotBefore, c.NotAfter = parsed.NotBefore.Unix(), parsed.NotAfter.Unix()
	}
}

// findCertificate returns the certificate with an id, nil where there is none now.
func (s *Server) findCertificate(id string) *history[Certificate] {
	for _, each := range s.certificates {
		if c, exists := each.now(); exists && c.ID == id {
			return each
		}
	}
	return nil
}

func (s *Server) createCertificate(c *call) response {
	d := newDecoder(c.body)
	in := s.decodeCertificate(c, d)
	for _, field := range []string{"public_certificate", "integration_id"} {
		if d.fields != nil && !d.has(field) {
			d.report(field, "this field is required")
		}
	}
	if len(d.problems) > 0 {
		return jsonResponse(http.StatusBadRequest, d.problems)
	}
	return jsonResponse(http.StatusOK, s.showCertificate(s.addCertificate(c.account, in)))
}

// decodeCertificate reads the body of a create or an update request. Enabled is false where it
// is missing, because its default is not documented.
func (s *Server) decodeCertificate(c *call, d *decoder) (in sendgrid.CertificateRequest) {
	if d.accept("public_certificate", &in.PublicCertificate) && parsePEM(in.PublicCertificate) == nil {
		d.report("public_certificate", "must be one X.509 certificate in PEM form")
	}
	if d.accept("integration_id", &in.IntegrationID) {
		if found := s.find(in.IntegrationID); found == nil || found.account != c.account {
			d.report("integration_id", "the integration does not exist")
		}
	}
	d.accept("enabled", &in.Enabled)
	return in
}

func (s *Server) listCertificates(c *call) response {
	if found := s.getIntegration(c); found.status != http.StatusOK {
		return found
	}
	shown := []any{}
	for _, each := range s.certificates {
		if certificate, exists := each.before(s.listLag); exists && each.account == c.account && certificate.IntegrationID == c.id {
			shown = append(shown, s.showCertificate(certificate))
		}
	}
	return jsonResponse(http.StatusOK, shown)
}

func (s *Server) getCertificate(c *call) response {
	for _, each := range s.certificates {
		if certificate, exists := each.before(s.getLag); exists && each.account == c.account && certificate.ID == c.id {
			return jsonResponse(http.StatusOK, s.showCertificate(certificate))
		}
	}
	return noCertificate()
}

// updateCertificate changes what is sent, and leaves the rest as it is.
func (s *Server) updateCertificate(c *call) response {
	found := s.findCertificate(c.id)
	if found == nil || found.account != c.account {
		return noCertificate()
	}
	certificate, _ := found.now()
	d := newDecoder(c.body)
	in := s.decodeCertificate(c, d)
	if len(d.problems) > 0 {
		return jsonResponse(http.StatusBadRequest, d.problems)
	}
	if d.has("enabled") {
		certificate.Enabled = in.Enabled
	}
	certificate.IntegrationID = cmp.Or(in.IntegrationID, certificate.IntegrationID)
	if in.PublicCertificate != "" {
		certificate.replace(in.PublicCertificate)
	}
	found.set(certificate)
	return jsonResponse(http.StatusOK, s.showCertificate(certificate))
}

func (s *Server) deleteCertificate(c *call) response {
	found := s.findCertificate(c.id)
	if found == nil || found.account != c.account {
		return noCertificate()
	}
	certificate, _ := found.now()
	found.delete()
	return jsonResponse(http.StatusOK, s.showCertificate(certificate))
}

func noCertificate() response {
	return refusal(http.StatusNotFound, "the certificate does not exist")
}

// showCertificate returns a certificate as a response shows it, with the document's misspelling.
func (s *Server) showCertificate(c Certificate) any {
	text := c.PublicCertificate
	if s.certificateForm != nil {
		text = s.certificateForm(text)
	}
	return struct {
		PublicCertificate string      `json:"public_certificate"`
		ID                json.Number `json:"id"`
		NotBefore         int64       `json:"not_before"`
		NotAfter          int64       `json:"not_after"`
		IntegrationID     string      `json:"intergration_id"`
	}{text, json.Number(c.ID), c.NotBefore, c.NotAfter, c.IntegrationID}
}

// SetCertificateForm sets the form in which responses show certificates: nobody knows in which
// form SendGrid stores them. The default, nil, is the form in which they were sent.
func (s *Server) SetCertificateForm(form func(text string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.certificateForm = form
}

// parsePEM returns the certificate in a text that is one PEM block, else nil.
func parsePEM(text string) *x509.Certificate {
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" || len(bytes.TrimSpace(rest)) > 0 {
		return nil
	}
	parsed, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return parsed
}
