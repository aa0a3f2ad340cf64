package sendgridtest

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// samlURL is where SendGrid receives SAML responses.
const samlURL = "https://api.sendgrid.com/v3/public/sso/saml/response/id/"

// stored is an integration with what only the server knows about it.
type stored struct {
	account     string
	created     time.Time
	integration sendgrid.Integration
}

// Integrations returns the integrations of all accounts in the order of their creation.
func (s *Server) Integrations() []sendgrid.Integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]sendgrid.Integration, 0, len(s.stored))
	for _, each := range s.stored {
		all = append(all, clone(each.integration))
	}
	return all
}

// Add creates an integration in the account without a subuser, as if someone had created
// it in SendGrid's UI.
func (s *Server) Add(in sendgrid.IntegrationRequest) sendgrid.Integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.add("", in).integration)
}

// Edit changes an integration, as if someone had edited it in SendGrid's UI, and reports
// whether there is one with that id. The function must not call the server.
func (s *Server) Edit(id string, edit func(*sendgrid.Integration)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(id)
	if found == nil {
		return false
	}
	edited := clone(found.integration)
	edited.LastUpdated = timestamp(time.Now())
	edit(&edited)
	found.integration = clone(edited)
	return true
}

// Delete deletes an integration and reports whether there was one with that id.
func (s *Server) Delete(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := len(s.stored)
	s.stored = slices.DeleteFunc(s.stored, func(each *stored) bool { return each.integration.ID == id })
	return len(s.stored) < before
}

func (s *Server) add(account string, in sendgrid.IntegrationRequest) *stored {
	id, now := newID(), time.Now()
	made := &stored{account: account, created: now, integration: clone(sendgrid.Integration{
		ID:                   id,
		Name:                 in.Name,
		Enabled:              in.Enabled,
		SigninURL:            in.SigninURL,
		SignoutURL:           in.SignoutURL,
		EntityID:             in.EntityID,
		SingleSignOnURL:      samlURL + id,
		AudienceURL:          samlURL + id,
		CompletedIntegration: in.CompletedIntegration,
		LastUpdated:          timestamp(now),
	})}
	s.stored = append(s.stored, made)
	return made
}

func (s *Server) find(id string) *stored {
	for _, each := range s.stored {
		if each.integration.ID == id {
			return each
		}
	}
	return nil
}

// show returns the integration as an answer shows it: completed_integration only with
// si=true, and then always.
func (i *stored) show(si bool) sendgrid.Integration {
	shown := clone(i.integration)
	switch {
	case !si:
		shown.CompletedIntegration = nil
	case shown.CompletedIntegration == nil:
		shown.CompletedIntegration = new(bool)
	}
	return shown
}

// clone copies an integration with what it points to, so that no caller shares it.
func clone(i sendgrid.Integration) sendgrid.Integration {
	if i.CompletedIntegration != nil {
		completed := *i.CompletedIntegration
		i.CompletedIntegration = &completed
	}
	return i
}

func timestamp(t time.Time) sendgrid.Timestamp {
	return sendgrid.Timestamp(strconv.FormatInt(t.Unix(), 10))
}

// newID returns a random UUID, which SendGrid uses for its ids.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never fails: crypto/rand ends the program instead.
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
