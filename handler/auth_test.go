package handler_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

func accept(context.Context, http.Header, []byte) error { return nil }

func refuse(context.Context, http.Header, []byte) error {
	return &auth.CredentialsError{Reason: "bearer: the reason for the log"}
}

// v2 and v1 return a good request with a requestContext as JSON.
func v2(requestContext string) []byte {
	return []byte(`{"version":"2.0","headers":{"content-type":"application/json"},"requestContext":` + requestContext + `,"body":` + quoted(goodRequest) + `}`)
}

func v1(requestContext string) []byte {
	return []byte(`{"httpMethod":"POST","headers":{"content-type":"application/json"},"requestContext":` + requestContext + `,"body":` + quoted(goodRequest) + `}`)
}

func quoted(text string) string { return string(mustEncode(text)) }

// TestGatewayIdentity is about what counts as the gateway's word on the caller.
func TestGatewayIdentity(t *testing.T) {
	t.Parallel()
	something := map[string]bool{
		`{"sub":"x"}`:                          true,
		`{"claims":{"sub":"x"},"scopes":null}`: true,
		`{"x":null,"y":{"z":["w"]}}`:           true,
		`{"x":0}`:                              true,
		`"x"`:                                  true,
		`true`:                                 true,
		`null`:                                 false,
		`""`:                                   false,
		`false`:                                false,
		`{}`:                                   false,
		`[]`:                                   false,
		`{"x":null}`:                           false,
		`{"x":""}`:                             false,
		`{"x":{}}`:                             false,
		`{"x":[null,"",{}],"y":{"z":false}}`:   false,
	}
	type test struct {
		payload []byte
		known   bool
	}
	tests := map[string]test{
		"2.0 without authorizer":       {v2(`{"http":{"method":"POST"}}`), false},
		"2.0 authorizer null":          {v2(`{"http":{"method":"POST"},"authorizer":null}`), false},
		"2.0 authorizer empty":         {v2(`{"http":{"method":"POST"},"authorizer":{}}`), false},
		"2.0 authorizer of no kind":    {v2(`{"http":{"method":"POST"},"authorizer":{"custom":{"x":"y"},"principalId":"x"}}`), false},
		"2.0 does not look at 1.0's":   {v2(`{"http":{"method":"POST"},"identity":{"userArn":"arn:x"},"authorizer":{"claims":{"sub":"x"}}}`), false},
		"1.0 without authorizer":       {v1(`{}`), false},
		"1.0 identity null":            {v1(`{"identity":null,"authorizer":null}`), false},
		"1.0 userArn":                  {v1(`{"identity":{"userArn":"arn:aws:iam::123456789012:user/x"}}`), true},
		"1.0 userArn empty":            {v1(`{"identity":{"userArn":"","user":"x","caller":"x","sourceIp":"192.0.2.1"}}`), false},
		"1.0 userArn null":             {v1(`{"identity":{"userArn":null,"apiKey":"x"}}`), false},
		"1.0 does not look at 2.0's":   {v1(`{"http":{"method":"POST"},"authorizer":{"iam":{"userArn":"arn:x"},"jwt":{"claims":{"sub":"x"}},"lambda":{"x":"y"}}}`), false},
		"1.0 other authorizer context": {v1(`{"authorizer":{"integrationLatency":5,"stage":"x"}}`), false},
	}
	for value, known := range something {
		for _, kind := range []string{"iam", "jwt", "lambda"} {
			tests["2.0 "+kind+" "+value] = test{v2(`{"http":{"method":"POST"},"authorizer":{"` + kind + `":` + value + `}}`), known}
		}
		for _, kind := range []string{"claims", "principalId"} {
			tests["1.0 "+kind+" "+value] = test{v1(`{"authorizer":{"` + kind + `":` + value + `}}`), known}
		}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.known {
				d := newDoor(created)
				d.Verifier = verify(nil) // A caller whom the gateway knows needs no secret.
				require.Equal(t, http.StatusCreated, d.call(t, test.payload).StatusCode)
				return
			}
			d := newDoor(nil)
			requireUnauthenticated(t, d.call(t, test.payload))

			d.Verifier = verify(refuse)
			requireUnauthenticated(t, d.call(t, test.payload))

			d = newDoor(created)
			d.Verifier = verify(accept)
			require.Equal(t, http.StatusCreated, d.call(t, test.payload).StatusCode)
		})
	}
}

func requireUnauthenticated(t *testing.T, a answer) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, a.StatusCode, a.Body)
	require.Equal(t, "Bearer", a.Headers["WWW-Authenticate"])
	require.NotContains(t, a.Headers, "Retry-After")
	p := a.problem(t)
	require.Equal(t, "Unauthenticated", p.Code)
	require.NotContains(t, p.Detail, "the reason for the log")
}

