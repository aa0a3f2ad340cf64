package handler_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOktaChallenge(t *testing.T) {
	t.Parallel()
	const challenge = "Je2-challenge_5417"
	good := func(_ context.Context, header http.Header, _ []byte) error {
		require.Equal(t, challenge, header.Get("X-Okta-Verification-Challenge"))
		return nil
	}
	for name, tt := range map[string]struct {
		method   string
		header   http.Header
		verifier verify
		status   int
	}{
		"the hook is ours":      {http.MethodGet, http.Header{"x-okta-verification-challenge": {challenge}}, good, http.StatusOK},
		"the hook is not ours":  {http.MethodGet, http.Header{"x-okta-verification-challenge": {challenge}}, refuse, http.StatusUnauthorized},
		"no secret can be read": {http.MethodGet, http.Header{"x-okta-verification-challenge": {challenge}}, broken, http.StatusServiceUnavailable},
		"nothing is configured": {http.MethodGet, http.Header{"x-okta-verification-challenge": {challenge}}, nil, http.StatusMethodNotAllowed},
		"a GET without":         {http.MethodGet, nil, good, http.StatusMethodNotAllowed},
		"a DELETE with":         {http.MethodDelete, http.Header{"x-okta-verification-challenge": {challenge}}, good, http.StatusMethodNotAllowed},
	} {
		for _, gateway := range []string{"HTTP API", "REST API", "Function URL"} {
			t.Run(name+"/"+gateway, func(t *testing.T) {
				t.Parallel()
				d := newDoor(nil)
				if tt.verifier != nil {
					d.Verifier = tt.verifier
				}
				a := d.call(t, gateways[gateway](request{method: tt.method, header: tt.header, unknown: true}))
				require.Equal(t, tt.status, a.StatusCode)
				if tt.status == http.StatusOK {
					require.JSONEq(t, `{"verification":"`+challenge+`"}`, a.Body)
					require.Equal(t, "application/json", a.Headers["Content-Type"])
				} else {
					require.NotContains(t, a.Body, challenge)
				}
				require.NotContains(t, d.log.String(), challenge)
				require.Len(t, d.log.lines(t), 1)
			})
		}
	}
}

func TestOktaChallengePanic(t *testing.T) {
	t.Parallel()
	d := newDoor(nil)
	d.Verifier = verify(func(context.Context, http.Header, []byte) error { panic("boom-5417") })
	a := d.call(t, gateways["HTTP API"](request{
		method: http.MethodGet, header: http.Header{"x-okta-verification-challenge": {"c"}}, unknown: true,
	}))
	require.Equal(t, http.StatusInternalServerError, a.StatusCode)
	require.NotContains(t, a.Body, "boom-5417")
	require.Contains(t, d.log.String(), "boom-5417")
}

func broken(context.Context, http.Header, []byte) error { return errors.New("no secret") }
