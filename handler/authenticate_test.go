package handler_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/secret"
)

func accept(context.Context, http.Header, []byte) error { return nil }

func refuse(context.Context, http.Header, []byte) error {
	return &auth.CredentialsError{Reason: "the reason for the log"}
}

// v2 and v1 return a good request with a requestContext as JSON.
func v2(requestContext string) string {
	return `{"version":"2.0","headers":{"content-type":"application/json"},"requestContext":` + requestContext + `,"body":` + quoted(goodRequest) + `}`
}

func v1(requestContext string) string {
	return `{"httpMethod":"POST","headers":{"content-type":"application/json"},"requestContext":` + requestContext + `,"body":` + quoted(goodRequest) + `}`
}

func quoted(text string) string { return string(mustEncode(text)) }

// TestGatewayIdentity is about which authorizer contexts authenticate a caller. Any other
// caller needs a webhook secret.
func TestGatewayIdentity(t *testing.T) {
	t.Parallel()
	events := map[string]bool{
		v2(`{"http":{"method":"POST"}}`):                                                                    false,
		v2(`{"http":{"method":"POST"},"authorizer":null}`):                                                  false,
		v2(`{"http":{"method":"POST"},"authorizer":{"custom":{"x":"y"},"principalId":"x"}}`):                false,
		v2(`{"http":{"method":"POST"},"identity":{"userArn":"arn:x"},"authorizer":{"claims":{"sub":"x"}}}`): false,
		v1(`{}`): false,
		v1(`{"identity":null,"authorizer":null}`):                                                              false,
		v1(`{"identity":{"userArn":"arn:aws:iam::123456789012:user/x"}}`):                                      true,
		v1(`{"identity":{"userArn":"","user":"x","caller":"x","sourceIp":"192.0.2.1"}}`):                       false,
		v1(`{"identity":{"userArn":null,"apiKey":"x"}}`):                                                       false,
		v1(`{"http":{"method":"POST"},"authorizer":{"iam":{"userArn":"arn:x"},"jwt":{"claims":{"sub":"x"}}}}`): false,
		v1(`{"authorizer":{"integrationLatency":5,"stage":"x"}}`):                                              false,
	}
	for value, identity := range map[string]bool{
		`{"sub":"x"}`: true, `{"x":null,"y":{"z":["w"]}}`: true, `{"x":0}`: true, `"x"`: true, `true`: true,
		`null`: false, `""`: false, `false`: false, `{}`: false, `[]`: false, `{"x":null}`: false, `{"x":""}`: false,
		`{"x":[null,"",{}],"y":{"z":false}}`: false,
	} {
		for _, kind := range []string{"iam", "jwt", "lambda"} {
			events[v2(`{"http":{"method":"POST"},"authorizer":{"`+kind+`":`+value+`}}`)] = identity
		}
		for _, kind := range []string{"claims", "principalId"} {
			events[v1(`{"authorizer":{"`+kind+`":`+value+`}}`)] = identity
		}
	}
	for event, authenticated := range events {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			f := newFixture(created)
			if authenticated {
				f.Verifier = verify(nil) // It would panic.
				require.Equal(t, http.StatusCreated, f.call(t, []byte(event)).StatusCode)
				return
			}
			requireUnauthenticated(t, f.call(t, []byte(event)))
			f.Verifier = verify(refuse)
			requireUnauthenticated(t, f.call(t, []byte(event)))
			f.Verifier = verify(accept)
			require.Equal(t, http.StatusCreated, f.call(t, []byte(event)).StatusCode)
		})
	}
}

func requireUnauthenticated(t *testing.T, a response) {
	t.Helper()
	require.Equal(t, http.StatusUnauthorized, a.StatusCode, a.Body)
	require.Equal(t, "Bearer", a.Headers["WWW-Authenticate"])
	require.Equal(t, "Unauthenticated", a.problem(t).Code)
}

