package handler_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

const requestWithMetadata = `{"name":"  Okta ","enabled":false,"signin_url":"https://idp.example.com/sso?a=1&b=<2>","signout_url":"https://idp.example.com/out",` +
	`"entity_id":"urn:idp:1","completed_integration":true,"metadata":{"ticket":"OPS-1"}}`

// failure is an error of the provisioner with everything that one can have.
func failure(code problem.Code) *problem.Error {
	return &problem.Error{
		Code: code, Message: "A sentence for the caller.", Err: errUpstream, RetryAfter: 1500 * time.Millisecond,
		Fields: []problem.FieldError{{Field: "name", Message: "is at fault"}, {Message: "and so is this"}},
	}
}

// updateRequest asks to update what exists.
const updateRequest = `{"name":"Okta","enabled":true,"signin_url":"https://idp.example.com/sso","signout_url":"","entity_id":"urn:idp:1","if_exists":"update"}`

// complete responds to every request with everything that a result can have.
func complete(outcome protocol.Outcome) ensure {
	return func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
		result, err := created(ctx, r)
		result.Outcome = outcome
		result.Certificates = []provision.Certificate{
			{ID: "1", SHA256: strings.Repeat("0", 64), NotBefore: time.Unix(0, 0).UTC(), NotAfter: time.Unix(1, 0).UTC()}, {SHA256: strings.Repeat("f", 64)},
		}
		result.DaysLeft = provision.DaysLeft(result.Certificates, time.Now())
		result.Warnings = []provision.Warning{{Code: provision.NoCertificate, Message: "A sentence."}}
		return result, err
	}
}

// disabled responds to every request with two integrations that it disabled.
func disabled(ctx context.Context, r request.Resolved) (*provision.Result, error) {
	result, err := created(ctx, r)
	result.Outcome, result.Integration.Enabled = protocol.OutcomeDisabled, false
	result.Changes = []problem.Change{{Field: "enabled", From: true, To: false}}
	result.Integrations = []sendgrid.Integration{{ID: "id/2", EntityID: r.EntityID}, result.Integration} // One was begun in SendGrid's UI.
	after := time.Date(2026, 12, 8, 9, 30, 4, 0, time.UTC)
	result.DeleteAfter = &after
	return result, err
}

// nothingThere reports for every request that there is nothing to end or to forget.
func nothingThere(_ context.Context, r request.Resolved) (*provision.Result, error) {
	return &provision.Result{Outcome: protocol.OutcomeUnchanged, Metadata: r.Metadata}, nil
}

// unchanged responds to every request with an integration that existed before.
func unchanged(ctx context.Context, r request.Resolved) (*provision.Result, error) {
	result, err := created(ctx, r)
	result.Outcome = protocol.OutcomeUnchanged
	return result, err
}

// Through every trigger the provisioner gets the same request, and the same result comes back.
func TestRequestArrives(t *testing.T) {
	t.Parallel()
	completed := true
	want := request.Request{
		Name: "Okta", SigninURL: "https://idp.example.com/sso?a=1&b=<2>", SignoutURL: "https://idp.example.com/out",
		EntityID: "urn:idp:1", CompletedIntegration: &completed, Metadata: map[string]string{"ticket": "OPS-1"},
	}
	events := map[string][]byte{"EventBridge": functions["EventBridge"](requestWithMetadata), "direct": []byte(requestWithMetadata)}
	for gateway, event := range gateways {
		events[gateway] = event(httpCall{body: requestWithMetadata})
	}
	for trigger, payload := range events {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			data, err := newFixture(func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
				require.Equal(t, want, r.Request)
				return created(ctx, r)
			}).invoke(t, payload)
			require.NoError(t, err)
			if gateways[trigger] != nil {
				data = []byte(readResponse(t, data).Body)
			}
			var got result
			strictly(t, data, &got)
			require.Equal(t, "created", got.Outcome)
			require.Equal(t, "id/1", got.Integration.ID)
			require.Equal(t, "https://sg.example.com/saml/1", got.Integration.SingleSignOnURL)
			require.Equal(t, sendgrid.Timestamp("1795446000"), got.Integration.LastUpdated)
			require.Equal(t, want.Metadata, got.Metadata)
		})
	}
}

