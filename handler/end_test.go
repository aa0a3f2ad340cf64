package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	absentRequest = `{"state":"absent","entity_id":"urn:idp:1","metadata":{"ticket":"OPS-1"}}`
	forgetRequest = `{"managed":false,"entity_id":"urn:idp:1"}`
)

// needRight are requests that a webhook secret alone does not permit, and what the refusal names.
var needRight = map[string]struct{ body, says string }{
	"update":              {updateRequest, "may not send if_exists: update"},
	"restore":             {strings.Replace(updateRequest, "update", "restore", 1), "may not send if_exists: restore"},
	"remove_certificates": {strings.Replace(updateRequest, "{", `{"remove_certificates":["`+strings.Repeat("0f", 32)+`"],`, 1), "may not send if_exists: update"},
	"absent":              {absentRequest, "may not end a connection"},
	"absent, by match":    {`{"state":"absent","match":{"okta_app":"0oa1"}}`, "may not end a connection"},
	"absent, dry run":     {strings.Replace(absentRequest, "{", `{"dry_run":true,`, 1), "may not end a connection"},
	"managed":             {forgetRequest, "nor have it forgotten"},
}

// A webhook secret alone neither changes nor ends nor forgets a connection, unless the deployment permits it.
func TestWhatNeedsMoreThanAWebhookSecret(t *testing.T) {
	t.Parallel()
	for name, tt := range needRight {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook, signed := gateways["HTTP API"](httpCall{body: tt.body, unknown: true}), gateways["HTTP API"](httpCall{body: tt.body})
			published := &recordingPublisher{}
			f := newFixture(nil)
			f.Verifier, f.Publisher = verify(accept), published
			a := f.call(t, webhook)
			require.Equal(t, http.StatusForbidden, a.StatusCode)
			require.Contains(t, a.problem(t).Detail, tt.says)
			require.Contains(t, a.problem(t).Detail, "set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true")
			if !strings.Contains(tt.body, "dry_run") {
				require.Len(t, published.published, 1, "somebody may have the secret who should not")
			}
			line := f.log.line(t)
			require.Equal(t, []any{"Forbidden", "rejected", "bearer"}, []any{line["code"], line["outcome"], line["caller"]})

			for _, permitted := range []struct {
				payload   []byte
				mayUpdate bool
			}{{webhook, true}, {signed, false}, {[]byte(tt.body), false}} {
				f := newFixture(disabled)
				f.Verifier, f.WebhookMayUpdate = verify(accept), permitted.mayUpdate
				_, err := f.invoke(t, permitted.payload)
				require.NoError(t, err)
				require.Equal(t, "disabled", f.log.line(t)["outcome"])
			}
		})
	}
}

// The request of an end reaches the provisioner as it is, and its line in the log has what it is about, who sent it and
// what it changed.
func TestEndArrives(t *testing.T) {
	t.Parallel()
	payload := gateways["HTTP API"](httpCall{body: absentRequest})
	f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		require.Equal(t, request.Request{Kind: request.Absent, EntityID: "urn:idp:1", Metadata: map[string]string{"ticket": "OPS-1"}}, r.Request)
		return disabled(ctx, r)
	})
	a := f.call(t, payload)
	require.Equal(t, http.StatusOK, a.StatusCode)
	require.NotContains(t, a.Headers, "Location")
	require.Contains(t, a.Body, `"delete_after":"2026-12-08T09:30:04Z"`)
	line := f.log.line(t)
	delete(line, "time")
	delete(line, "duration_ms")
	require.Equal(t, map[string]any{
		"level": "INFO", "msg": "request succeeded", "trigger": "http-api", "entity_id": "urn:idp:1", "integration_id": "id/1", "outcome": "disabled",
		"caller": callerARN, "changes": []any{map[string]any{"field": "enabled", "from": true, "to": false}}, "metadata": map[string]any{"ticket": "OPS-1"},
		"upstream_calls": 0.0, "cold_start": true, "adopted": false, "gateway_request_id": "JKJaXmPLvHcESHA=", "integration_ids": []any{"id/2", "id/1"},
	}, line)

	f = newFixture(nothingThere)
	require.JSONEq(t, `{"outcome":"unchanged"}`, f.call(t, gateways["HTTP API"](httpCall{body: forgetRequest})).Body)
	require.NotContains(t, f.log.line(t), "integration_id")
}

// An event that could not be published is a failure whose message fits every request.
func TestAnEndThatIsNotPublishedHasFailed(t *testing.T) {
	t.Parallel()
	f := newFixture(disabled)
	f.Publisher = publisherFunc(func(context.Context) error { return errUpstream })
	p := f.call(t, gateways["HTTP API"](httpCall{body: absentRequest})).problem(t)
	require.Equal(t, "EventBusUnavailable", p.Code)
	require.NotContains(t, p.Detail, "exists")
}

// Where a connection was ended, nothing brings it back by itself: the request for it is a Conflict if its sender gets
// the response, and else superseded.
func TestRequestsForAnEndedConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := sendgridtest.New()
		network := sendgridtest.NewNetwork(server)
		defer network.Close()
		l := newLeaky(network)
		send := func(payload []byte) (response string, line map[string]any) {
			f := l.fixture()
			response, _ = f.send(t, payload)
			for _, line := range f.log.lines(t) {
				if line["msg"] != nil {
					return response, line
				}
			}
			return response, nil
		}
		_, line := send([]byte(goodRequest))
		require.Equal(t, "created", line["outcome"])
		time.Sleep(2 * provision.DefaultSettling)
		_, line = send([]byte(absentRequest))
		require.Equal(t, "disabled", line["outcome"])
		require.False(t, server.Integrations()[0].Enabled)
		time.Sleep(2 * provision.DefaultSettling)

		another := strings.Replace(updateRequest, "Okta", "Okta, renamed", 1)
		for name, payload := range map[string][]byte{
			"HTTP": gateways["HTTP API"](httpCall{body: goodRequest}), "direct": []byte(another),
			"webhook": webhookEvent(leakyBearer), // It has the same entity id.
		} {
			response, line := send(payload)
			require.Equal(t, "rejected", line["outcome"], name)
			require.Equal(t, string(problem.Conflict), line["code"], name)
			require.Contains(t, response, "This connection was ended on ", name)
			require.Contains(t, response, "if_exists: restore", name)
		}
		for name, payload := range map[string][]byte{
			"EventBridge": functions["EventBridge"](another), "SQS": batch(goodRequest),
		} {
			response, line := send(payload)
			require.Equal(t, "superseded", line["outcome"], name)
			require.Equal(t, []any{"Ended"}, line["warnings"], name)
			require.Equal(t, server.Integrations()[0].ID, line["integration_id"], name)
			require.NotContains(t, response, `"integration"`, name)
			require.NotContains(t, response, "errorType", name)
		}
		require.False(t, server.Integrations()[0].Enabled)

		_, line = send(functions["EventBridge"](strings.Replace(updateRequest, "update", "restore", 1)))
		require.Equal(t, "updated", line["outcome"])
		require.True(t, server.Integrations()[0].Enabled)
	})
}
