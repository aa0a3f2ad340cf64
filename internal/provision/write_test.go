package provision_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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

func updating(change func(*request.Resolved)) request.Resolved {
	r := oktaRequest()
	r.IfExists = request.UpdateExisting
	change(&r)
	return r
}

// counts requires that SendGrid got so many requests for certificates and updates.
func (w *world) counts(want map[sendgrid.Op]int) {
	w.t.Helper()
	for _, op := range []sendgrid.Op{sendgrid.OpListCertificates, sendgrid.OpCreateCertificate, sendgrid.OpUpdateIntegration} {
		require.Equal(w.t, want[op], w.sendGrid.Count(op), op)
	}
}

// A certificate costs one call more than the create; nothing has to be read.
func TestEnsureAddsCertificates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		result := w.succeeds(protocol.OutcomeCreated, withCertificates())
		w.calls(1, 1, 0)
		w.counts(map[sendgrid.Op]int{sendgrid.OpCreateCertificate: 2})
		stored := w.sendGrid.Certificates(result.Integration.ID)
		require.Len(t, stored, 2)
		require.Len(t, result.Certificates, 2)
		for i, c := range certificates() {
			require.Equal(t, c.PEM(), stored[i].PublicCertificate)
			require.True(t, stored[i].Enabled)
			require.Equal(t, provision.Certificate{
				ID: stored[i].ID, SHA256: c.SHA256, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(),
			}, result.Certificates[i])
		}
		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCreating, stepAdding, stepAdding, stepCompleted}, steps)
		require.Equal(t, protocol.Completed, entry.State)

		require.Len(t, w.succeeds(protocol.OutcomeUnchanged, withCertificates()).Certificates, 2)
		w.counts(map[sendgrid.Op]int{sendgrid.OpCreateCertificate: 2, sendgrid.OpListCertificates: 1})
	})
}

// SendGrid may store a certificate in another form. It is the same one.
func TestEnsureComparesCertificatesByTheirContent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.SetCertificateForm(func(text string) string { return text[28 : len(text)-26] })
		there := w.sendGrid.Add(asSent(oktaRequest()))
		for _, c := range certificates() {
			w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: c.PEM(), IntegrationID: there.ID, Enabled: true})
		}
		require.Len(t, w.succeeds(protocol.OutcomeUnchanged, withCertificates()).Certificates, 2)
		w.counts(map[sendgrid.Op]int{sendgrid.OpListCertificates: 1})
	})
}

// SendGrid rejects a certificate: the integration exists, and the result reports that.
func TestEnsureReportsARejectedCertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{
			Op: sendgrid.OpCreateCertificate, Skip: 1, Status: 400, Body: `[{"field":"public_certificate","message":"is weak"}]`,
		})
		e := w.fails(problem.SendGridRejected, withCertificates())
		require.Equal(t, w.sendGrid.Integrations()[0].ID, e.IntegrationID)
		require.Contains(t, e.Message, "certificate")
		require.Equal(t, []problem.FieldError{{Field: "public_certificate", Message: "is weak"}}, e.Fields)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Pending, entry.State)
		require.Zero(t, entry.Lease)

		w.created(withCertificates())
		requireCertificates(t, w, 2)
		w.creates(1, 1)
	})
}

func TestEnsureReportsAConflictWithBothValues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := asSent(oktaRequest())
		there.Name = "Another"
		made := w.sendGrid.Add(there)
		e := w.fails(problem.Conflict, withCertificates())
		require.Contains(t, e.Message, "differs in name, public_certificate")
		require.Equal(t, problem.FieldError{Field: "name", Message: `is "Another" in SendGrid, and "Okta" was requested`}, e.Fields[0])
		require.Equal(t, "is none in SendGrid, and sha256 "+certificates()[0].SHA256+" was requested", e.Fields[1].Message)
		w.counts(map[sendgrid.Op]int{sendgrid.OpListCertificates: 1})

		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: certificates()[0].PEM(), IntegrationID: made.ID, Enabled: true})
		e = w.fails(problem.Conflict, withCertificates())
		require.Len(t, e.Fields, 2, "only the certificate that is missing differs")
		require.Equal(t, "is sha256 "+certificates()[0].SHA256+" in SendGrid, and sha256 "+certificates()[1].SHA256+" was requested", e.Fields[1].Message)
	})
}

