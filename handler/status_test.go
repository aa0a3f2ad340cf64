package handler_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/status"
)

// reporter is a reporter made of a function. A nil one panics, as that of every other test does.
type reporter func(context.Context) *status.Report

func (f reporter) Report(ctx context.Context) *status.Report { return f(ctx) }

const statusPath = "/sso/status"

// newStatusFixture returns a handler that does nothing but report this status: all else panics, which is an
// Internal failure.
func newStatusFixture() fixture {
	f := newFixture(nil)
	f.Publisher, f.Verifier = publisherFunc(nil), verify(nil)
	f.Reporter = reporter(func(context.Context) *status.Report {
		return &status.Report{
			Version: "1.2.3", Checks: []status.Result{{Name: "ledger", OK: true, Message: "<Fine> & well."}, {Name: "api_key", Message: "No.", Cause: errUpstream}},
			Connections: []audit.Connection{}, Findings: []status.Finding{},
		}
	})
	return f
}

const report = `{
	"ok": false, "version": "1.2.3", "checks": [{"name": "ledger", "ok": true, "message": "<Fine> & well."}, {"name": "api_key", "ok": false, "message": "No."}],
	"connections": [], "findings": []
}`

// gatewaysAndURL are all ways in which HTTP arrives.
func gatewaysAndURL() map[string]func(httpCall) []byte {
	all := map[string]func(httpCall) []byte{"Function URL": func(r httpCall) []byte {
		r = r.complete()
		event := events.LambdaFunctionURLRequest{Version: "2.0", RawPath: r.path, Headers: r.joined(), Body: r.body}
		event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.method, r.path
		if !r.unknown {
			event.RequestContext.Authorizer = &events.LambdaFunctionURLRequestContextAuthorizerDescription{
				IAM: &events.LambdaFunctionURLRequestContextAuthorizerIAMDescription{UserARN: callerARN},
			}
		}
		return mustEncode(event)
	}}
	for name, event := range gateways {
		all[name] = event
	}
	return all
}

// requireReported requires one line of a status, and one for the check that is not ok, which has the cause.
func requireReported(t *testing.T, f fixture, trigger, caller string) {
	t.Helper()
	lines := f.log.lines(t)
	require.Len(t, lines, 2)
	require.Equal(t, "a check of the status is not ok", lines[0]["msg"])
	require.Equal(t, "api_key", lines[0]["check"])
	require.Equal(t, errUpstream.Error(), lines[0]["error"])
	require.Equal(t, "status reported", lines[1]["msg"])
	require.Equal(t, trigger, lines[1]["trigger"])
	require.NotContains(t, lines[1], "outcome")
	if caller == "" {
		require.NotContains(t, lines[1], "caller")
	} else {
		require.Equal(t, caller, lines[1]["caller"])
	}
}

func TestStatusByInvocation(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"status":{}}`, " {\n\"status\" : { } }\n"} {
		f := newStatusFixture()
		data, err := f.invoke(t, []byte(payload))
		require.NoError(t, err)
		require.JSONEq(t, report, string(data))
		requireReported(t, f, "direct", "")
	}
}

// What only looks like it is a request, and refused as one.
func TestOtherInvocationsReadNoStatus(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"status":null}`, `{"status":[]}`, `{"status":"x"}`, `{"status":true}`, `{"Status":{}}`, `{"status":{},"name":"x"}`} {
		f := newStatusFixture()
		f.Publisher = nil
		data, err := f.invoke(t, []byte(payload))
		require.Equal(t, "InvalidRequest", functionError(t, data, err).Type, payload)
	}
}

// The path decides, whatever is before it: a stage, or the path of a domain.
func TestStatusOverHTTP(t *testing.T) {
	t.Parallel()
	for gateway, event := range gatewaysAndURL() {
		trigger := map[bool]string{true: "rest-api", false: "http-api"}[gateway == "REST API"]
		for _, path := range []string{statusPath, statusPath + "/", "/prod" + statusPath, "/api/v1" + statusPath} {
			f := newStatusFixture()
			a := f.call(t, event(httpCall{method: http.MethodGet, path: path, header: http.Header{}}))
			require.Equal(t, http.StatusOK, a.StatusCode, gateway+path)
			require.JSONEq(t, report, a.Body)
			require.Equal(t, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Request-Id": invocationID}, a.Headers)
			requireReported(t, f, trigger, callerARN)
		}
	}
}

// The status names every connection of the account, so a webhook secret is not enough, nor is it looked at.
func TestStatusNeedsAnIdentity(t *testing.T) {
	t.Parallel()
	for gateway, event := range gatewaysAndURL() {
		for name, verifier := range map[string]verify{"a good webhook secret": accept, "a bad one": refuse, "none": nil} {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newStatusFixture()
				f.Reporter = reporter(nil)
				f.Verifier = verifier
				a := f.call(t, event(httpCall{method: http.MethodGet, path: statusPath, unknown: true, header: http.Header{"Authorization": {"Bearer x"}}}))
				requireUnauthenticated(t, a)
				require.Contains(t, a.problem(t).Detail, "A webhook secret does not read the status.")
				line := f.log.line(t)
				require.Equal(t, "status rejected", line["msg"])
				require.Equal(t, "WARN", line["level"])
				require.Equal(t, "Unauthenticated", line["code"])
				require.Contains(t, line["error"], "a webhook secret does not read the status")
			})
		}
	}
}

