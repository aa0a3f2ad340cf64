package provision_test

import (
	"slices"
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

// A dry run says what the same request then does, and leaves no trace.
func TestPreviewIsWhatThenHappens(t *testing.T) {
	t.Parallel()
	op := func(ops ...sendgrid.Op) []sendgrid.Op { return ops }
	for name, tt := range map[string]struct {
		before  func(*world)
		request func(*request.Resolved)
		want    []sendgrid.Op
		changes []string
	}{
		"create": {
			want: op(sendgrid.OpCreateIntegration), changes: []string{"name", "enabled", "signin_url", "signout_url", "entity_id"},
		},
		"create with certificates": {
			request: func(r *request.Resolved) { r.Certificates, r.CompletedIntegration = certificates(), new(true) },
			want:    op(sendgrid.OpCreateIntegration, sendgrid.OpCreateCertificate, sendgrid.OpCreateCertificate),
			changes: []string{"name", "enabled", "signin_url", "signout_url", "entity_id", "completed_integration", "public_certificate", "public_certificate"},
		},
		"update": {
			before:  func(w *world) { w.created(oktaRequest()) },
			request: func(r *request.Resolved) { r.IfExists, r.Name, r.Enabled = request.UpdateExisting, "Another", false },
			want:    op(sendgrid.OpUpdateIntegration), changes: []string{"name", "enabled"},
		},
		"update that finishes the setup, and a certificate": {
			before: func(w *world) { w.created(oktaRequest()) },
			request: func(r *request.Resolved) {
				r.IfExists, r.CompletedIntegration, r.Certificates = request.UpdateExisting, new(true), certificates()[:1]
			},
			want: op(sendgrid.OpUpdateIntegration, sendgrid.OpCreateCertificate), changes: []string{"completed_integration", "public_certificate"},
		},
		"a certificate alone": {
			before:  func(w *world) { w.created(oktaRequest()) },
			request: func(r *request.Resolved) { r.IfExists, r.Certificates = request.UpdateExisting, certificates()[:1] },
			want:    op(sendgrid.OpCreateCertificate), changes: []string{"public_certificate"},
		},
		"a disabled one": {
			request: func(r *request.Resolved) { r.Enabled = false },
			want:    op(sendgrid.OpCreateIntegration), changes: []string{"name", "enabled", "signin_url", "signout_url", "entity_id"},
		},
		"nothing, where somebody edited it": {before: func(w *world) {
			made := w.created(oktaRequest())
			w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Name = "Edited" })
		}},
		"nothing":   {before: func(w *world) { w.created(oktaRequest()) }},
		"recreated": {before: func(w *world) { w.createdAndDeleted() }, want: op(sendgrid.OpCreateIntegration), changes: []string{"name", "enabled", "signin_url", "signout_url", "entity_id"}},
		"steps left": {
			before: func(w *world) {
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Skip: 1, Status: 403})
				w.fails(problem.SendGridForbidden, withCertificates())
			},
			request: func(r *request.Resolved) { r.Certificates = certificates() },
			want:    op(sendgrid.OpCreateCertificate), changes: []string{"public_certificate"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				if tt.before != nil {
					tt.before(w)
				}
				w.pass(time.Hour)
				r := oktaRequest()
				if tt.request != nil {
					tt.request(&r)
				}
				entry, writes := w.ledger.state()
				sent := len(w.writes())

				planned := w.preview(r)
				var ops []sendgrid.Op
				for _, step := range planned.Steps {
					require.NotEmpty(t, step.Description)
					ops = append(ops, step.Operation)
				}
				require.Equal(t, tt.want, ops)
				require.NotNil(t, planned.Steps)
				require.NotNil(t, planned.Changes)
				var fields []string
				for _, c := range planned.Changes {
					fields = append(fields, c.Field)
				}
				require.Equal(t, tt.changes, fields)
				after, writesAfter := w.ledger.state()
				require.Equal(t, entry, after, "the ledger is as it was")
				require.Equal(t, writes, writesAfter)
				require.Len(t, w.writes(), sent, "nothing was sent")

				done, err := w.ensure(r)
				require.NoError(t, err)
				require.Equal(t, tt.want, append([]sendgrid.Op(nil), w.writes()[sent:]...))
				require.ElementsMatch(t, planned.Changes, done.Changes)
				require.Equal(t, foreseeable(done), foreseeable(planned))
			})
		})
	}
}

// foreseeable returns the codes of the warnings of a result that do not depend on SendGrid's response.
func foreseeable(result *provision.Result) []provision.WarningCode {
	return slices.DeleteFunc(warningCodes(result), func(code provision.WarningCode) bool { return code == provision.IntegrationIncomplete })
}

// writes returns the writes that SendGrid got.
func (w *world) writes() []sendgrid.Op {
	var ops []sendgrid.Op
	for _, r := range w.sendGrid.Requests() {
		if r.Op.Writes() {
			ops = append(ops, r.Op)
		}
	}
	return ops
}

func (w *world) preview(r request.Resolved) *provision.Result {
	w.t.Helper()
	r.DryRun = true
	result, err := w.ensure(r)
	require.NoError(w.t, err)
	require.Equal(w.t, protocol.OutcomePlanned, result.Outcome)
	return result
}

// A dry run has the error that the request would have.
func TestPreviewOfAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		made := w.created(oktaRequest())
		r := withCertificates()
		r.Name, r.DryRun = "Another", true
		e := w.fails(problem.Conflict, r)
		require.Equal(t, made.ID, e.IntegrationID)
		require.Equal(t, []problem.Change{
			{Field: "name", From: "Okta", To: "Another"},
			{Field: "public_certificate", To: certificates()[0].SHA256}, {Field: "public_certificate", To: certificates()[1].SHA256},
		}, e.Changes)
		r.DryRun = false
		require.Equal(t, e.Changes, w.fails(problem.Conflict, r).Changes)

		w.pass(time.Hour)
		w.lose(false) // A create that may be on its way.
		require.True(t, w.sendGrid.Delete(made.ID))
		other := oktaRequest()
		other.Name = "Third"
		w.fails(problem.OutcomeUnknown, other)
		other.DryRun = true
		w.fails(problem.InProgress, other)
		w.pass(provision.DefaultSettling)
		w.fails(problem.OutcomeUnknown, other)
		w.ledger.failAt("", nil)
	})
}
