package provision_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// by returns the delivery of a caller, who may update unless it is a webhook.
func by(caller string) provision.Delivery {
	return provision.Delivery{Caller: caller, MayUpdate: caller != "webhook"}
}

// delivered makes a request as a caller.
func (w *world) deliveredBy(caller string, r request.Resolved) (*provision.Result, error) {
	w.t.Helper()
	return w.provisioner.Ensure(w.t.Context(), r, by(caller))
}

// kept returns the request that the ledger keeps, and when its entry expires.
func (w *world) kept() (request.Kept, time.Time) {
	w.t.Helper()
	entry, _ := w.ledger.state()
	kept, found := request.ParseKept(entry.Kept)
	require.Equal(w.t, entry.Managed(), found)
	return kept, entry.Expires
}

// What is kept is written by whoever created the connection, or may update it.
func TestEnsureKeepsTheRequest(t *testing.T) {
	t.Parallel()
	ticket := func(number string) func(*request.Resolved) {
		return func(r *request.Resolved) { r.Metadata = map[string]string{"ticket": number} }
	}
	update := func(r *request.Resolved) { r.IfExists = request.UpdateExisting }
	made := func(w *world) { w.sendGrid.Add(asSent(oktaRequest())) }
	created := func(caller string, changes ...func(*request.Resolved)) func(*world) {
		return func(w *world) {
			r := oktaRequest()
			for _, change := range append(changes, ticket("1")) {
				change(&r)
			}
			_, err := w.deliveredBy(caller, r)
			require.NoError(w.t, err)
		}
	}
	for name, tt := range map[string]struct {
		before func(*world)
		caller string
		change func(*request.Resolved)
		keeps  string // Whose request is kept afterwards; none if empty.
		ticket string
	}{
		"a webhook creates it":                         {caller: "webhook", keeps: "webhook", ticket: "2"},
		"made by hand, and a webhook finds it":         {before: made, caller: "webhook"},
		"made by hand, and an operator finds it":       {before: made, caller: "operator", keeps: "operator", ticket: "2"},
		"made by hand, and an operator updates it":     {before: made, caller: "operator", change: update, keeps: "operator", ticket: "2"},
		"the same request of a webhook":                {before: created("operator"), caller: "webhook", keeps: "operator", ticket: "1"},
		"the same request of another operator":         {before: created("operator"), caller: "another", keeps: "operator", ticket: "1"},
		"the same request, updating":                   {before: created("operator"), caller: "another", change: update, keeps: "operator", ticket: "2"},
		"a webhook adds the first certificates":        {before: created("webhook"), caller: "webhook", change: func(r *request.Resolved) { r.Certificates = certificates() }, keeps: "webhook", ticket: "2"},
		"an operator changes it":                       {before: created("webhook"), caller: "operator", change: func(r *request.Resolved) { update(r); r.Enabled = false }, keeps: "operator", ticket: "2"},
		"an operator finds it changed as requested":    {before: changedByHand, caller: "operator", change: func(r *request.Resolved) { update(r); r.Name = edited }, keeps: "operator", ticket: "2"},
		"a webhook finds it changed as requested":      {before: changedByHand, caller: "webhook", change: func(r *request.Resolved) { r.Name = edited }, keeps: "webhook", ticket: ""},
		"an operator finds it changed, without update": {before: changedByHand, caller: "operator", change: func(r *request.Resolved) { r.Name = edited }, keeps: "webhook", ticket: ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.before != nil {
					tt.before(w)
					w.pass(time.Hour)
				}
				r := oktaRequest()
				ticket("2")(&r)
				if tt.change != nil {
					tt.change(&r)
				}
				_, err := w.deliveredBy(tt.caller, r)
				require.NoError(t, err)
				kept, expires := w.kept()
				require.Equal(t, tt.keeps, kept.By)
				require.Equal(t, tt.ticket, kept.Metadata["ticket"])
				require.Equal(t, tt.keeps != "", expires.Year() == 9999)
			})
		})
	}
}

func changedByHand(w *world) {
	_, err := w.deliveredBy("webhook", oktaRequest())
	require.NoError(w.t, err)
	w.edit(w.sendGrid.Integrations()[0].ID)
}

