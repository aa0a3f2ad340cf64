package provision_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func absent() request.Resolved {
	return request.Resolved{Request: request.Request{Kind: request.Absent, EntityID: entityID}}
}

func restored() request.Resolved {
	return updating(func(r *request.Resolved) { r.IfExists = request.Restore })
}

// ended makes a request that ends the connection.
func (w *world) ended(outcome protocol.Outcome) *provision.Result {
	w.t.Helper()
	result, err := w.deliveredBy("operator", absent())
	require.NoError(w.t, err)
	require.Equal(w.t, outcome, result.Outcome)
	return result
}

func TestEndDisablesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.provisioner.DeleteAfter = 14 * 24 * time.Hour
		made := w.created(oktaRequest())
		w.pass(time.Hour)
		result := w.ended(protocol.OutcomeDisabled)
		require.Equal(t, []problem.Change{{Field: "enabled", From: true, To: false}}, result.Changes)
		require.Equal(t, time.Now().Add(14*24*time.Hour).Truncate(time.Second), result.DeleteAfter.Local())
		require.Empty(t, result.Warnings)
		require.False(t, w.sendGrid.Integrations()[0].Enabled)
		require.Equal(t, made.SigninURL, w.sendGrid.Integrations()[0].SigninURL, "nothing else is changed")

		w.provisioner.DeleteAfter = time.Hour // A later setting changes nothing.
		again := w.ended(protocol.OutcomeUnchanged)
		require.Equal(t, result.DeleteAfter, again.DeleteAfter)
		entry, _ := w.ledger.state()
		require.Equal(t, 9999, entry.Expires.Year())

		w.pass(time.Hour)
		for _, r := range []request.Resolved{oktaRequest(), updating(func(*request.Resolved) {}), updating(func(r *request.Resolved) { r.Name = "Another" })} {
			message := w.fails(problem.Conflict, r).Message
			require.Contains(t, message, "by operator")
			require.Contains(t, message, "if_exists: restore")
			result, err := w.provisioner.Ensure(t.Context(), r, provision.Delivery{Unattended: true})
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
		}
		require.True(t, w.succeeds(protocol.OutcomeUpdated, restored()).Integration.Enabled)
		entry, _ = w.ledger.state()
		require.False(t, entry.IsEnded())
		require.True(t, entry.DeleteAfter.IsZero())
		w.pass(time.Hour)
		w.unchanged(oktaRequest())
	})
}

// What somebody enabled is disabled again by the next request to end it, and what shares its entity id with
// another is left to a person.
func TestEndOfSeveral(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.provisioner.DeleteAfter = time.Hour
		made := w.created(oktaRequest())
		another := asSent(oktaRequest())
		another.Name = "Another"
		w.sendGrid.Add(another)
		w.pass(time.Hour)
		result := w.ended(protocol.OutcomeDisabled)
		require.Len(t, result.Integrations, 2)
		require.Equal(t, made.ID, result.Integration.ID)
		require.Nil(t, result.DeleteAfter)
		for _, i := range w.sendGrid.Integrations() {
			require.False(t, i.Enabled)
		}
		w.pass(time.Hour)
		w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Enabled = true })
		w.ended(protocol.OutcomeDisabled)
		w.pass(2 * time.Hour)
		require.Empty(t, w.auditedEnd().Deleted)
		require.Len(t, w.sendGrid.Integrations(), 2)
	})
}

// An integration that is already disabled is ended, too, and this is published: a connector disables first.
func TestEndOfWhatIsDisabled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.provisioner.DeleteAfter = time.Hour
		disabled := oktaRequest()
		disabled.Enabled = false
		w.created(disabled)
		w.pass(time.Hour)
		require.NotNil(t, w.ended(protocol.OutcomeDisabled).DeleteAfter)
		require.Len(t, w.writes(), 1, "nothing was to be sent")
		require.NotNil(t, w.ended(protocol.OutcomeUnchanged).DeleteAfter)
		w.fails(problem.Conflict, disabled)
		w.pass(time.Minute)
		w.sendGrid.Delete(w.sendGrid.Integrations()[0].ID)
		require.Nil(t, w.ended(protocol.OutcomeUnchanged).DeleteAfter, "there is nothing to delete")
	})
}