// A GET of any other path is what it was: no way to send a request.
func TestOtherPathsReadNoStatus(t *testing.T) {
	t.Parallel()
	for gateway, event := range gatewaysAndURL() {
		for _, path := range []string{"/sso/integrations", "/", "/status", "/sso/statuses", "/sso/status/x", "/xsso/status", "/sso//status", "/sso/Status"} {
			f := newStatusFixture()
			a := f.call(t, event(httpCall{method: http.MethodGet, path: path}))
			require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode, gateway+path)
			require.Equal(t, "POST", a.Headers["Allow"])
			require.Equal(t, "request rejected", f.log.line(t)["msg"])
		}
	}
}

// The path of the status takes no request, so that a permission for the one route is none for the other.
func TestStatusTakesNoRequest(t *testing.T) {
	t.Parallel()
	for gateway, event := range gatewaysAndURL() {
		for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodHead, http.MethodDelete} {
			for _, unknown := range []bool{false, true} {
				f := newStatusFixture()
				a := f.call(t, event(httpCall{method: method, path: statusPath, body: goodRequest, unknown: unknown}))
				require.Equal(t, http.StatusMethodNotAllowed, a.StatusCode, gateway+method)
				require.Equal(t, "GET", a.Headers["Allow"])
				require.Equal(t, "Read the status with GET.", a.problem(t).Detail)
				require.Equal(t, "status rejected", f.log.line(t)["msg"])
			}
		}
	}
}

// Elsewhere {"status": {}} is a request like any other, which lacks all that a request has.
func TestStatusIsNoRequest(t *testing.T) {
	t.Parallel()
	const body = `{"status":{}}`
	for gateway, event := range gatewaysAndURL() {
		f := newStatusFixture()
		f.Publisher = nil
		p := f.call(t, event(httpCall{body: body})).problem(t)
		require.Equal(t, "InvalidRequest", p.Code, gateway)
		require.Contains(t, p.fields(), "status")
		requireNotReported(t, f)
	}
	f := newStatusFixture()
	f.Publisher = nil
	data, err := f.invoke(t, functions["EventBridge"](body))
	require.Equal(t, "InvalidRequest", functionError(t, data, err).Type)
	requireNotReported(t, f)

	f = newStatusFixture()
	f.Publisher = nil
	data, err = f.invoke(t, []byte(`{"Records":[{"messageId":"m-1","eventSource":"aws:sqs","body":`+quoted(body)+`}]}`))
	require.NoError(t, err)
	require.Equal(t, []string{"m-1"}, failed(t, data))
	requireNotReported(t, f)
}

// requireNotReported requires the one line of a request that is invalid.
func requireNotReported(t *testing.T, f fixture) {
	t.Helper()
	line := f.log.line(t)
	require.Equal(t, "request rejected", line["msg"])
	require.Equal(t, "InvalidRequest", line["code"])
}

// A mistake in the report gets a response like any other.
func TestStatusPanics(t *testing.T) {
	t.Parallel()
	f := newStatusFixture()
	f.Reporter = reporter(nil)
	data, err := f.invoke(t, []byte(`{"status":{}}`))
	require.Equal(t, "Internal", functionError(t, data, err).Type)
	a := f.call(t, gateways["HTTP API"](httpCall{method: http.MethodGet, path: statusPath}))
	require.Equal(t, http.StatusInternalServerError, a.StatusCode)
	for _, line := range f.log.lines(t) {
		require.Equal(t, "status failed", line["msg"])
		require.Equal(t, "ERROR", line["level"])
	}
}

// The report gets what is left of the invocation, but for the response.
func TestStatusKnowsTheDeadline(t *testing.T) {
	t.Parallel()
	f := newStatusFixture()
	end := time.Now().Add(5 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	f.Reporter = reporter(func(ctx context.Context) *status.Report {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.True(t, deadline.Before(end))
		return &status.Report{}
	})
	_, err := f.Invoke(ctx, []byte(`{"status":{}}`))
	require.NoError(t, err)
}
