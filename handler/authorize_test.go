package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// A webhook secret alone is not enough for an update, unless the deployment permits it.
func TestUpdateNeedsMoreThanAWebhookSecret(t *testing.T) {
	t.Parallel()
	signed, webhook := gateways["HTTP API"](httpCall{body: updateRequest}), gateways["HTTP API"](httpCall{body: updateRequest, unknown: true})
	for name, tt := range map[string]struct {
		payload   []byte
		mayUpdate bool
		code      problem.Code
	}{
		"webhook secret":                {webhook, false, problem.Forbidden},
		"webhook secret, REST API":      {gateways["REST API"](httpCall{body: updateRequest, unknown: true}), false, problem.Forbidden},
		"webhook secret, permitted":     {webhook, true, ""},
		"webhook secret, without it":    {gateways["HTTP API"](httpCall{body: goodRequest, unknown: true}), false, ""},
		"identity of the gateway":       {signed, false, ""},
		"EventBridge":                   {functions["EventBridge"](updateRequest), false, ""},
		"SQS":                           {batch(updateRequest), false, ""},
		"direct":                        {[]byte(updateRequest), false, ""},
		"webhook secret, broken update": {gateways["HTTP API"](httpCall{body: `{"if_exists":"update"}`, unknown: true}), false, problem.InvalidRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reached := false
			f := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
				reached = true
				return created(ctx, r)
			})
			f.Verifier, f.WebhookMayUpdate = verify(accept), tt.mayUpdate
			require.Equal(t, string(tt.code), f.code(t, tt.payload))
			require.Equal(t, tt.code == "", reached)
		})
	}
	p := &recordingPublisher{}
	f := newFixture(nil)
	f.Verifier, f.Publisher = verify(accept), p
	a := f.call(t, webhook)
	require.Equal(t, http.StatusForbidden, a.StatusCode)
	require.Contains(t, a.problem(t).Detail, "set the parameter WebhookMayUpdate (WEBHOOK_MAY_UPDATE) to true")
	require.Contains(t, a.problem(t).Detail, "Leave it out")
	require.Equal(t, "urn:idp:1", a.problem(t).EntityID, "as in the log line")
	restore := gateways["HTTP API"](httpCall{body: strings.Replace(updateRequest, `"update"`, `"restore"`, 1), unknown: true})
	require.NotContains(t, f.call(t, restore).problem(t).Detail, "Leave it out", "that is refused, and asks for it")
	p.published = p.published[:1]
	require.Len(t, p.published, 1, "somebody may have the secret who should not")
}
