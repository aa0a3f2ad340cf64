package provision_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// What SendGrid says itself comes first, and the advice fits it.
func TestEnsurePassesOnSendGridsReason(t *testing.T) {
	t.Parallel()
	const scope = "sso.settings.create"
	tests := []struct {
		name           string
		status         int
		body           string
		code           problem.Code
		reason, advice string
		without        string
	}{
		{name: "address", status: 401, body: `{"errors":[{"field":null,"message":"The requestor's IP Address is not whitelisted"}]}`,
			code: problem.SendGridUnauthorized, reason: `"The requestor's IP Address is not whitelisted"`, advice: "IP Access Management, and a function has no fixed address without a NAT gateway", without: "valid key"},
		{name: "address, 403", status: 403, body: `{"error":"your IP is not allowed"}`, code: problem.SendGridForbidden, reason: `"your IP is not allowed"`, advice: "IP Access Management", without: scope},
		{name: "key", status: 401, body: `{"errors":[{"message":"authorization required"}]}`, code: problem.SendGridUnauthorized, reason: `"authorization required"`, advice: "Put a valid key into the secret"},
		{name: "key, nothing said", status: 401, code: problem.SendGridUnauthorized, reason: "does not accept the API key", advice: "SENDGRID_REGION", without: `""`},
		{name: "region, 401", status: 401, body: `{"errors":[{"message":"The key cannot be used here based on their regional attribute"}]}`,
			code: problem.SendGridUnauthorized, reason: "based on their regional attribute", advice: "Set SENDGRID_REGION", without: "valid key"},
		{name: "region, 403", status: 403, body: `["access denied based on their regional attribute"]`, code: problem.SendGridForbidden, reason: "regional attribute", advice: "Set SENDGRID_REGION", without: scope},
		{name: "plan", status: 403, body: `{"message":"your plan does not include SSO."}`, code: problem.SendGridForbidden, reason: `"your plan does not include SSO";`, advice: "another API key does not help", without: scope},
		{name: "limit", status: 403, body: `["maximum number of integrations reached"]`, code: problem.SendGridForbidden, reason: `"maximum number of integrations reached"`, advice: "remove what is no longer used", without: scope},
		{name: "payment", status: 402, body: `{"error":"account suspended"}`, code: problem.SendGridForbidden, reason: `"account suspended"`, advice: "plan of the SendGrid account", without: scope},
		{name: "scope", status: 403, body: `{"errors":[{"field":null,"message":"access forbidden"}]}`, code: problem.SendGridForbidden, reason: `does not let the API key create an integration: "access forbidden"`, advice: scope},
		{name: "scope, HTML", status: 403, body: `<html>Forbidden</html>`, code: problem.SendGridForbidden, reason: "does not let the API key create an integration; this", advice: scope, without: "html"},
		{name: "something else", status: 403, body: `["account under review"]`, code: problem.SendGridForbidden, reason: `"account under review"`, advice: "Correct this in the SendGrid account", without: scope},
		{name: "a field", status: 400, body: `{"errors":{"entity_id":["already taken"]}}`, code: problem.SendGridRejected, reason: `"entity_id: already taken"`, advice: "Correct the request and send it again"},
		{name: "an error", status: 400, body: `{"error":"bad name"}`, code: problem.SendGridRejected, reason: `"bad name"`, advice: "Correct the request"},
		{name: "a message", status: 400, body: `{"message":"say \"please\""}`, code: problem.SendGridRejected, reason: `"say 'please'"`, advice: "Correct the request"},
		{name: "nothing said", status: 400, body: `<html>`, code: problem.SendGridRejected, reason: "without a reason that can be read", advice: "Compare the values", without: "errors lists"},
		{name: "conflict", status: 409, body: `{"errors":{"name":["is not unique"]}}`, code: problem.SendGridRejected, reason: `because of something that exists: "name: is not unique"`, advice: "SSO settings"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: tt.status, Body: tt.body, Times: -1})
				e := w.fails(tt.code, oktaRequest())
				require.Contains(t, e.Message, tt.reason)
				require.Contains(t, e.Message, tt.advice)
				if tt.without != "" {
					require.NotContains(t, e.Message, tt.without)
				}
				require.Contains(t, e.Message, "this attempt changed nothing")
				require.False(t, e.Retryable())
				w.released() // The create certainly did not happen.
			})
		})
	}
}

// What needs no scope is not refused for want of one.
func TestRefusalOfWhatNeedsNoScope(t *testing.T) {
	t.Parallel()
	for _, said := range [][]sendgrid.FieldError{nil, {{Message: "access forbidden"}}} {
		message := provision.Refusal(&sendgrid.Error{Op: sendgrid.OpListScopes, StatusCode: 403, Errors: said}, "")
		require.Contains(t, message, "SendGrid does not let the API key list the scopes of the API key")
		require.Contains(t, message, "Make a new key, and check that SENDGRID_REGION is its region.")
		require.NotContains(t, message, "scope ,")
	}
}
