package connector_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/secret"
)

func TestCodes(t *testing.T) {
	t.Parallel()
	status := func(op string, status int) error {
		return fmt.Errorf("wrapped: %w", &idp.Error{Provider: okta.Name, Op: op, Token: op != "GET /", Status: status})
	}
	for name, tt := range map[string]struct {
		err  error
		code connector.Code
	}{
		"401":            {status("GET /", http.StatusUnauthorized), connector.CredentialRefused},
		"403":            {status("GET /", http.StatusForbidden), connector.CredentialRefused},
		"wrong client":   {status("POST /oauth2/v1/token", http.StatusBadRequest), connector.CredentialRefused},
		"400":            {status("GET /", http.StatusBadRequest), connector.OktaRejected},
		"redirect":       {status("GET /", http.StatusFound), connector.OktaRejected},
		"429":            {status("GET /", http.StatusTooManyRequests), connector.RateLimited},
		"500":            {status("GET /", http.StatusInternalServerError), connector.OktaUnavailable},
		"no response":    {&idp.Error{Provider: okta.Name, Op: "GET /", Err: errors.New("reset")}, connector.OktaUnavailable},
		"late response":  {&idp.Error{Provider: okta.Name, Op: "GET /", Err: context.DeadlineExceeded}, connector.DeadlineExceeded},
		"late":           {context.DeadlineExceeded, connector.DeadlineExceeded},
		"no secret":      {&secret.Error{ID: "s", Unusable: true, Err: errors.New("is empty")}, connector.SecretUnavailable},
		"401, no secret": {errors.Join(status("GET /", http.StatusUnauthorized), &secret.Error{ID: "s", Err: errors.New("x")}), connector.CredentialRefused},
		"anything else":  {errors.New("x"), connector.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.okta.err = tt.err
			outcome, _ := f.invoke(t, `{"source":"aws.events","detail-type":"Scheduled Event","time":"2026-11-23T15:00:00Z","detail":{}}`)
			require.Equal(t, string(tt.code), outcome)
			require.Contains(t, f.logs.String(), `"outcome":"Failed"`)
		})
	}
}
