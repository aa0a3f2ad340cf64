package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// logged returns the line of a delivery, without its time.
func logged(t *testing.T, d *delivery.Delivery) map[string]any {
	t.Helper()
	var text bytes.Buffer
	telemetry.Log{Logger: slog.New(slog.NewJSONHandler(&text, nil))}.Observe(t.Context(), []*delivery.Delivery{d})
	require.Equal(t, 1, bytes.Count(text.Bytes(), []byte("\n")))
	var line map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &line))
	delete(line, "time")
	return line
}

func TestLogOfSuccess(t *testing.T) {
	t.Parallel()
	d := succeeded(provision.Result{Outcome: protocol.OutcomeCreated, Adopted: true, Integration: sendgrid.Integration{ID: "id-1", Name: "not logged"}})
	d.Request.Metadata, d.Request.Name, d.Body = map[string]string{"ticket": "OPS-1"}, "not logged", []byte("not logged")
	d.IDs = delivery.IDs{RequestID: "by the handler", TraceID: "1", GatewayRequestID: "2", EventID: "3", MessageID: "4"}
	d.ColdStart, d.Duration, d.Effort = true, 1500*time.Millisecond, effort(make([]sendgrid.Call, 2)...)
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request succeeded", "trigger": "sqs", "entity_id": "urn:1", "duration_ms": 1500.0, "upstream_calls": 2.0,
		"cold_start": true, "outcome": "created", "integration_id": "id-1", "adopted": true, "metadata": map[string]any{"ticket": "OPS-1"},
		"trace_id": "1", "gateway_request_id": "2", "event_id": "3", "message_id": "4",
	}, logged(t, d))
}

// A teammate is named by the email. Beside that, only changes may have something of the person.
func TestLogOfATeammate(t *testing.T) {
	t.Parallel()
	someone := request.Teammate{Email: "ada@example.com", FirstName: "not logged", IsAdmin: true}
	d := succeeded(provision.Result{Outcome: protocol.OutcomeCreated, Teammate: &provision.Teammate{Email: "ada@example.com", FirstName: "not logged"}})
	d.Request = &request.Request{Teammate: &someone}
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request succeeded", "trigger": "sqs", "email": "ada@example.com", "duration_ms": 0.0, "upstream_calls": 0.0,
		"cold_start": false, "outcome": "created", "adopted": false,
	}, logged(t, d))

	refused := failed(problem.Error{Code: problem.InvalidRequest, Message: "M."})
	refused.Trace = request.Request{Teammate: &request.Teammate{Email: "ada@example.com"}}
	line := logged(t, refused)
	require.Equal(t, "ada@example.com", line["email"])
	require.NotContains(t, line, "entity_id")
}

// The log is the audit trail: who sent it, what it changed, and in which integrations.
func TestLogOfChanges(t *testing.T) {
	t.Parallel()
	d := succeeded(provision.Result{
		Outcome: protocol.OutcomeDisabled, Integration: sendgrid.Integration{ID: "2"}, Integrations: []sendgrid.Integration{{ID: "1"}, {ID: "2"}},
		Changes: []problem.Change{{Field: "enabled", From: true, To: false}, {Field: "enabled", From: true, To: false}},
	})
	d.CallerID = "arn:aws:iam::123456789012:role/idp"
	line := logged(t, d)
	change := map[string]any{"field": "enabled", "from": true, "to": false}
	require.Equal(t, []any{"arn:aws:iam::123456789012:role/idp", []any{change, change}, []any{"1", "2"}, "2"},
		[]any{line["caller"], line["changes"], line["integration_ids"], line["integration_id"]})
}

func TestLogOfFailure(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failure        problem.Error
		level, outcome string
		text           string
	}{
		"the request is wrong": {
			problem.Error{Code: problem.InvalidRequest, Message: "M.", Fields: []problem.FieldError{{Field: "name", Message: "is required"}}},
			"WARN", "rejected", "InvalidRequest: M. name: is required",
		},
		"with its cause":      {problem.Error{Code: problem.Unauthenticated, Message: "M.", Err: errors.New("the cause")}, "WARN", "rejected", "Unauthenticated: M.: the cause"},
		"a retry may help":    {problem.Error{Code: problem.InProgress, Message: "M."}, "ERROR", "failed", "InProgress: M."},
		"the key is bad":      {problem.Error{Code: problem.SendGridUnauthorized, Message: "M."}, "ERROR", "rejected", "SendGridUnauthorized: M."},
		"the secret is empty": {problem.Error{Code: problem.SecretUnavailable, Message: "M.", Permanent: true}, "ERROR", "rejected", "SecretUnavailable: M."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, map[string]any{
				"level": tt.level, "msg": "request " + tt.outcome, "trigger": "sqs", "entity_id": "", "duration_ms": 0.0, "upstream_calls": 0.0,
				"cold_start": false, "outcome": tt.outcome, "code": string(tt.failure.Code), "error": tt.text,
			}, logged(t, failed(tt.failure)))
		})
	}
	conflict := failed(problem.Error{Code: problem.Conflict, IntegrationID: "id-1"})
	require.Equal(t, "id-1", logged(t, conflict)["integration_id"])
}