// The certificates that a connection has become known when it becomes managed.
func TestEnsureKnowsTheCertificatesOfWhatItAdopts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.sendGrid.Add(asSent(oktaRequest()))
		before := certificates()
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: before[0].PEM(), IntegrationID: made.ID, Enabled: true})
		_, err := w.deliveredBy("operator", oktaRequest())
		require.NoError(t, err)
		w.pass(time.Hour)
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: before[1].PEM(), IntegrationID: made.ID, Enabled: true})
		r := oktaRequest()
		r.IfExists, r.Enabled = request.UpdateExisting, false
		_, err = w.deliveredBy("operator", r)
		require.NoError(t, err)
		r.IfExists, r.Certificates = request.ReportConflict, nil
		w.pass(time.Hour)
		withOne := r
		withOne.IfExists, withOne.Certificates = request.UpdateExisting, before[:1]
		require.Equal(t, []problem.Change{{Field: "public_certificate", To: before[1].SHA256}}, w.drifted(withOne))
	})
}

// named returns a request whose SAML metadata supplies a sign-in URL and a certificate today.
func named(signin string, certificate int) request.Resolved {
	r := oktaRequest()
	r.SigninURL, r.Certificates = signin, certificates()[certificate:certificate+1]
	r.Source = request.Source{URL: "https://idp.example/metadata", Given: []string{"name", "enabled", "entity_id"}}
	return r
}

// What a URL supplies today is not what makes a request another one.
func TestEnsureIdentifiesARequestByItsFieldsAsGiven(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(named("https://idp.example/sso", 0))
		entry, _ := w.ledger.state()
		w.pass(time.Hour)
		today := named("https://idp.example/today", 1)
		for _, ifExists := range []request.IfExists{request.ReportConflict, request.UpdateExisting} {
			today.IfExists = ifExists
			w.unchanged(today)
		}
		after, _ := w.ledger.state()
		require.Equal(t, entry.Kept, after.Kept, "what was not applied is not kept")
		require.Len(t, w.writes(), 2)
		today.IfExists = request.Restore
		require.Equal(t, "https://idp.example/today", w.succeeds(protocol.OutcomeUpdated, today).Integration.SigninURL)
		kept, _ := w.kept()
		require.Equal(t, certificates()[1].SHA256, kept.Certificates[0].SHA256)

		w.pass(time.Hour)
		another := named("https://idp.example/today", 1)
		another.Source.URL += "/2"
		w.unchanged(another)
		another.SigninURL = "https://idp.example/2"
		w.fails(problem.Conflict, another)
	})
}

// The same request does not create again what somebody deleted. Where nobody gets the response, it
// is superseded.
func TestEnsureSupersedesWhatIsGoneWhereNobodyAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.Delete(made.ID)
		require.Contains(t, w.fails(problem.Gone, oktaRequest()).Message, "send the request with if_exists: restore")
		result, err := w.provisioner.Ensure(t.Context(), oktaRequest(), provision.Delivery{Unattended: true})
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
		require.Zero(t, result.Integration, "what is requested is not what SendGrid has")
		require.Equal(t, made.ID, result.GoneID)
		require.Contains(t, result.Warnings[0].Message, made.ID)
		require.Equal(t, provision.Missing, result.Warnings[0].Code)
		require.Len(t, result.Warnings, 1)
		w.creates(1, 0)
	})
}

// The entry of the largest request that there is stays small.
func TestEntriesStaySmall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.stored = func(e protocol.Entry) {
			require.Less(t, len(e.Kept)+len(e.Baseline)+len(e.EntityID)+len(e.Findings), 60<<10)
		}
		long := func(n int) string { return strings.Repeat("<", n) }
		r := named("https://idp.example/"+long(2028), 0)
		r.Name, r.SignoutURL, r.EntityID = long(256), r.SigninURL, long(1024)
		r.Source.URL = "https://idp.example/" + long(2028)
		r.Metadata = map[string]string{}
		for n := range 20 {
			r.Metadata[string(rune('a'+n))+strings.Repeat("\u2028", 63)] = strings.Repeat("\u2028", 256)
		}
		r.Metadata["okta_app"] = "0oa1"
		delete(r.Metadata, "a"+strings.Repeat("\u2028", 63))
		_, err := w.deliveredBy(long(512), r)
		require.NoError(t, err)
		kept, _ := w.kept()
		require.Equal(t, map[string]string{"okta_app": "0oa1"}, kept.Metadata, "what names the application stays")
	})
}
