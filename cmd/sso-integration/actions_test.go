package main_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynamotest"
)

// calledActions returns the actions of AWS that the function calls. It has everything that it can
// be configured with, and gets every sample of an event, also that of the audit, and a message that it
// can only reject. A test that makes it call another action belongs here.
func calledActions(t *testing.T) []string {
	t.Helper()
	w, queue := newWorld(t), &sqsQueue{}
	services := &lambdatest.AWS{Services: map[string]http.Handler{
		"secretsmanager": w.secrets, "events": &lambdatest.EventBus{}, "sqs": queue, "dynamodb": &dynamotest.Server{},
	}}
	delete(w.env, "AWS_ENDPOINT_URL_SECRETS_MANAGER")
	w.env["AWS_ENDPOINT_URL"] = lambdatest.Serve(t, services)
	w.env["EVENT_BUS_NAME"], w.env["LEDGER_TABLE"] = "results", "ledger"
	w.env["DEAD_LETTER_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL"] + "/123456789012/dead-letters"
	w.env["EVENT_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL"] + "/123456789012/events"
	w.addByHand("urn:by-hand") // It is audited.
	f := w.start(t)
	report := reportIn(t, f.Invoke([]byte(`{"status":{}}`), timeout))
	require.True(t, report.OK, "%+v", report.Checks) // Of everything that it can be configured with.
	accepted, err := filepath.Glob("../../events/*.json")
	require.NoError(t, err)
	refused, err := filepath.Glob("../../events/refused/*.json")
	require.NoError(t, err)
	for _, file := range slices.Concat(accepted, refused) {
		if payload := read(t, file); !bytes.Contains(payload, []byte("saml_metadata_url")) { // That needs the network.
			require.NotEmpty(t, f.Invoke(payload, timeout).Body, file)
		}
	}
	f.Invoke(encode(t, map[string]any{"Records": []any{map[string]any{"messageId": "bad", "eventSource": "aws:sqs", "body": "{}"}}}), timeout)
	require.True(t, slices.ContainsFunc(queue.taken(), func(m sqsMessage) bool { return m.QueueURL == w.env["DEAD_LETTER_QUEUE_URL"] }))
	require.True(t, slices.ContainsFunc(queue.taken(), func(m sqsMessage) bool { return m.QueueURL == w.env["EVENT_QUEUE_URL"] }))
	return services.Actions()
}