// An update sends all five fields, and keeps what the request does not name.
func TestEnsureUpdates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		there := asSent(oktaRequest())
		there.CompletedIntegration = new(true)
		made := w.sendGrid.Add(there)
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: certificates()[0].PEM(), IntegrationID: made.ID, Enabled: true})

		r := updating(func(r *request.Resolved) { r.Name, r.Certificates = "Renamed", certificates() })
		result := w.succeeds(protocol.OutcomeUpdated, r)
		require.Equal(t, made.ID, result.Integration.ID)
		require.Equal(t, "Renamed", result.Integration.Name)
		require.Len(t, result.Certificates, 2)
		got := w.sendGrid.Integrations()[0]
		require.Equal(t, "Renamed", got.Name)
		require.True(t, *got.CompletedIntegration)
		require.Equal(t, oktaRequest().SignoutURL, got.SignoutURL)
		requireCertificates(t, w, 2)
		w.counts(map[sendgrid.Op]int{sendgrid.OpUpdateIntegration: 1, sendgrid.OpCreateCertificate: 1, sendgrid.OpListCertificates: 1})

		w.unchanged(r)
		w.counts(map[sendgrid.Op]int{sendgrid.OpUpdateIntegration: 1, sendgrid.OpCreateCertificate: 1, sendgrid.OpListCertificates: 2})
	})
}

// Nothing is sent if nothing differs, and only certificates if only they are missing.
func TestEnsureUpdatesNothingThatIsAsRequested(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.unchanged(updating(func(*request.Resolved) {}))
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Certificates = certificates()[:1] }))
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Certificates = certificates()[1:] }))
		w.counts(map[sendgrid.Op]int{sendgrid.OpCreateCertificate: 2, sendgrid.OpListCertificates: 2})
		require.Len(t, requireCertificates(t, w, 2), 2, "none is removed")
	})
}

// What somebody edited after the request was completed is meant to stay, also for an update.
func TestEnsureDoesNotUndoAnEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		r := updating(func(*request.Resolved) {})
		first := w.created(r)
		w.edit(first.ID)
		require.Equal(t, edited, w.unchanged(r).Name)
		w.counts(nil)
	})
}

// completed_integration may stay false whatever is sent; the update is sent once.
func TestEnsureWarnsIfTheSetUpStaysIncomplete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.sendGrid.Script(sendgridtest.Fault{
			Op: sendgrid.OpUpdateIntegration, Status: 200, Times: -1,
			Body: `{"id":"x","name":"Okta","enabled":true,"entity_id":"` + entityID + `","completed_integration":false}`,
		})
		result := w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.CompletedIntegration = new(true) }))
		w.counts(map[sendgrid.Op]int{sendgrid.OpUpdateIntegration: 1})
		require.Contains(t, warningCodes(result), provision.IntegrationIncomplete)
	})
}

// An older request that is delivered after a newer one changes nothing.
func TestEnsureOrdersRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		start := time.Now()
		w.pass(time.Hour)
		deliver := func(name string, sent time.Duration) protocol.Outcome {
			ctx, cancel := context.WithTimeout(t.Context(), invocation)
			defer cancel()
			r := updating(func(r *request.Resolved) { r.Name = name })
			result, err := w.provisioner.Ensure(ctx, r, provision.Delivery{Order: at(start.Add(sent))})
			require.NoError(t, err)
			w.pass(provision.DefaultSettling)
			return result.Outcome
		}
		require.Equal(t, protocol.OutcomeCreated, deliver("first", 0))
		require.Equal(t, protocol.OutcomeUpdated, deliver("third", 3*time.Second))
		require.Equal(t, protocol.OutcomeSuperseded, deliver("second", 2*time.Second))
		require.Equal(t, protocol.OutcomeSuperseded, deliver("first", 0))
		require.Equal(t, "third", w.sendGrid.Integrations()[0].Name)
		require.Equal(t, protocol.OutcomeUpdated, deliver("fourth", 4*time.Second))
	})
}