func TestEveryCode(t *testing.T) {
	t.Parallel()
	for _, code := range problem.Codes() {
		retryable := (&problem.Error{Code: code}).Retryable()
		for gateway, event := range gateways {
			t.Run(gateway+"/"+string(code), func(t *testing.T) {
				t.Parallel()
				f := newFixture(fails(failure(code)))
				a := f.call(t, event(httpCall{body: goodRequest}))
				require.Equal(t, code.Status(), a.StatusCode)
				p := a.problem(t)
				require.Equal(t, []string{string(code), code.Title(), "A sentence for the caller."}, []string{p.Code, p.Title, p.Detail})
				require.Equal(t, []string{"name", ""}, p.fields())
				require.NotContains(t, a.Body, errUpstream.Error())
				require.NotContains(t, a.Headers, "Location")
				_, retryAfter := a.Headers["Retry-After"]
				require.Equal(t, retryable, retryAfter)
				requireFailureLine(t, f, code)
			})
		}
		for trigger, event := range functions {
			t.Run(trigger+"/"+string(code), func(t *testing.T) {
				t.Parallel()
				f := newFixture(fails(failure(code)))
				data, err := f.invoke(t, event(goodRequest))
				got := functionError(t, data, err)
				require.Equal(t, string(code), got.Type)
				require.Equal(t, "A sentence for the caller. (1) name: is at fault (2) and so is this", got.Message)
				requireFailureLine(t, f, code)
			})
		}
	}
}

func requireFailureLine(t *testing.T, f fixture, code problem.Code) {
	t.Helper()
	line := f.log.line(t)
	require.Equal(t, string(code), line["code"])
	require.Contains(t, line["error"], errUpstream.Error(), "the log has the cause")
	require.Equal(t, string(provision.OutcomeOf(failure(code))), line["outcome"])
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		failure problem.Error
		want    string
	}{
		"when is not known":   {problem.Error{Code: problem.Internal}, ""},
		"a moment":            {problem.Error{Code: problem.RateLimited, RetryAfter: time.Millisecond}, "1"},
		"a minute":            {problem.Error{Code: problem.RateLimited, RetryAfter: time.Minute}, "60"},
		"more than a minute":  {problem.Error{Code: problem.RateLimited, RetryAfter: time.Minute + 1}, "61"},
		"past":                {problem.Error{Code: problem.RateLimited, RetryAfter: -time.Minute}, ""},
		"never, by its code":  {problem.Error{Code: problem.Conflict, RetryAfter: time.Minute}, ""},
		"never, by the cause": {problem.Error{Code: problem.SecretUnavailable, RetryAfter: time.Minute, Permanent: true}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.failure.Message = "A sentence for the caller."
			a := newFixture(fails(&tt.failure)).call(t, gateways["HTTP API"](httpCall{body: goodRequest}))
			require.Equal(t, tt.want, a.Headers["Retry-After"])
			require.Nil(t, a.problem(t).Errors)
		})
	}
}

// Any other error of the provisioner, and a panic in any step, is Internal, and only the log
// has the cause. The next event is not affected.
func TestUnexpectedErrorsAreInternal(t *testing.T) {
	t.Parallel()
	panics := func(context.Context, request.Resolved) (*provision.Result, error) { panic(errUpstream) }
	for name, provisioner := range map[string]ensure{"error": fails(errUpstream), "panic": panics} {
		for trigger, payload := range triggers {
			t.Run(name+"/"+trigger, func(t *testing.T) {
				t.Parallel()
				f := newFixture(provisioner)
				data, err := f.invoke(t, payload)
				response := fmt.Sprint(string(data), err)
				require.Contains(t, response, "Internal")
				require.NotContains(t, response, errUpstream.Error())
				require.NotContains(t, response, "goroutine")
				line := f.log.line(t)
				require.Equal(t, "ERROR", line["level"])
				require.Contains(t, line["error"], errUpstream.Error())
				if name == "panic" {
					require.Contains(t, line["error"], "outcome_test.go", "the stack shows where")
				}
				f.Provisioner = ensure(created)
				_, err = f.invoke(t, payload)
				require.NoError(t, err)
			})
		}
	}
	wrapped := fmt.Errorf("wrapped: %w", failure(problem.Conflict))
	require.Equal(t, http.StatusConflict, newFixture(fails(wrapped)).call(t, gateways["HTTP API"](httpCall{body: goodRequest})).StatusCode)

	f := newFixture(nil)
	f.Verifier = verify(nil) // It panics.
	require.Equal(t, "Internal", f.call(t, gateways["HTTP API"](httpCall{body: goodRequest, unknown: true})).problem(t).Code)
	f.Publisher = publisherFunc(func(context.Context) error { panic("in the publisher") })
	f.Provisioner = ensure(created)
	require.Equal(t, "Internal", f.call(t, gateways["HTTP API"](httpCall{body: goodRequest})).problem(t).Code)
}