// What is not there is not created by an older request.
func TestEndOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		before := at(time.Now())
		w.pass(time.Minute)
		w.ended(protocol.OutcomeUnchanged)
		for range 2 {
			result, err := w.provisioner.Ensure(t.Context(), oktaRequest(), provision.Delivery{Order: before, Unattended: true})
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
		}
		w.creates(0, 0)
		w.pass(time.Second)
		w.created(oktaRequest())
	})
}

// auditedEnd audits the connection, and returns what is found.
func (w *world) auditedEnd() provision.Audited {
	w.t.Helper()
	return w.audited(published{})
}

// endedConnection is a world with a connection that was ended, and is to be deleted after an hour.
func endedConnection(t *testing.T) (*world, sendgrid.Integration) {
	t.Helper()
	w := newWorld(t)
	w.provisioner.DeleteAfter = time.Hour
	made := w.created(oktaRequest())
	w.pass(time.Hour)
	w.ended(protocol.OutcomeDisabled)
	w.pass(provision.DefaultSettling)
	return w, made
}

func TestAuditDeletesWhatWasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, made := endedConnection(t)
		require.Empty(t, w.auditedEnd().Deleted, "not yet")
		w.pass(time.Hour)
		require.Equal(t, made.ID, w.auditedEnd().Deleted)
		require.Empty(t, w.sendGrid.Integrations())
		require.Empty(t, w.auditedEnd().Deleted, "it is reported once")
		w.fails(problem.Conflict, oktaRequest())

		result := w.succeeds(protocol.OutcomeCreated, restored())
		require.Equal(t, provision.UrlsChanged, result.Warnings[len(result.Warnings)-1].Code)
	})
}

func TestAuditDeletesNothingElse(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]func(w *world, id string){
		"somebody enabled it":       func(w *world, id string) { w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Enabled = true }) },
		"it has another entity id":  func(w *world, id string) { w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.EntityID += "2" }) },
		"another has its entity id": func(w *world, _ string) { w.sendGrid.Add(asSent(oktaRequest())) },
		"it was restored":           func(w *world, _ string) { w.succeeds(protocol.OutcomeUpdated, restored()); w.pass(time.Hour) },
		"the ledger forgets it":     func(w *world, _ string) { w.forgotten() },
		"nobody wanted it deleted": func(w *world, _ string) {
			w.provisioner.DeleteAfter = 0
			w.succeeds(protocol.OutcomeUpdated, restored())
			w.pass(time.Hour)
			w.ended(protocol.OutcomeDisabled)
			w.pass(time.Hour)
		},
		"somebody has deleted it": func(w *world, id string) {
			w.sendGrid.Delete(id)
			w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "x", EntityID: "x"})
		},
		"certificates cannot be read": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, made := endedConnection(t)
				w.pass(time.Hour)
				if before == nil {
					w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 503, Times: -1})
					_, err := w.audit(published{}, func(context.Context, provision.Audited) (string, error) { return "", nil })
					requireCode(t, problem.SendGridUnavailable, err)
				} else {
					before(w, made.ID)
					require.Empty(t, w.auditedEnd().Deleted)
				}
				require.NotEmpty(t, w.sendGrid.Integrations())
				require.Zero(t, w.sendGrid.Count(sendgrid.OpDeleteIntegration))
			})
		})
	}
}