// SendGrid still shows what the integration was before the last update. That is no reason to
// leave the next one out, or to believe that nothing differs.
func TestEnsureUpdatesWhileReadsLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.SetLag(10*time.Second, 10*time.Second)
		disabled := updating(func(r *request.Resolved) { r.Enabled = false })
		enabled := updating(func(*request.Resolved) {})
		w.succeeds(protocol.OutcomeUpdated, disabled)
		w.pass(time.Second)
		w.fails(problem.InProgress, oktaRequest())
		w.succeeds(protocol.OutcomeUpdated, enabled)
		require.True(t, w.sendGrid.Integrations()[0].Enabled)
		w.succeeds(protocol.OutcomeUpdated, disabled)
		require.False(t, w.sendGrid.Integrations()[0].Enabled)
		w.unchanged(disabled)
		w.counts(map[sendgrid.Op]int{sendgrid.OpUpdateIntegration: 3})

		w.pass(provision.DefaultSettling)
		w.fails(problem.Conflict, oktaRequest())
	})
}

// An update whose response was lost, and which shows what it asks for only because reads lag, is
// sent again.
func TestEnsureDoesNotConfirmAnUpdateByAStaleRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		w.pass(time.Hour)
		w.sendGrid.SetLag(20*time.Second, 20*time.Second)
		w.succeeds(protocol.OutcomeUpdated, updating(func(r *request.Resolved) { r.Enabled = false }))
		enabled := updating(func(*request.Resolved) {})
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 502, Times: 4})
		w.fails(problem.OutcomeUnknown, enabled)
		w.pass(provision.DefaultSettling)
		w.succeeds(protocol.OutcomeUpdated, enabled)
		require.True(t, w.sendGrid.Integrations()[0].Enabled)
	})
}

// The first try of an update was carried out, and the second refused by the rate limit.
func TestEnsureRemembersTheUnknownTryOfAnUpdate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.created(oktaRequest())
		r := updating(func(r *request.Resolved) { r.Name = "Renamed" })
		w.sendGrid.Script(
			sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Commit: true, Status: 500},
			sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 429, Times: -1},
			sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Status: 503, Times: -1},
		)
		w.fails(problem.OutcomeUnknown, r)
		w.sendGrid.ClearFaults()
		w.pass(provision.DefaultSettling)
		w.succeeds(protocol.OutcomeUpdated, r)
	})
}

// An update of unknown outcome was not carried out. A newer one asks for what is there, and
// replaces it.
func TestEnsureReplacesAnOlderUpdateOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		deliver := func(r request.Resolved, sent time.Time) (*provision.Result, error) {
			ctx, cancel := context.WithTimeout(t.Context(), invocation)
			defer cancel()
			return w.provisioner.Ensure(ctx, r, provision.Delivery{Order: at(sent)})
		}
		w.created(oktaRequest())
		older := time.Now().Add(time.Second)
		disabled := updating(func(r *request.Resolved) { r.Enabled = false })
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: 502, Times: 4})
		w.pass(time.Minute)
		_, err := deliver(disabled, older)
		requireCode(t, problem.OutcomeUnknown, err)
		w.pass(provision.DefaultSettling)
		result, err := deliver(updating(func(*request.Resolved) {}), older.Add(time.Second))
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeUnchanged, result.Outcome)
		result, err = deliver(disabled, older)
		require.NoError(t, err)
		require.Equal(t, protocol.OutcomeSuperseded, result.Outcome)
		require.True(t, w.sendGrid.Integrations()[0].Enabled)
	})
}

// A request that is satisfied leaves the steps of another one, which stopped half-way, to it.
func TestEnsureLeavesTheStepsOfAnotherRequest(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]func(w *world){
		"after the create": func(w *world) { w.ledger.failAt(stepAdding, errLedger) },
		"after its response was lost": func(w *world) {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Commit: true, Drop: true},
				sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Skip: 1, Status: 503, Times: -1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				die(w)
				_, err := w.ensure(withCertificates())
				require.Error(t, err)
				w.ledger.failAt("", nil)
				w.sendGrid.ClearFaults()
				w.pass(lease)
				w.unchanged(oktaRequest())
				w.created(withCertificates())
				require.Len(t, requireCertificates(t, w, 2), 2)
				w.creates(1, 1)
			})
		})
	}
}

