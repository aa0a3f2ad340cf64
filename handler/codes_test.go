package handler_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"
)

// meaning is what a code is to a caller.
type meaning struct {
	status int
	retry  bool
	level  string
}

// codes says what callers are promised of every code; it is on purpose not read from the
// table in provision.
var codes = map[problem.Code]meaning{
	problem.InvalidJSON:          {400, false, "WARN"},
	problem.InvalidRequest:       {422, false, "WARN"},
	problem.Unauthenticated:      {401, false, "WARN"},
	problem.MethodNotAllowed:     {405, false, "WARN"},
	problem.PayloadTooLarge:      {413, false, "WARN"},
	problem.UnsupportedMediaType: {415, false, "WARN"},
	problem.Conflict:             {409, false, "WARN"},
	problem.InProgress:           {409, true, "ERROR"},
	problem.SendGridRejected:     {422, false, "WARN"},
	problem.SendGridUnauthorized: {502, false, "ERROR"},
	problem.SendGridForbidden:    {502, false, "ERROR"},
	problem.RateLimited:          {429, true, "ERROR"},
	problem.SendGridUnavailable:  {502, true, "ERROR"},
	problem.OutcomeUnknown:       {503, true, "ERROR"},
	problem.DeadlineExceeded:     {504, true, "ERROR"},
	problem.SecretUnavailable:    {503, true, "ERROR"},
	problem.LedgerUnavailable:    {503, true, "ERROR"},
	problem.EventBusUnavailable:  {503, true, "ERROR"},
	problem.Internal:             {500, true, "ERROR"},
}

// failure is an error of the provisioner with everything that one can have.
func failure(code problem.Code) *problem.Error {
	return &problem.Error{
		Code: code, Message: "A sentence for the caller.", Err: errUpstream, RetryAfter: 1500 * time.Millisecond,
		Fields: []problem.FieldError{{Field: "name", Message: "is at fault"}, {Message: "and so is this"}},
	}
}

func TestEveryCodeOverHTTP(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		for code, meaning := range codes {
			t.Run(gateway+"/"+string(code), func(t *testing.T) {
				t.Parallel()
				d := newDoor(fails(failure(code)))
				a := d.call(t, event(request{body: goodRequest}))
				require.Equal(t, meaning.status, a.StatusCode)
				p := a.problem(t)
				require.Equal(t, string(code), p.Code)
				require.Equal(t, "A sentence for the caller.", p.Detail)
				require.Equal(t, []string{"name", ""}, p.fields())
				require.Equal(t, "is at fault", p.Errors[0].Message)
				require.NotContains(t, a.Body, errUpstream.Error())
				if meaning.retry {
					require.Equal(t, "2", a.Headers["Retry-After"], "whole seconds, and not too early")
				} else {
					require.NotContains(t, a.Headers, "Retry-After")
				}
				require.NotContains(t, a.Headers, "Location")
				requireFailureLine(t, d.log.line(t), code, meaning)
			})
		}
	}
}

func TestEveryCodeOfAFunction(t *testing.T) {
	t.Parallel()
	for function, event := range functions {
		for code, meaning := range codes {
			t.Run(function+"/"+string(code), func(t *testing.T) {
				t.Parallel()
				d := newDoor(fails(failure(code)))
				data, err := d.invoke(t, event(goodRequest))
				got := functionError(t, data, err)
				require.Equal(t, string(code), got.Type)
				require.Equal(t, "A sentence for the caller. name: is at fault; and so is this", got.Message)
				requireFailureLine(t, d.log.line(t), code, meaning)
			})
		}
	}
}

func requireFailureLine(t *testing.T, line map[string]any, code problem.Code, meaning meaning) {
	t.Helper()
	require.Equal(t, string(code), line["code"])
	require.Equal(t, meaning.level, line["level"])
	require.Contains(t, line["error"], errUpstream.Error(), "the log has the cause")
	want := "rejected"
	if meaning.retry {
		want = "failed"
	}
	require.Equal(t, want, line["outcome"])
	require.Equal(t, "request "+want, line["msg"])
	require.NotContains(t, line, "integration_id")
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
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
	}
	for gateway, event := range gateways {
		for name, test := range tests {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				err := test.failure
				err.Message = "A sentence for the caller."
				d := newDoor(fails(&err))
				a := d.call(t, event(request{body: goodRequest}))
				require.Equal(t, test.want, a.Headers["Retry-After"])
				require.Nil(t, a.problem(t).Errors)
			})
		}
	}
}

// Whatever else the provisioner returns is Internal, and only the log has the cause.
func TestUnknownErrorsAreInternal(t *testing.T) {
	t.Parallel()
	wrapped := fmt.Errorf("wrapped: %w", failure(problem.Conflict))
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			d := newDoor(fails(errUpstream))
			a := d.call(t, event(request{body: goodRequest}))
			require.Equal(t, http.StatusInternalServerError, a.StatusCode)
			require.Equal(t, "Internal", a.problem(t).Code)
			require.NotContains(t, a.Body, errUpstream.Error())
			require.Contains(t, d.log.line(t)["error"], errUpstream.Error())

			require.Equal(t, "Conflict", newDoor(fails(wrapped)).call(t, event(request{body: goodRequest})).problem(t).Code)
		})
	}
	for function, event := range functions {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			d := newDoor(fails(errUpstream))
			data, err := d.invoke(t, event(goodRequest))
			got := functionError(t, data, err)
			require.Equal(t, "Internal", got.Type)
			require.NotContains(t, got.Message, errUpstream.Error())
			require.Contains(t, d.log.line(t)["error"], errUpstream.Error())
		})
	}
}
