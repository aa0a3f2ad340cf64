package provision

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// A failure says what has become of the request so far, and which integration it is about.
func TestFailuresSayWhatHasBecomeOfTheRequest(t *testing.T) {
	t.Parallel()
	asked := protocol.Asked{Fingerprint: "f"}
	pending := protocol.Entry{State: protocol.Pending, Fingerprint: "f", IntegrationID: "1", Outcome: protocol.OutcomeCreated}
	updating, another := pending, pending
	updating.Outcome, another.Fingerprint = protocol.OutcomeUpdated, "g"
	at := func(e protocol.Entry, err error) *problem.Error {
		return newConnectionAttempt(&attempt{asked: asked, entry: e}, request.Resolved{}).translate(err)
	}
	status := func(op sendgrid.Op, code int) error { return &sendgrid.Error{Op: op, StatusCode: code, Sent: true} }
	for name, err := range map[string]error{
		"no key":       &sendgrid.KeyError{Op: sendgrid.OpListIntegrations, Err: errors.New("no response")},
		"the key":      status(sendgrid.OpListIntegrations, 401),
		"the scope":    status(sendgrid.OpCreateCertificate, 403),
		"a limit":      status(sendgrid.OpCreateCertificate, 429),
		"an outage":    status(sendgrid.OpListIntegrations, 503),
		"no response":  &sendgrid.Error{Op: sendgrid.OpListIntegrations, Err: errors.New("reset")},
		"the ledger":   &ledgerError{errors.New("no response")},
		"no time":      &tooLateError{},
		"no time left": &tooLateError{forSendGrid},
		"a deadline":   &sendgrid.Error{Op: sendgrid.OpListIntegrations, Sent: true, Err: context.DeadlineExceeded},
		"rejected":     status(sendgrid.OpCreateCertificate, 400),
		"key deadline": &sendgrid.KeyError{Op: sendgrid.OpListIntegrations, Err: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, e := range []protocol.Entry{{}, another} {
				got := at(e, err)
				require.Contains(t, got.Message, "his attempt changed nothing")
				require.Empty(t, got.IntegrationID)
			}
			got := at(pending, err)
			require.Contains(t, got.Message, "he integration 1 exists and lacks certificates")
			require.Equal(t, "1", got.IntegrationID)
			got = at(updating, err)
			require.Contains(t, got.Message, "he update of the integration 1 is not complete")
			require.Equal(t, "1", got.IntegrationID)
		})
	}
	own := &problem.Error{Code: problem.OutcomeUnknown, IntegrationID: "2"}
	require.Equal(t, "2", at(pending, own).IntegrationID)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	entry := func(state protocol.State, id string) protocol.Entry {
		return protocol.Entry{State: state, IntegrationID: id}
	}
	refused := func(r protocol.Reason) protocol.Plan {
		return protocol.Plan{Step: protocol.Refuse, Reason: r, Wait: 20 * time.Second}
	}
	person, certificate := refused(protocol.NeedsAPerson), refused(protocol.NeedsAPerson)
	certificate.Certificate = "cafe"
	for name, tt := range map[string]struct {
		entry     protocol.Entry
		plan      protocol.Plan
		code      problem.Code
		id        string
		retryable bool
		message   string
	}{
		"a create settles":             {entry(protocol.Unknown, ""), refused(protocol.StillSettling), problem.OutcomeUnknown, "", true, "may have created"},
		"an update settles":            {entry(protocol.Unknown, "1"), refused(protocol.StillSettling), problem.OutcomeUnknown, "1", true, "may have updated the integration 1"},
		"a completed write settles":    {entry(protocol.Completed, "1"), refused(protocol.StillSettling), problem.InProgress, "1", true, "changed the integration 1 a moment ago"},
		"not visible yet":              {entry(protocol.Completed, "1"), refused(protocol.NotYetVisible), problem.OutcomeUnknown, "1", true, "was there a moment ago"},
		"changing":                     {entry(protocol.Completed, "1"), refused(protocol.Changing), problem.InProgress, "1", true, "changed the integration 1 a moment ago"},
		"gone":                         {entry(protocol.Completed, "1"), refused(protocol.Gone), problem.Gone, "1", false, "someone has deleted it"},
		"gone, while another replaces": {protocol.Entry{State: protocol.Creating, Gone: "0"}, refused(protocol.Gone), problem.Gone, "0", false, "integration 0"},
		"gone since":                   {entry(protocol.Completed, "1"), refused(protocol.GoneSince), problem.Gone, "1", false, "A newer request"},
		"a person has to look":         {entry(protocol.Unknown, ""), person, problem.OutcomeUnknown, "", false, "create the integration"},
		"at a certificate":             {entry(protocol.Unknown, "1"), certificate, problem.OutcomeUnknown, "1", false, "certificate with SHA-256 cafe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got *problem.Error
			require.ErrorAs(t, (&attempt{entry: tt.entry}).refusal(tt.plan), &got)
			require.Equal(t, tt.code, got.Code)
			require.Equal(t, tt.id, got.IntegrationID)
			require.Equal(t, tt.retryable, got.Retryable())
			require.Contains(t, got.Message, tt.message)
			if tt.retryable {
				require.Equal(t, 20*time.Second, got.RetryAfter)
			}
		})
	}
}
