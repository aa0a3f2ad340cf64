package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// logged returns the line that a record writes, but for the time at which it did.
func logged(t *testing.T, ctx context.Context, r *telemetry.Record, result *provision.Result, failure *problem.Error) map[string]any { //nolint:revive // The test comes first.
	t.Helper()
	var text bytes.Buffer
	r.Log(ctx, slog.New(slog.NewJSONHandler(&text, &slog.HandlerOptions{Level: slog.LevelDebug})), result, failure)
	require.Equal(t, 1, bytes.Count(text.Bytes(), []byte("\n")))
	var line map[string]any
	require.NoError(t, json.Unmarshal(text.Bytes(), &line))
	delete(line, "time")
	return line
}

func TestLogOfSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, record := telemetry.Begin(t.Context(), telemetry.Origin{Trigger: "direct", ColdStart: true})
		record.EntityID = "urn:1"
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations})
		time.Sleep(1500 * time.Millisecond)
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpCreateIntegration})

		result := &provision.Result{Outcome: provision.OutcomeCreated, Adopted: true}
		result.Integration.ID, result.Integration.Name, result.Metadata = "id-1", "not logged", map[string]string{"not": "logged"}
		require.Equal(t, map[string]any{
			"level": "INFO", "msg": "request answered", "trigger": "direct", "entity_id": "urn:1", "duration_ms": 1500.0, "upstream_calls": 2.0,
			"cold_start": true, "outcome": "created", "integration_id": "id-1", "adopted": true,
		}, logged(t, ctx, record, result, nil))
	})
}

func TestLogOfFailure(t *testing.T) {
	t.Parallel()
	cause := errors.New("the cause")
	tests := map[string]struct {
		failure                    problem.Error
		level, outcome, code, text string
	}{
		"the caller's fault": {
			problem.Error{Code: problem.InvalidRequest, Message: "M.", Fields: []problem.FieldError{{Field: "name", Message: "is required"}}},
			"WARN", "rejected", "InvalidRequest", "InvalidRequest: M. name: is required",
		},
		"refused":             {problem.Error{Code: problem.Unauthenticated, Message: "M.", Err: cause}, "WARN", "rejected", "Unauthenticated", "Unauthenticated: M.: the cause"},
		"may pass":            {problem.Error{Code: problem.SendGridUnavailable, Message: "M."}, "ERROR", "failed", "SendGridUnavailable", "SendGridUnavailable: M."},
		"held by another":     {problem.Error{Code: problem.InProgress, Message: "M."}, "ERROR", "failed", "InProgress", "InProgress: M."},
		"the key is bad":      {problem.Error{Code: problem.SendGridUnauthorized, Message: "M."}, "ERROR", "rejected", "SendGridUnauthorized", "SendGridUnauthorized: M."},
		"the key may not":     {problem.Error{Code: problem.SendGridForbidden, Message: "M."}, "ERROR", "rejected", "SendGridForbidden", "SendGridForbidden: M."},
		"the secret is empty": {problem.Error{Code: problem.SecretUnavailable, Message: "M.", Permanent: true}, "ERROR", "rejected", "SecretUnavailable", "SecretUnavailable: M."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, record := telemetry.Begin(t.Context(), telemetry.Origin{Trigger: "rest-api"})
			line := logged(t, ctx, record, nil, &test.failure)
			delete(line, "duration_ms")
			require.Equal(t, map[string]any{
				"level": test.level, "msg": "request " + test.outcome, "trigger": "rest-api", "entity_id": "", "upstream_calls": 0.0,
				"cold_start": false, "outcome": test.outcome, "code": test.code, "error": test.text,
			}, line)
		})
	}
}

// Calls are counted in the record of the request that they are made for.
func TestCountCall(t *testing.T) {
	t.Parallel()
	telemetry.CountCall(t.Context(), sendgrid.Call{}) // A call that no request is known of counts nowhere.

	firstContext, first := telemetry.Begin(t.Context(), telemetry.Origin{})
	secondContext, second := telemetry.Begin(t.Context(), telemetry.Origin{MessageID: "message-2"})
	below, cancel := context.WithCancel(firstContext)
	cancel()
	var running sync.WaitGroup
	for range 50 {
		running.Go(func() { telemetry.CountCall(below, sendgrid.Call{}) })
		running.Go(func() { telemetry.CountCall(context.WithoutCancel(firstContext), sendgrid.Call{}) })
	}
	running.Go(func() { telemetry.CountCall(secondContext, sendgrid.Call{}) })
	running.Wait()

	result := &provision.Result{Outcome: provision.OutcomeUnchanged}
	line := logged(t, firstContext, first, result, nil)
	require.EqualValues(t, 100, line["upstream_calls"])
	require.NotContains(t, line, "message_id")
	line = logged(t, secondContext, second, result, nil)
	require.EqualValues(t, 1, line["upstream_calls"])
	require.Equal(t, "message-2", line["message_id"])
}