// A deletion whose response is lost, or whose event could not be published, is found out and reported by the
// next audit.
func TestAuditFindsOutAboutItsDeletion(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]sendgridtest.Fault{
		"lost, and done":     {Op: sendgrid.OpDeleteIntegration, Status: 504, Commit: true, Times: -1},
		"lost, and not done": {Op: sendgrid.OpDeleteIntegration, Status: 504, Times: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, made := endedConnection(t)
				w.pass(time.Hour)
				w.sendGrid.SetLag(30*time.Second, 30*time.Second)
				w.sendGrid.Script(fault)
				_, err := w.audit(published{}, nil)
				requireCode(t, problem.OutcomeUnknown, err)
				_, err = w.deliveredBy("operator", restored())
				requireCode(t, problem.InProgress, err)
				w.pass(time.Hour)
				require.Equal(t, made.ID, w.auditedEnd().Deleted)
				require.Empty(t, w.sendGrid.Integrations())
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		w, made := endedConnection(t)
		w.pass(time.Hour)
		_, err := w.audit(published{}, func(context.Context, provision.Audited) (string, error) {
			return "", &problem.Error{Code: problem.EventBusUnavailable, Message: "The bus is down."}
		})
		requireCode(t, problem.EventBusUnavailable, err)
		w.pass(time.Hour)
		require.Equal(t, made.ID, w.auditedEnd().Deleted)
		require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpDeleteIntegration))
	})
}

// forgotten has the ledger forget the connection.
func (w *world) forgotten() {
	w.t.Helper()
	result, err := w.deliveredBy("operator", request.Resolved{Request: request.Request{Kind: request.Forget, EntityID: entityID}})
	require.NoError(w.t, err)
	require.Equal(w.t, protocol.OutcomeUnchanged, result.Outcome)
}

func TestForget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.forgotten()
		kept, expires := w.kept()
		require.Zero(t, kept)
		require.WithinDuration(t, time.Now().Add(15*24*time.Hour), expires, time.Minute)
		require.Len(t, w.writes(), 1, "nothing in SendGrid changes")
		require.False(t, w.auditedEnd().Managed)
	})
}

// What is forgotten was never applied, as far as the next request is concerned: it is told what differs.
func TestARequestAfterItWasForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Name = edited })
		w.forgotten()
		require.Contains(t, w.fails(problem.Conflict, oktaRequest()).Message, "differs in name")
		w.succeeds(protocol.OutcomeUpdated, updating(func(*request.Resolved) {}))
		require.Equal(t, made.Name, w.sendGrid.Integrations()[0].Name)
	})
}

// An end of what is not there is remembered, and said to whoever is older.
func TestARequestOlderThanTheEndOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		older := protocol.NewOrder(time.Now().Add(-time.Minute), time.Now())
		w.ended(protocol.OutcomeUnchanged)
		for _, unattended := range []bool{true, false} {
			result, err := w.provisioner.Ensure(t.Context(), oktaRequest(), provision.Delivery{MayUpdate: true, Unattended: unattended, Order: older})
			if !unattended {
				requireCode(t, problem.Gone, err)
				require.Contains(t, err.Error(), "A newer request ended the connection")
				continue
			}
			require.NoError(t, err)
			require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
			require.Contains(t, result.Warnings[0].Message, "A newer request ended the connection")
		}
		require.Empty(t, w.sendGrid.Integrations())
		w.created(oktaRequest())
	})
}

func TestMatchEndsWhatIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.provisioner.All, w.provisioner.DeleteAfter = w.ledger.All, time.Hour
		for id, app := range map[string]string{"urn:1": "0oa1", "urn:2": "0oa1", "urn:3": "0oa2"} {
			r := oktaRequest()
			r.EntityID, r.Metadata = id, map[string]string{"okta_app": app}
			_, err := w.deliveredBy("operator", r)
			require.NoError(t, err)
		}
		w.pass(time.Hour)
		match := absent()
		match.EntityID, match.Match = "", map[string]string{"okta_app": "0oa1"}
		planned := match
		planned.DryRun = true
		plan, err := w.deliveredBy("operator", planned)
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomePlanned, plan.Outcome)
		require.Len(t, plan.Steps, 2)
		planned.Match = map[string]string{"okta_app": "0oa9"}
		plan, err = w.deliveredBy("operator", planned)
		require.NoError(t, err)
		require.Equal(t, provision.Result{Outcome: protocol.OutcomePlanned, Steps: []provision.Step{}, Changes: []problem.Change{}}, *plan)

		result, err := w.deliveredBy("operator", match)
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeDisabled, result.Outcome)
		require.Len(t, result.Integrations, 2)
		require.Nil(t, result.DeleteAfter, "of several, a person decides")
		for _, i := range w.sendGrid.Integrations() {
			require.Equal(t, i.EntityID == "urn:3", i.Enabled)
		}
		for e := range w.ledger.All(t.Context()) {
			require.True(t, e.DeleteAfter.IsZero())
		}
		match.Match["okta_app"] = "0oa2"
		result, err = w.deliveredBy("operator", match)
		require.NoError(t, err)
		require.NotNil(t, result.DeleteAfter, "it is the only one")
		match.Match["okta_app"] = "0oa9"
		result, err = w.deliveredBy("operator", match)
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeUnchanged, result.Outcome)
	})
}

func TestPreviewOfAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		r := absent()
		r.DryRun = true
		before, writes := w.ledger.state()
		result, err := w.ensure(r)
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomePlanned, result.Outcome)
		require.Len(t, result.Steps, 1)
		require.Equal(t, sendgrid.OpUpdateIntegration, result.Steps[0].Operation)
		require.Equal(t, []problem.Change{{Field: "enabled", From: true, To: false}}, result.Changes)
		after, now := w.ledger.state()
		require.Equal(t, before, after)
		require.Equal(t, writes, now)
		require.True(t, w.sendGrid.Integrations()[0].Enabled)
	})
}

// removing returns the request for a connection with certificates, which has another one deleted.
func removing(keep, remove int) request.Resolved {
	r := oktaRequest()
	r.IfExists, r.RemoveCertificates = request.UpdateExisting, []string{certificates()[remove].SHA256}
	r.Certificates = certificates()[keep : keep+1]
	return r
}

func TestRemoveCertificates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(withCertificates())
		w.pass(time.Hour)
		result := w.succeeds(protocol.OutcomeUpdated, removing(1, 0))
		require.Equal(t, []problem.Change{{Field: "public_certificate", From: certificates()[0].SHA256}}, result.Changes)
		require.Equal(t, []string{certificates()[1].SHA256}, requireCertificates(t, w, 1))
		kept, _ := w.kept()
		require.Len(t, kept.Certificates, 1)
		w.pass(time.Hour)
		w.unchanged(removing(1, 0))
		require.Empty(t, w.drifted(removing(1, 0)), "that is no drift")

		r := removing(1, 1)
		r.Certificates = nil
		require.Contains(t, w.fails(problem.InvalidRequest, r).Fields[0].Message, "nobody could log in")
		requireCertificates(t, w, 1)
	})
}

// The same request again, with a certificate to delete, deletes that and undoes no edit.
func TestRemoveCertificatesOfTheSameRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := named("https://idp.example/sso", 1)
		made := w.created(r)
		before := certificates()[0]
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: before.PEM(), IntegrationID: made.ID, Enabled: true})
		w.pass(time.Hour)
		w.edit(made.ID)
		entry, _ := w.ledger.state()
		r.SigninURL = "https://idp.example/today"
		r.IfExists, r.RemoveCertificates = request.UpdateExisting, []string{before.SHA256}
		w.succeeds(protocol.OutcomeUpdated, r)
		requireCertificates(t, w, 1)
		require.Equal(t, edited, w.sendGrid.Integrations()[0].Name)
		require.Equal(t, made.SigninURL, w.sendGrid.Integrations()[0].SigninURL)
		after, _ := w.ledger.state()
		require.Equal(t, entry.KeptIdentity, after.KeptIdentity)
		require.Equal(t, entry.Kept, after.Kept)
	})
}