// The log has the reason of a refusal; a caller learns nothing from it, not even whether the
// request would have been a good one.
func TestRefusedCallersLearnNoReason(t *testing.T) {
	t.Parallel()
	for _, event := range gateways {
		f := newFixture(nil)
		unconfigured := f.call(t, event(httpCall{body: goodRequest, unknown: true}))
		require.Contains(t, f.log.line(t)["error"], "no webhook secret is configured")

		f = newFixture(nil)
		f.Verifier = verify(refuse)
		require.Equal(t, unconfigured, f.call(t, event(httpCall{body: goodRequest, unknown: true})))
		require.Contains(t, f.log.line(t)["error"], "the reason for the log")
		for _, bad := range []httpCall{{body: "{}"}, {body: "no JSON"}, {}, {body: goodRequest, header: http.Header{}}} {
			bad.unknown = true
			require.Equal(t, unconfigured, f.call(t, event(bad)))
		}
	}
}

// The verifier gets the raw body, of which signatures are made, and every header.
func TestVerifierGetsTheRequest(t *testing.T) {
	t.Parallel()
	body := " " + strings.Replace(goodRequest, "Okta", "Z\u00fcrich", 1) + "\r\n"
	header := http.Header{"content-type": {"application/json"}, "AUTHORIZATION": {"Bearer x"}, "x-signature": {"a,b"}}
	for _, event := range gateways {
		for _, encoded := range []bool{false, true} {
			f := newFixture(created)
			f.Verifier = verify(func(_ context.Context, header http.Header, got []byte) error {
				require.Equal(t, body, string(got))
				require.Equal(t, []string{"Bearer x"}, header["Authorization"])
				require.Equal(t, []string{"a,b"}, header["X-Signature"])
				return nil
			})
			require.Empty(t, f.code(t, event(httpCall{body: body, base64: encoded, header: header, unknown: true})))
		}
	}
}

// REST APIs send headers twice: a duplicate shows only in multiValueHeaders.
func TestMultiValueHeaders(t *testing.T) {
	t.Parallel()
	for headers, want := range map[string][]string{
		`"headers":{"Authorization":"a"},"multiValueHeaders":{"Authorization":["a"]}`:     {"a"},
		`"headers":{"Authorization":"b"},"multiValueHeaders":{"Authorization":["a","b"]}`: {"a", "b"},
		`"headers":{"authorization":"a"},"multiValueHeaders":null`:                        {"a"},
		`"headers":null,"multiValueHeaders":{"AUTHORIZATION":["a"]}`:                      {"a"},
		`"headers":{"Authorization":"a"},"multiValueHeaders":{"Authorization":[]}`:        nil,
		`"headers":{"Accept":"a"}`: nil,
	} {
		var got []string
		f := newFixture(nil)
		f.Verifier = verify(func(_ context.Context, header http.Header, _ []byte) error {
			got = header["Authorization"]
			return &auth.CredentialsError{Reason: "seen"}
		})
		requireUnauthenticated(t, f.call(t, []byte(`{"httpMethod":"POST","requestContext":{},`+headers+`}`)))
		require.Equal(t, want, got, headers)
	}
}

func TestWebhookSecretUnavailable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err                error
		retryAfter, detail string
	}{
		"unreachable":      {&secret.Error{ID: "sso/webhook", Err: errUpstream}, "30", "could not be read"},
		"no time left":     {context.DeadlineExceeded, "30", "could not be read"},
		"unusable content": {&secret.Error{ID: "sso/webhook", Unusable: true, Err: errUpstream}, "", "no usable content"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(nil)
			f.Verifier = verify(func(context.Context, http.Header, []byte) error { return tt.err })
			a := f.call(t, gateways["HTTP API"](httpCall{body: goodRequest, unknown: true}))
			require.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
			require.Equal(t, tt.retryAfter, a.Headers["Retry-After"])
			require.Equal(t, "SecretUnavailable", a.problem(t).Code)
			require.Contains(t, a.problem(t).Detail, tt.detail)
			require.NotRegexp(t, "cause for the log only|sso/webhook", a.Body)
			require.Contains(t, f.log.line(t)["error"], tt.err.Error())
			require.Equal(t, "ERROR", f.log.line(t)["level"], "the caller cannot correct it")
		})
	}
}