// The certificate that another request announced may still be on its way.
func TestEnsureRechecksTheCertificateOfAnotherRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 502})
		w.fails(problem.OutcomeUnknown, withCertificates())
		w.pass(provision.DefaultSettling)
		r := updating(func(r *request.Resolved) { r.Name, r.Certificates = "Renamed", certificates() })
		w.fails(problem.OutcomeUnknown, r)
		w.sendGrid.AddCertificate(sendgrid.CertificateRequest{
			PublicCertificate: certificates()[0].PEM(), IntegrationID: w.sendGrid.Integrations()[0].ID, Enabled: true,
		})
		w.pass(provision.DefaultSettling)
		w.succeeds(protocol.OutcomeUpdated, r)
		require.Len(t, requireCertificates(t, w, 2), 2)
	})
}

// A certificate whose response is lost three times, and which is never there, needs a person.
func TestEnsureGivesUpAfterThreeUnknownCertificates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 502, Times: -1})
		for range 3 {
			w.fails(problem.OutcomeUnknown, withCertificates())
			w.pass(provision.DefaultSettling)
			w.fails(problem.OutcomeUnknown, withCertificates())
			w.pass(provision.DefaultSettling)
		}
		e := w.fails(problem.OutcomeUnknown, withCertificates())
		require.False(t, e.Retryable())
		require.Contains(t, e.Message, "certificate")
		require.Equal(t, 3, w.sendGrid.Count(sendgrid.OpCreateCertificate))
		w.creates(1, 1)
	})
}

func warningCodes(r *provision.Result) (codes []provision.WarningCode) {
	for _, w := range r.Warnings {
		codes = append(codes, w.Code)
	}
	return codes
}

func TestEnsureWarns(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*request.Resolved)
		before time.Duration // So long before the certificates expire.
		want   []provision.WarningCode
	}{
		"no certificate": {func(*request.Resolved) {}, 0, []provision.WarningCode{provision.NoCertificate}},
		"certificates":   {func(r *request.Resolved) { r.Certificates = certificates() }, 0, nil},
		"disabled": {
			func(r *request.Resolved) { r.Certificates, r.Enabled = certificates(), false }, 0,
			[]provision.WarningCode{provision.IntegrationDisabled},
		},
		"expires soon": {
			func(r *request.Resolved) { r.Certificates = certificates() }, 20 * 24 * time.Hour,
			[]provision.WarningCode{provision.CertificateExpiresSoon},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.before != 0 {
					w.pass(time.Until(certificates()[0].NotAfter.Add(-tt.before)))
				}
				r := oktaRequest()
				tt.change(&r)
				require.Equal(t, tt.want, warningCodes(w.succeeds(protocol.OutcomeCreated, r)))
			})
		})
	}
}

// A create whose response leaves its outcome open is followed by no other before it has
// settled, and has settled once more after somebody took the entry over. The fault matrix
// has all such responses.
func TestEnsureGuardsAnAmbiguousCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.lose(false)
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		responded := time.Now()
		require.Equal(t, provision.DefaultSettling, e.RetryAfter)
		require.True(t, e.Retryable())
		require.Error(t, e.Err, "the log has what happened")
		entry, steps := w.ledger.state()
		require.Equal(t, []string{stepTake, stepCreating, stepUnknown}, steps)
		require.Equal(t, responded.Add(provision.DefaultSettling), entry.Lease)
		require.Equal(t, 1, entry.UnknownCreates)
		w.creates(1, 0)

		// Anyone may read meanwhile.
		lists := w.sendGrid.Count(sendgrid.OpListIntegrations)
		w.pass(10 * time.Second)
		e = w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, provision.DefaultSettling-10*time.Second, e.RetryAfter)
		w.calls(lists+1, 1, 0)
		require.Equal(t, 10*time.Second, time.Since(responded), "waiting would be in vain")

		// Who has the time waits for the rest, and lets it settle once more.
		w.pass(35 * time.Second)
		require.Equal(t, provision.DefaultSettling, w.fails(problem.OutcomeUnknown, oktaRequest()).RetryAfter)
		w.pass(provision.DefaultSettling)
		w.created(oktaRequest())
		w.creates(2, 1)
		entry, _ = w.ledger.state()
		require.Zero(t, entry.UnknownCreates)
	})
}

// A connection that breaks after it took the request may have delivered it, for all that
// this side knows.
func TestEnsureGuardsABrokenConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.afterList(func() { w.network.ResetAfterDial(1) })
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.Equal(t, provision.DefaultSettling, e.RetryAfter)
		w.creates(0, 0)
		w.recheck()
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

