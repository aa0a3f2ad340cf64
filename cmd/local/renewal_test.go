package main

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/sendgrid"
)

// taskQueue is the event queue of a checklist, as far as its audits use it.
type taskQueue struct{ bodies []string }

// Send implements audit.Queue.
func (q *taskQueue) Send(_ context.Context, bodies []string, _ time.Duration) error {
	q.bodies = append(q.bodies, bodies...)
	return nil
}

// auditByQueue has the schedule start an audit, and delivers its messages as SQS does.
func (s *checklist) auditByQueue(t *testing.T, q *taskQueue) {
	t.Helper()
	require.NoError(t, invoke(t.Context(), s.handler, []byte(scheduled)).err)
	for n, body := range q.bodies {
		message := map[string]any{"messageId": fmt.Sprint("m-", n), "eventSource": "aws:sqs", "body": body}
		payload, err := json.Marshal(map[string]any{"Records": []any{message}})
		require.NoError(t, err)
		require.Eventually(t, func() bool { // What was written a moment ago is left alone, and the message comes again.
			return string(invoke(t.Context(), s.handler, payload).data) == `{"batchItemFailures":[]}`
		}, 10*time.Second, simulatedSettling)
	}
	q.bodies = nil
}

// requireLogIns has people log in with a key of each of these providers, and of no other.
func (s *checklist) requireLogIns(t *testing.T, i sendgrid.Integration, providers, others []idp) {
	t.Helper()
	for n, provider := range append(providers[:len(providers):len(providers)], others...) {
		nameID, refusal, err := provider.logIn(s.client, i, person)
		require.NoError(t, err)
		require.Equal(t, n < len(providers), nameID == person, "provider %d: %s", n, refusal)
	}
}

// An identity provider rolls its certificate: it publishes the next one, then signs with it, and then
// publishes that alone. People can log in at every moment, and nobody sends anything.
func TestRenewalLogsPeopleIn(t *testing.T) {
	t.Parallel()
	providers, err := newIDPs(demoIDP, demoIDP, demoIDP)
	require.NoError(t, err)
	old, next, stranger := providers[0], providers[1], providers[2]
	for name, tt := range map[string]struct {
		renews  bool
		logsIn  []idp // Whose keys log people in after the audit.
		refused []idp
	}{
		"renew":  {true, []idp{old, next}, []idp{stranger}},
		"report": {false, []idp{old}, []idp{next, stranger}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out output
			s, q := newTestChecklist(t, &out), &taskQueue{}
			auditor, ok := s.handler.Auditor.(*audit.Auditor)
			require.True(t, ok)
			auditor.Queue, auditor.Renews = q, tt.renews
			i, err := s.connect(t.Context(), old)
			require.NoError(t, err)
			require.NoError(t, s.err(), out.String())
			s.requireLogIns(t, i, []idp{old}, []idp{next, stranger})
			s.auditByQueue(t, q)
			require.Equal(t, 1, s.sendGrid.Count(sendgrid.OpCreateCertificate), "nothing was new")

			require.NoError(t, s.metadata.publish(old, next))
			s.auditByQueue(t, q)
			s.requireLogIns(t, i, tt.logsIn, tt.refused)
			require.NoError(t, s.metadata.publish(next))
			s.auditByQueue(t, q)
			s.requireLogIns(t, i, tt.logsIn, tt.refused)

			require.Equal(t, len(tt.logsIn), s.sendGrid.Count(sendgrid.OpCreateCertificate))
			require.Equal(t, 1, s.posts())
			require.Zero(t, s.sendGrid.Count(sendgrid.OpUpdateIntegration), "no field was new")
		})
	}
}
