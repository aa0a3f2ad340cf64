// Package logintest has SAML responses, right and forged, and what the simulator says about each, for
// tests of whatever judges a response.
package logintest

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	// EntityID is the entity id of the identity providers.
	EntityID = "https://idp.example/metadata"
	// Person is the name id of who logs in.
	Person = "ada@example.com"
)

// IDPs are identity providers with the same entity id, and a key each.
type IDPs struct {
	// Right is the one that the integration trusts.
	Right, Stranger *sendgridtest.IDP
	// Expired and Early have certificates that are not valid now.
	Expired, Early *sendgridtest.IDP
}

// NewIDPs makes them, which takes time.
func NewIDPs() (p IDPs, err error) {
	const day = 24 * time.Hour
	now := time.Now()
	for _, made := range []struct {
		idp         **sendgridtest.IDP
		from, until time.Duration
	}{{&p.Right, -day, day}, {&p.Stranger, -day, day}, {&p.Expired, -2 * day, -day}, {&p.Early, day, 2 * day}} {
		if *made.idp, err = sendgridtest.NewIDP(EntityID, now.Add(made.from), now.Add(made.until)); err != nil {
			return p, err
		}
	}
	return p, nil
}

var sharedIDPs = sync.OnceValues(NewIDPs)

// World is an account with an integration that trusts the certificate of one identity provider.
type World struct {
	IDPs
	Server      *sendgridtest.Server
	Integration sendgrid.Integration
	Certificate sendgridtest.Certificate
	t           *testing.T
}

// New returns a world whose identity providers are those of every other.
func New(t *testing.T) *World {
	t.Helper()
	idps, err := sharedIDPs()
	require.NoError(t, err)
	return NewOf(t, idps)
}

// NewOf returns the world of these identity providers.
func NewOf(t *testing.T, idps IDPs) *World {
	t.Helper()
	w := &World{IDPs: idps, Server: sendgridtest.New(), t: t}
	w.Integration = w.Add("Okta", EntityID)
	w.Certificate = w.Trust(w.Integration, idps.Right)
	return w
}

// Add adds an enabled integration.
func (w *World) Add(name, entityID string) sendgrid.Integration {
	return w.Server.Add(sendgrid.IntegrationRequest{Name: name, Enabled: true, SigninURL: "https://idp.example/in", EntityID: entityID})
}

// Trust adds an identity provider's certificate to an integration.
func (w *World) Trust(i sendgrid.Integration, idp *sendgridtest.IDP) sendgridtest.Certificate {
	return w.Server.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: idp.PEM(), IntegrationID: i.ID, Enabled: true})
}

// Respond returns what an identity provider sends to the integration.
func (w *World) Respond(idp *sendgridtest.IDP) []byte {
	w.t.Helper()
	return w.RespondTo(w.Integration.AudienceURL, w.Integration.SingleSignOnURL, idp)
}

// RespondTo returns what an identity provider sends to another audience or URL.
func (w *World) RespondTo(audience, consumer string, idp *sendgridtest.IDP) []byte {
	w.t.Helper()
	response, err := idp.Respond(audience, consumer, Person)
	require.NoError(w.t, err)
	return response
}
