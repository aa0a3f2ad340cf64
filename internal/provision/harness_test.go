package provision_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	testKey  = "SG.test-key.0123456789"
	entityID = "http://www.okta.com/exk1"
	// invocation is the time that a test's request has, unless the test is about time.
	invocation = 25 * time.Second
	// forever is longer than anything waits.
	forever = 24 * time.Hour
)

// world is an account at SendGrid and a provisioner that acts on it, in a bubble with a
// clock of its own.
type world struct {
	t           *testing.T
	sendGrid    *sendgridtest.Server
	network     *sendgridtest.Network
	keys        *keytest.Keys
	client      *sendgrid.Client
	ledger      *spyLedger
	provisioner *provision.Provisioner
}

// newWorld returns a world in which nothing has happened yet, for the bubble that t is in.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, sendGrid: sendgridtest.New(), keys: keytest.Fixed(testKey), ledger: &spyLedger{}}
	w.network = sendgridtest.NewNetwork(w.sendGrid)
	t.Cleanup(w.network.Close)
	w.client = &sendgrid.Client{Keys: w.keys, HTTP: w.network.HTTPClient()}
	w.provisioner = w.another()
	return w
}

// another returns a provisioner as another process has it: only the ledger is shared.
func (w *world) another() *provision.Provisioner {
	return &provision.Provisioner{
		SendGrid: w.client,
		Ledger:   w.ledger,
		Account:  []string{sendgrid.GlobalBaseURL, ""},
	}
}

// ensure makes a request in an invocation of the usual length.
func (w *world) ensure(r request.Resolved) (*provision.Result, error) {
	w.t.Helper()
	return w.ensureWithin(invocation, r)
}

// ensureWithin makes a request in an invocation of some length, and checks that it is
// handled with time to spare.
func (w *world) ensureWithin(length time.Duration, r request.Resolved) (*provision.Result, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), length)
	defer cancel()
	result, err := w.provisioner.Ensure(ctx, r, provision.Delivery{})
	require.NoError(w.t, ctx.Err(), "the result has to come before the deadline")
	deadline, _ := ctx.Deadline()
	require.GreaterOrEqual(w.t, time.Until(deadline), min(500*time.Millisecond, length/8), "the result has to get out")
	return result, err
}

// created makes a request that has to create an integration.
func (w *world) created(r request.Resolved) sendgrid.Integration {
	w.t.Helper()
	return w.succeeds(protocol.OutcomeCreated, r).Integration
}

// unchanged makes a request that has to find its integration there.
func (w *world) unchanged(r request.Resolved) sendgrid.Integration {
	w.t.Helper()
	return w.succeeds(protocol.OutcomeUnchanged, r).Integration
}

func (w *world) succeeds(outcome protocol.Outcome, r request.Resolved) *provision.Result {
	w.t.Helper()
	result, err := w.ensure(r)
	require.NoError(w.t, err)
	require.Equal(w.t, outcome, result.Outcome)
	require.NotEmpty(w.t, result.Integration.ID)
	require.NotEmpty(w.t, result.Integration.SingleSignOnURL)
	require.NotEmpty(w.t, result.Integration.AudienceURL)
	return result
}

// fails makes a request that has to fail with a code.
func (w *world) fails(code problem.Code, r request.Resolved) *problem.Error {
	w.t.Helper()
	result, err := w.ensure(r)
	require.Nil(w.t, result)
	return requireCode(w.t, code, err)
}

// createdAndDeleted has an integration created, by a request of another name, and deleted by a person
// once it has settled.
func (w *world) createdAndDeleted() {
	w.t.Helper()
	r := oktaRequest()
	r.Name = "Okta before"
	first := w.created(r)
	w.pass(provision.DefaultSettling)
	require.True(w.t, w.sendGrid.Delete(first.ID))
}

// recheck lets a create of unknown outcome settle. The next attempt finds nothing, and lets
// one more settling period pass.
func (w *world) recheck() {
	w.t.Helper()
	w.pass(provision.DefaultSettling)
	w.fails(problem.OutcomeUnknown, oktaRequest())
	w.pass(provision.DefaultSettling)
}

// calls requires that SendGrid got so many requests.
func (w *world) calls(list, create, get int) {
	w.t.Helper()
	got := map[sendgrid.Op]int{}
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpCreateIntegration, sendgrid.OpGetIntegration} {
		got[op] = w.sendGrid.Count(op)
	}
	want := map[sendgrid.Op]int{sendgrid.OpListIntegrations: list, sendgrid.OpCreateIntegration: create, sendgrid.OpGetIntegration: get}
	require.Equal(w.t, want, got, "requests to SendGrid")
}

// creates requires that SendGrid got so many creates, and holds so many integrations.
func (w *world) creates(requests, integrations int) {
	w.t.Helper()
	require.Equal(w.t, requests, w.sendGrid.Count(sendgrid.OpCreateIntegration), "creates that SendGrid got")
	require.Len(w.t, w.sendGrid.Integrations(), integrations, "integrations that SendGrid holds")
}

// pass lets time pass, in the bubble.
func (w *world) pass(d time.Duration) { time.Sleep(d) }

func oktaRequest() request.Resolved {
	return request.Resolved{Request: request.Request{
		Name:       "Okta",
		Enabled:    true,
		SigninURL:  "https://example.okta.com/app/exk1/sso/saml",
		SignoutURL: "https://example.okta.com/login/signout",
		EntityID:   entityID,
	}}
}

// asSent returns what SendGrid is to be sent for a request.
func asSent(r request.Resolved) sendgrid.IntegrationRequest {
	return sendgrid.IntegrationRequest{
		Name:                 r.Name,
		Enabled:              r.Enabled,
		SigninURL:            r.SigninURL,
		SignoutURL:           r.SignoutURL,
		EntityID:             r.EntityID,
		CompletedIntegration: r.CompletedIntegration,
	}
}

// requireCode requires that err is an *Error with a code, fit to be shown to a caller.
func requireCode(t *testing.T, code problem.Code, err error) *problem.Error {
	t.Helper()
	var e *problem.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", err)
	require.NotEmpty(t, e.Message)
	require.NotContains(t, err.Error(), testKey)
	return e
}

// at returns the order of a request that was sent at a time.
func at(sent time.Time) protocol.Order { return protocol.NewOrder(sent, sent) }

// certificates are two certificates of an IdP. A bubble's clock is in the past of them.
var certificates = sync.OnceValue(func() []saml.Certificate {
	var both []saml.Certificate
	for range 2 {
		_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(10*365*24*time.Hour))
		both = append(both, saml.ParseStored(samltest.PEM(der), 0, 0))
	}
	return both
})

func withCertificates() request.Resolved {
	r := oktaRequest()
	r.Certificates = certificates()
	return r
}

// requireCertificates requires that SendGrid has so many certificates, none of them twice.
func requireCertificates(t *testing.T, w *world, atMost int) (hashes []string) {
	t.Helper()
	seen := map[string]bool{}
	for _, i := range w.sendGrid.Integrations() {
		for _, c := range w.sendGrid.Certificates(i.ID) {
			parsed := saml.ParseStored(c.PublicCertificate, 0, 0)
			require.NotEmpty(t, parsed.SHA256)
			require.False(t, seen[parsed.SHA256], "a certificate is there twice")
			require.True(t, c.Enabled)
			seen[parsed.SHA256] = true
			hashes = append(hashes, parsed.SHA256)
		}
	}
	require.LessOrEqual(t, len(hashes), atMost)
	return hashes
}