// An error that nobody knows says nothing about what was sent.
func TestEnsureGuardsAgainstAnUnknownError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		unknown := errors.New("marker: whatever this is")
		w.provisioner.SendGrid = &fakeSendGrid{
			list:   w.client.ListIntegrations,
			create: func(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error) { return nil, unknown },
		}
		e := w.fails(problem.OutcomeUnknown, oktaRequest())
		require.ErrorIs(t, e, unknown)
		require.NotContains(t, e.Public(), "marker")
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Unknown, entry.State)
	})
}

const death = "the process dies here"

// dies makes a request in a process that dies in one of its calls to SendGrid.
func (w *world) dies(within provision.SendGrid) {
	w.t.Helper()
	p := w.another()
	p.SendGrid = within
	require.PanicsWithValue(w.t, death, func() {
		ctx, cancel := context.WithTimeout(context.Background(), invocation)
		defer cancel()
		_, _ = p.Ensure(ctx, oktaRequest(), provision.Delivery{})
	})
}

// dead requires that the entry is as the dead process left it, that nobody acts before its
// lease has ended, and returns shortly before that.
func (w *world) dead(state protocol.State) {
	w.t.Helper()
	left, _ := w.ledger.state()
	require.Equal(w.t, state, left.State)
	require.Equal(w.t, lease, time.Until(left.Lease))
	creates := w.sendGrid.Count(sendgrid.OpCreateIntegration)
	for range 2 {
		w.fails(problem.InProgress, oktaRequest())
	}
	require.Equal(w.t, creates, w.sendGrid.Count(sendgrid.OpCreateIntegration))
	w.pass(time.Until(left.Lease) - 5*time.Second) // Who has the time waits for the rest.
}

func TestEnsureAfterAProcessThatDiedLooking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{list: func(context.Context) ([]sendgrid.Integration, error) { panic(death) }})
		w.dead(protocol.Free)
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

func TestEnsureAfterAProcessThatDiedBeforeItsCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{
			list:   w.client.ListIntegrations,
			create: func(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error) { panic(death) },
		})
		w.dead(protocol.Creating)
		w.fails(problem.OutcomeUnknown, oktaRequest())
		w.pass(provision.DefaultSettling)
		w.created(oktaRequest())
		w.creates(1, 1)
	})
}

func TestEnsureAfterAProcessThatDiedAfterItsCreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{
			list: w.client.ListIntegrations,
			create: func(ctx context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
				_, err := w.client.CreateIntegration(ctx, in)
				require.NoError(t, err)
				panic(death)
			},
		})
		w.dead(protocol.Creating)
		require.Equal(t, w.sendGrid.Integrations()[0].ID, w.created(oktaRequest()).ID)
		w.creates(1, 1)
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Completed, entry.State)
		require.Zero(t, entry.Lease)
	})
}

// A process may die at every write of its own, too; the write may have been done or not.
func TestEnsureAfterAProcessThatDiedWriting(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepTake, stepCreating, stepCompleted} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.ledger.meet = func(_ context.Context, at string) error {
					if at == step {
						panic(death)
					}
					return nil
				}
				w.dies(w.client)
				w.ledger.failAt("", nil)
				w.pass(lease)
				if _, err := w.ensure(oktaRequest()); err != nil {
					requireCode(t, problem.OutcomeUnknown, err)
					w.pass(provision.DefaultSettling)
					_, err = w.ensure(oktaRequest())
					require.NoError(t, err)
				}
				w.creates(1, 1)
			})
		})
	}
}

var errLedger = errors.New("marker: the table does not respond")

// The lease of an attempt ends at the latest when its invocation and the settling have.
const lease = invocation + provision.DefaultSettling

func (w *world) ledgerFails(step string) {
	w.t.Helper()
	w.ledger.failAt(step, errLedger)
	e := w.fails(problem.LedgerUnavailable, oktaRequest())
	require.ErrorIs(w.t, e, errLedger)
	require.NotContains(w.t, e.Public(), "marker")
	require.True(w.t, e.Retryable())
	require.Positive(w.t, e.RetryAfter)
}

func TestEnsureDoesNothingWithoutTheLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledgerFails(stepTake)
		w.calls(0, 0, 0)
		w.ledger.failAt("", nil)
		w.released()
	})
}

func TestEnsureDoesNotWaitForALedgerThatHangs(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepTake, stepCreating} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.ledger.hangAt(step)
				w.fails(problem.LedgerUnavailable, oktaRequest())
				w.creates(0, 0)
				w.ledger.failAt("", nil)
				w.released()
			})
		})
	}
}

