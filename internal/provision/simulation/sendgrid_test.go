package simulation_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sendgrid-sso-integration/sendgrid"
)

const (
	entityID  = "https://idp.example.com/a"
	foreignID = "https://idp.example.com/b"
)

type integration struct {
	history[sendgrid.Integration]
	id     string
	byHand bool
	by     *sent // The request that created it.
}

type certificate struct {
	history[sendgrid.Certificate]
	integration string
	pem         string
	by          *sent
}

// account is the state of SendGrid, with every effect of a write so far.
type account struct {
	integrations []*integration
	certificates []*certificate
	sends        map[string]int // Creates of each certificate in a row without a response.
}

func (a *account) add(in sendgrid.IntegrationRequest, byHand bool) sendgrid.Integration {
	id := fmt.Sprintf("id-%d", len(a.integrations))
	url := "https://api.sendgrid.com/v3/public/sso/saml/response/id/" + id
	value := sendgrid.Integration{
		ID: id, Name: in.Name, Enabled: in.Enabled, SigninURL: in.SigninURL, SignoutURL: in.SignoutURL, EntityID: in.EntityID,
		SingleSignOnURL: url, AudienceURL: url,
	}
	made := &integration{id: id, byHand: byHand}
	made.set(value, false)
	a.integrations = append(a.integrations, made)
	return value
}

// live returns the integrations of the entity id that exist now.
func (a *account) live() []*integration {
	var live []*integration
	for _, i := range a.integrations {
		if value, exists := i.now(); exists && value.EntityID == entityID {
			live = append(live, i)
		}
	}
	return live
}

func (a *account) find(id string) *integration {
	for _, i := range a.integrations {
		if _, exists := i.now(); exists && i.id == id {
			return i
		}
	}
	return nil
}

// count returns how many copies of a certificate an integration has.
func (a *account) count(integration, pem string) int {
	n := 0
	for _, c := range a.certificates {
		if _, exists := c.now(); exists && c.integration == integration && c.pem == pem {
			n++
		}
	}
	return n
}

// client is SendGrid as the function calls it: every call takes a while, and ends in the mode of
// the schedule. It implements provision.SendGrid.
type client struct{ sim *simulation }

func (c client) call(ctx context.Context, op sendgrid.Op, describe string, apply func(*try) error) error {
	return c.sim.call(ctx, op, describe, func() error { return apply(tryOf(ctx)) })
}

func (c client) ListIntegrations(ctx context.Context) ([]sendgrid.Integration, error) {
	var list []sendgrid.Integration
	err := c.call(ctx, sendgrid.OpListIntegrations, "list", func(t *try) error {
		at := t.shown(t.calls)
		for _, i := range c.sim.account.integrations {
			if value, exists := i.at(at); exists {
				list = append(list, value)
			}
		}
		return nil
	})
	return list, err
}

func (c client) GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error) {
	var found *sendgrid.Integration
	err := c.call(ctx, sendgrid.OpGetIntegration, "get "+id, func(t *try) error {
		at := t.shown(t.calls)
		for _, i := range c.sim.account.integrations {
			if value, exists := i.at(at); exists && i.id == id {
				found = &value
				return nil
			}
		}
		return &sendgrid.Error{Op: sendgrid.OpGetIntegration, Sent: true, StatusCode: http.StatusNotFound}
	})
	return found, err
}

func (c client) CreateIntegration(ctx context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
	var made sendgrid.Integration
	_, mode := peek(ctx, false)
	err := c.call(ctx, sendgrid.OpCreateIntegration, "POST integration", func(t *try) error {
		if in.Name == refusedName {
			return &sendgrid.Error{Op: sendgrid.OpCreateIntegration, Sent: true, StatusCode: http.StatusBadRequest}
		}
		c.sim.require(!t.asks.audit, "%s creates an integration", t)
		made = c.sim.account.add(in, false)
		c.sim.account.find(made.ID).by = t.asks
		c.sim.wrote(t, "creates "+made.ID, true)
		return nil
	})
	if mode == nameless {
		made.ID, made.SingleSignOnURL, made.AudienceURL = "", "", ""
	}
	return &made, err
}

func (c client) UpdateIntegration(ctx context.Context, id string, in sendgrid.IntegrationUpdate) (*sendgrid.Integration, error) {
	var changed sendgrid.Integration
	err := c.call(ctx, sendgrid.OpUpdateIntegration, fmt.Sprintf("PATCH %s enabled=%t %s", id, in.Enabled, in.SigninURL), func(t *try) error {
		found := c.sim.account.find(id)
		switch {
		case in.Name == refusedName:
			return &sendgrid.Error{Op: sendgrid.OpUpdateIntegration, Sent: true, StatusCode: http.StatusBadRequest}
		case found == nil:
			return &sendgrid.Error{Op: sendgrid.OpUpdateIntegration, Sent: true, StatusCode: http.StatusNotFound}
		}
		changed, _ = found.now()
		edited := len(c.sim.schedule.edits) > 0
		c.sim.require(!t.asks.audit || edited || in.Enabled == changed.Enabled && in.Name == changed.Name, "%s changes what is not renewed", t)
		changed.Name, changed.Enabled, changed.SigninURL, changed.SignoutURL = in.Name, in.Enabled, in.SigninURL, in.SignoutURL
		found.set(changed, false)
		c.sim.wrote(t, "changes "+id, true)
		return nil
	})
	return &changed, err
}

