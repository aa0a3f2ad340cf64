package sendgridtest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// Integrations returns the integrations of all accounts in the order of their creation.
func (s *Server) Integrations() []sendgrid.Integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []sendgrid.Integration{}
	for _, each := range s.integrations {
		if i, exists := each.now(); exists {
			all = append(all, clone(i))
		}
	}
	return all
}

// Add creates an integration in the account without a subuser, as if someone had created
// it in SendGrid's UI. One without an entity id is half configured: responses lack those of
// its fields that are empty.
func (s *Server) Add(in sendgrid.IntegrationRequest) sendgrid.Integration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clone(s.add("", in))
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
	edited, _ := found.now()
	edited = clone(edited)
	edited.LastUpdated = timestamp(time.Now())
	edit(&edited)
	found.set(clone(edited))
	return true
}

// Delete deletes an integration and reports whether there was one with that id.
func (s *Server) Delete(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.find(id)
	if found == nil {
		return false
	}
	found.delete()
	return true
}

func (s *Server) add(account string, in sendgrid.IntegrationRequest) sendgrid.Integration {
	id := newID()
	made := clone(sendgrid.Integration{
		ID:                   id,
		Name:                 in.Name,
		Enabled:              in.Enabled,
		SigninURL:            in.SigninURL,
		SignoutURL:           in.SignoutURL,
		EntityID:             in.EntityID,
		SingleSignOnURL:      s.publicURL + samlPath + id,
		AudienceURL:          s.publicURL + samlPath + id,
		CompletedIntegration: in.CompletedIntegration,
		LastUpdated:          timestamp(time.Now()),
	})
	s.integrations = append(s.integrations, newHistory(account, made))
	return made
}

// find returns the integration with an id, nil where there is none now.
func (s *Server) find(id string) *history[sendgrid.Integration] {
	for _, each := range s.integrations {
		if i, exists := each.now(); exists && i.ID == id {
			return each
		}
	}
	return nil
}

// show returns an integration as a response shows it: completed_integration only with
// si=true, and then always. What is empty is missing where it is half configured.
func show(i sendgrid.Integration, si bool) any {
	i = clone(i)
	switch {
	case !si:
		i.CompletedIntegration = nil
	case i.CompletedIntegration == nil:
		i.CompletedIntegration = new(bool)
	}
	if i.EntityID != "" {
		return i
	}
	var fields map[string]any
	whole := jsonResponse(http.StatusOK, i)
	_ = json.Unmarshal(whole.body, &fields) // It is an object.
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == "" })
	return fields
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