func TestEnsureCreatesNothingThatTheLedgerDoesNotKnowOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledgerFails(stepCreating)
		w.calls(1, 0, 0)
		w.ledger.failAt("", nil)
		w.released()
	})
}

// A success that is not recorded is none: an older request could undo it. It is found once the
// lease has ended, and created once.
func TestEnsureSucceedsOnlyOnceThatIsRecorded(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*spyLedger){
		"failing": func(s *spyLedger) { s.failAt(stepCompleted, errLedger) },
		"lost":    func(s *spyLedger) { s.failAt(stepCompleted, errLost) },
		"hanging": func(s *spyLedger) { s.hangAt(stepCompleted) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				fail(w.ledger)
				begun := time.Now()
				e := w.fails(problem.LedgerUnavailable, oktaRequest())
				require.Equal(t, w.sendGrid.Integrations()[0].ID, e.IntegrationID)
				require.True(t, e.Retryable())
				w.ledger.failAt("", nil)
				_, err := w.ensureWithin(10*time.Second, oktaRequest())
				requireCode(t, problem.InProgress, err)

				w.pass(time.Until(begun.Add(lease)))
				require.Equal(t, e.IntegrationID, w.created(oktaRequest()).ID)
				w.unchanged(oktaRequest())
				w.creates(1, 1)
			})
		})
	}
}

func TestEnsureGuardsAnAmbiguousCreateThatItCannotRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepUnknown, errLedger)
		w.lose(false)
		begun := time.Now()
		w.fails(problem.OutcomeUnknown, oktaRequest())
		entry, _ := w.ledger.state()
		require.Equal(t, protocol.Creating, entry.State)
		require.True(t, entry.Lease.Equal(begun.Add(lease)))

		w.ledger.failAt("", nil)
		w.fails(problem.InProgress, oktaRequest())
		w.creates(1, 0)
		w.pass(time.Until(begun.Add(lease)) - provision.DefaultSettling)
		w.recheck()
		w.created(oktaRequest())
		w.creates(2, 1)
	})
}

func TestEnsureReportsTheFailureThoughItCannotReleaseTheEntry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.ledger.failAt(stepRelease, errLedger)
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403})
		begun := time.Now()
		w.fails(problem.SendGridForbidden, oktaRequest())
		w.ledger.failAt("", nil)
		w.fails(problem.InProgress, oktaRequest())
		w.pass(time.Until(begun.Add(lease)) - provision.DefaultSettling)
		w.recheck()
		w.created(oktaRequest())
	})
}

func TestEnsureLogsWhatItCouldNotRecord(t *testing.T) {
	t.Parallel()
	for _, step := range []string{stepRelease, stepUnknown} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				var log bytes.Buffer
				w.provisioner.Logger = slog.New(slog.NewTextHandler(&log, nil))
				w.ledger.failAt(step, errLedger)
				switch step {
				case stepRelease:
					w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: 403})
				case stepUnknown:
					w.lose(false)
				}
				_, _ = w.ensure(oktaRequest())
				require.Contains(t, log.String(), "level=WARN")
				require.Contains(t, log.String(), entityID)
				require.Contains(t, log.String(), errLedger.Error())
				require.NotContains(t, log.String(), testKey)
			})
		})
	}
}

// A result says that its integration was found instead of created, by whoever's request it was.
func TestEnsureReportsWhatItAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.dies(&fakeSendGrid{
			list: w.client.ListIntegrations,
			create: func(ctx context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
				_, _ = w.client.CreateIntegration(ctx, in)
				panic(death)
			},
		})
		w.pass(lease)
		other := updating(func(r *request.Resolved) { r.Name = "Another" })
		require.False(t, w.succeeds(protocol.OutcomeUpdated, other).Adopted, "it is another request's")

		w.pass(time.Hour)
		require.True(t, w.sendGrid.Delete(w.sendGrid.Integrations()[0].ID))
		w.lose(true) // The create takes effect, and its response is lost.
		require.True(t, w.succeeds(protocol.OutcomeCreated, oktaRequest()).Adopted)
		require.False(t, w.succeeds(protocol.OutcomeUnchanged, oktaRequest()).Adopted)
	})
}