// Why someone is not let in is for the log; a stranger learns nothing from it.
func TestRefusedCallersLearnNoReason(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			d := newDoor(nil)
			unconfigured := d.call(t, event(request{body: goodRequest, unknown: true}))
			requireUnauthenticated(t, unconfigured)
			require.Contains(t, d.log.line(t)["error"], "no webhook secret is configured")

			d = newDoor(nil)
			d.Verifier = verify(refuse)
			refused := d.call(t, event(request{body: goodRequest, unknown: true}))
			require.Contains(t, d.log.line(t)["error"], "bearer: the reason for the log")
			require.Equal(t, unconfigured, refused)

			// Not even whether the request would have been a good one.
			for _, bad := range []request{{body: "{}"}, {body: "no JSON"}, {}, {body: goodRequest, header: http.Header{}}} {
				bad.unknown = true
				require.Equal(t, unconfigured, d.call(t, event(bad)))
			}
		})
	}
}

// TestVerifierSeesTheRequest: the raw body, as signatures are made of it, and every header.
func TestVerifierSeesTheRequest(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		for _, encoded := range []bool{false, true} {
			t.Run(gateway, func(t *testing.T) {
				t.Parallel()
				body := " " + strings.Replace(goodRequest, "Okta", "Z\u00fcrich", 1) + "\r\n"
				d := newDoor(created)
				d.Verifier = verify(func(_ context.Context, header http.Header, got []byte) error {
					require.Equal(t, body, string(got))
					require.Equal(t, []string{"Bearer x"}, header["Authorization"])
					require.Equal(t, []string{"a,b"}, header["X-Signature"])
					return nil
				})
				header := http.Header{"content-type": {"application/json"}, "AUTHORIZATION": {"Bearer x"}, "x-signature": {"a,b"}}
				a := d.call(t, event(request{body: body, base64: encoded, header: header, unknown: true}))
				require.Equal(t, http.StatusCreated, a.StatusCode, a.Body)
			})
		}
	}
}

// multiValueHeaders hide nothing, where headers hold the last of several values.
func TestMultiValueHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		headers string
		want    []string
	}{
		"one value, both ways":    {`"headers":{"Authorization":"a"},"multiValueHeaders":{"Authorization":["a"]}`, []string{"a"}},
		"two values":              {`"headers":{"Authorization":"b"},"multiValueHeaders":{"Authorization":["a","b"]}`, []string{"a", "b"}},
		"only in headers":         {`"headers":{"Authorization":"a"},"multiValueHeaders":{}`, []string{"a"}},
		"only in headers, null":   {`"headers":{"authorization":"a"},"multiValueHeaders":null`, []string{"a"}},
		"only in multiValue":      {`"headers":null,"multiValueHeaders":{"AUTHORIZATION":["a"]}`, []string{"a"}},
		"no value in multiValue":  {`"headers":{"Authorization":"a"},"multiValueHeaders":{"Authorization":[]}`, nil},
		"null value":              {`"headers":{"Authorization":null}`, []string{""}},
		"in neither":              {`"headers":{"Accept":"a"}`, nil},
		"in neither, none at all": {`"path":"/"`, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			d := newDoor(nil)
			d.Verifier = verify(func(_ context.Context, header http.Header, _ []byte) error {
				got = header["Authorization"]
				return &auth.CredentialsError{Reason: "seen"}
			})
			requireUnauthenticated(t, d.call(t, []byte(`{"httpMethod":"POST","requestContext":{},`+test.headers+`}`)))
			require.Equal(t, test.want, got)
		})
	}
}

func TestWebhookSecretUnavailable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err        error
		retryAfter string
		detail     string
	}{
		"unreachable":      {&secret.Error{ID: "sso/webhook", Err: errUpstream}, "30", "could not be read"},
		"the time ran out": {context.DeadlineExceeded, "30", "could not be read"},
		"something else":   {errors.New("cause for the log only"), "30", "could not be read"},
		"unusable content": {&secret.Error{ID: "sso/webhook", Unusable: true, Err: errUpstream}, "", "no usable content"},
	}
	for gateway, event := range gateways {
		for name, test := range tests {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				d := newDoor(nil)
				d.Verifier = verify(func(context.Context, http.Header, []byte) error { return test.err })
				a := d.call(t, event(request{body: goodRequest, unknown: true}))
				require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
				require.Equal(t, test.retryAfter, a.Headers["Retry-After"])
				require.NotContains(t, a.Headers, "WWW-Authenticate")
				p := a.problem(t)
				require.Equal(t, "SecretUnavailable", p.Code)
				require.Contains(t, p.Detail, test.detail)
				require.NotContains(t, a.Body, "cause for the log only")
				require.NotContains(t, a.Body, "sso/webhook")
				line := d.log.line(t)
				require.Contains(t, line["error"], test.err.Error())
				require.Equal(t, "ERROR", line["level"], "the caller can do nothing about it")
			})
		}
	}
}

// broken is a verifier whose secrets cannot be read.
func broken(context.Context, http.Header, []byte) error { return errors.New("no secret") }