func (c client) DeleteIntegration(ctx context.Context, id string) error {
	return c.call(ctx, sendgrid.OpDeleteIntegration, "DELETE "+id, func(t *try) error {
		if found := c.sim.account.find(id); found != nil {
			value, _ := found.now()
			c.sim.mayDelete(ctx, t, found, value.Enabled)
			found.set(sendgrid.Integration{}, true)
			c.sim.trace("  effect: %s deletes %s", t, id)
		}
		return nil
	})
}

func (c client) DeleteCertificate(ctx context.Context, id string) error {
	return c.call(ctx, sendgrid.OpDeleteCertificate, "DELETE certificate "+id, func(t *try) error {
		for _, each := range c.sim.account.certificates {
			if value, exists := each.now(); exists && value.ID == id {
				asked := slices.ContainsFunc(t.asks.removes, func(n int) bool { return certificates()[n].PEM() == each.pem })
				c.sim.require(asked, "%s deletes a certificate that it did not name", t)
				each.set(value, true)
				c.sim.wrote(t, "deletes a certificate", false)
			}
		}
		return nil
	})
}

func (c client) CreateCertificate(ctx context.Context, in sendgrid.CertificateRequest) (*sendgrid.Certificate, error) {
	var made sendgrid.Certificate
	key := in.IntegrationID + in.PublicCertificate
	c.sim.sent(key)
	_, mode := peek(ctx, false)
	err := c.call(ctx, sendgrid.OpCreateCertificate, "POST certificate for "+in.IntegrationID, func(t *try) error {
		if c.sim.account.find(in.IntegrationID) == nil {
			return &sendgrid.Error{Op: sendgrid.OpCreateCertificate, Sent: true, StatusCode: http.StatusBadRequest}
		}
		made = sendgrid.Certificate{ID: fmt.Sprint(100 + len(c.sim.account.certificates)), PublicCertificate: in.PublicCertificate, IntegrationID: in.IntegrationID}
		c.sim.mayAdd(t, in.IntegrationID)
		added := &certificate{integration: in.IntegrationID, pem: in.PublicCertificate, by: t.asks}
		added.set(made, false)
		c.sim.account.certificates = append(c.sim.account.certificates, added)
		c.sim.wrote(t, "adds a certificate to "+in.IntegrationID, false)
		c.sim.require(c.sim.account.count(in.IntegrationID, in.PublicCertificate) == 1, "a certificate is doubled")
		return nil
	})
	if err == nil || sendgrid.ClassOf(err) != sendgrid.Ambiguous {
		c.sim.responded(key)
	}
	if mode == nameless {
		made.ID = ""
	}
	return &made, err
}

// sent counts the creates of a certificate in a row without a response.
func (sim *simulation) sent(certificate string) {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.account.sends[certificate]++
	sim.require(sim.account.sends[certificate] <= 3, "a certificate is sent %d times without a response", sim.account.sends[certificate])
}

func (sim *simulation) responded(certificate string) {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.account.sends[certificate] = 0
}

func (c client) ListCertificates(ctx context.Context, id string) ([]sendgrid.Certificate, error) {
	var list []sendgrid.Certificate
	err := c.call(ctx, sendgrid.OpListCertificates, "list certificates of "+id, func(t *try) error {
		at, known := t.shown(t.calls), false
		for _, i := range c.sim.account.integrations {
			if _, exists := i.at(at); exists && i.id == id {
				known = true
			}
		}
		if !known {
			return &sendgrid.Error{Op: sendgrid.OpListCertificates, Sent: true, StatusCode: http.StatusNotFound}
		}
		for _, each := range c.sim.account.certificates {
			if value, exists := each.at(at); exists && each.integration == id {
				list = append(list, value)
			}
		}
		return nil
	})
	return list, err
}

// applyEdit applies the edit of a person.
func (a *account) applyEdit(h edit) {
	live := a.live()
	switch {
	case h.action == creates:
		in := (&sent{enabled: true, signin: "h"}).resolve().Integration()
		a.add(in, true)
	case len(live) == 0:
	case h.action == deletes:
		live[0].set(sendgrid.Integration{}, true)
	case h.action == deletesCertificate:
		for _, c := range a.certificates {
			if value, exists := c.now(); exists && c.integration == live[0].id {
				c.set(value, true)
				return
			}
		}
	default:
		value, _ := live[0].now()
		switch h.action {
		case disables:
			value.Enabled = false
		case enables:
			value.Enabled = true
		case changesSignin:
			value.SigninURL = signinURL("x")
		case creates, deletes, deletesCertificate, actions:
		}
		live[0].set(value, false)
	}
}
