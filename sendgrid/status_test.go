package sendgrid_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// errorResponse is a body that an error response may have, and what is understood of it.
type errorResponse struct {
	name      string
	write     func(status int, body string) http.HandlerFunc
	body      string
	want      []sendgrid.FieldError
	wantCause string
}

func errorResponses() []errorResponse {
	const (
		array  = `[{"message":"required","field":"name","error_id":"e1"},{"message":"bad URL","field":"signin_url","error_id":"e2"}]`
		errors = `{"errors":[{"field":null,"message":"access forbidden"}]}`
	)
	return []errorResponse{
		{name: "array", write: reply, body: array, want: []sendgrid.FieldError{
			{Field: "name", Message: "required", ID: "e1"}, {Field: "signin_url", Message: "bad URL", ID: "e2"},
		}},
		{name: "errors", write: reply, body: errors, want: []sendgrid.FieldError{{Message: "access forbidden"}}},
		{name: "error", write: reply, body: `{"error":"no"}`, want: []sendgrid.FieldError{{Message: "no"}}},
		{name: "HTML", write: plain, body: "<html><body>Bad gateway</body></html>"},
		{name: "empty", write: reply, body: ""},
		{name: "null fields", write: reply, body: `[{"message":null,"field":"name"},{"message":"m","field":null,"error_id":null}]`, want: []sendgrid.FieldError{{Message: "m"}}},
		{name: "non-string fields", write: reply, body: `[{"message":{"a":1},"field":"name"},{"message":"m","field":7,"error_id":[1]}]`, want: []sendgrid.FieldError{{Message: "m"}}},
		{name: "cut off", write: reply, body: array[:40]},
		{name: "shorter than announced", write: truncated, body: array, wantCause: "read the error response: unexpected EOF"},
		{name: "larger than is read", write: reply, body: `[{"message":"` + strings.Repeat("x", 64<<10) + `"}]`},
	}
}

// For every status and body the status is kept, and the error is of the one type. 1xx is
// left out, because net/http handles it.
func TestErrorStatus(t *testing.T) {
	t.Parallel()
	statuses := []int{
		300, 304, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 425, 429, 451,
		500, 501, 502, 503, 504, 520, 599,
	}
	for _, status := range statuses {
		for _, response := range errorResponses() {
			if status == http.StatusNotModified && response.body != "" {
				continue // HTTP allows this status no body.
			}
			t.Run(fmt.Sprintf("%d %s", status, response.name), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, response.write(status, response.body))
				c := h.client()
				var calls []sendgrid.Call
				c.OnCall = func(_ context.Context, call sendgrid.Call) { calls = append(calls, call) }

				got, err := c.CreateIntegration(t.Context(), exampleRequest())

				require.Nil(t, got)
				failure := requireError(t, fmt.Errorf("wrapped: %w", err))
				require.Equal(t, sendgrid.OpCreateIntegration, failure.Op)
				require.Equal(t, status, failure.StatusCode)
				require.Equal(t, response.want, failure.Errors)
				require.True(t, failure.Sent)
				if response.wantCause == "" {
					require.NoError(t, failure.Err)
				} else {
					require.ErrorContains(t, failure.Err, response.wantCause)
				}
				require.ErrorContains(t, err, fmt.Sprintf("sendgrid: create integration: status %d", status))
				require.Len(t, calls, 1)
				require.Equal(t, sendgrid.OpCreateIntegration, calls[0].Op)
				require.Equal(t, status, calls[0].Status)
				h.only()
			})
		}
	}
}

func TestErrorOfEveryOperation(t *testing.T) {
	t.Parallel()
	for _, each := range everyCall() {
		t.Run(string(each.op), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusInternalServerError, `{"error":"oops"}`))
			failure := requireError(t, each.call(t.Context(), h.client()))
			require.Equal(t, each.op, failure.Op)
			require.Equal(t, http.StatusInternalServerError, failure.StatusCode)
			require.Equal(t, "sendgrid: "+string(each.op)+": status 500 Internal Server Error; oops", failure.Error())
			h.only()
		})
	}
}

// The rate limit of every response is passed to OnCall, and that of a failure is in the error.
func TestRateLimitIsPassedOn(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
		want := sendgrid.RateLimit{Limit: 10, Remaining: 3, Reset: time.Unix(time.Now().Unix()+60, 0)}
		h := newHarness(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-RateLimit-Limit", "10")
			w.Header().Set("X-RateLimit-Remaining", "3")
			w.Header().Set("X-RateLimit-Reset", strconv.FormatInt(want.Reset.Unix(), 10))
			reply(status, "[]")(w, r)
		})
		c := h.client()
		var got sendgrid.RateLimit
		c.OnCall = func(_ context.Context, call sendgrid.Call) { got = call.RateLimit }
		_, err := c.ListIntegrations(t.Context())
		require.Equal(t, want, got)
		if status != http.StatusOK {
			require.Equal(t, want, requireError(t, err).RateLimit)
		}
	}
}

// A redirect is a response like any other: following it would carry the key elsewhere.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, each := range everyCall() {
			t.Run(fmt.Sprintf("%d %s", status, each.op), func(t *testing.T) {
				t.Parallel()
				elsewhere := newHarness(t, func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") })
				h := newHarness(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", elsewhere.server.URL)
					w.WriteHeader(status)
				})
				c := h.client()
				// A client that follows redirects is overruled, and left as it is.
				c.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return nil }

				failure := requireError(t, each.call(t.Context(), c))

				require.Equal(t, status, failure.StatusCode)
				require.True(t, failure.Sent)
				require.NoError(t, failure.Err)
				h.only()
				require.Empty(t, elsewhere.all())
				require.NoError(t, c.HTTP.CheckRedirect(nil, nil))
			})
		}
	}
}

func TestRedirectToNowhere(t *testing.T) {
	t.Parallel()
	h := newHarness(t, reply(http.StatusFound, ""))
	_, err := h.client().ListIntegrations(t.Context())
	require.Equal(t, http.StatusFound, requireError(t, err).StatusCode)
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  sendgrid.Error
		want string
	}{
		{
			name: "field errors",
			err: sendgrid.Error{Op: sendgrid.OpCreateIntegration, StatusCode: 400, Sent: true, Errors: []sendgrid.FieldError{
				{Field: "name", Message: "required", ID: "e1"}, {Message: "bad request"},
			}},
			want: "sendgrid: create integration: status 400 Bad Request; name: required; bad request",
		},
		{
			name: "cause with a status",
			err:  sendgrid.Error{Op: sendgrid.OpListIntegrations, StatusCode: 200, Sent: true, Err: context.DeadlineExceeded},
			want: "sendgrid: list integrations: status 200 OK: context deadline exceeded",
		},
		{
			name: "a status without a name",
			err:  sendgrid.Error{Op: sendgrid.OpGetIntegration, StatusCode: 599, Sent: true},
			want: "sendgrid: get integration: status 599 ",
		},
		{
			name: "sent",
			err:  sendgrid.Error{Op: sendgrid.OpCreateIntegration, Sent: true, Err: context.Canceled},
			want: "sendgrid: create integration: sent, but there was no response: context canceled",
		},
		{
			name: "never sent",
			err:  sendgrid.Error{Op: sendgrid.OpCreateIntegration, Err: context.Canceled},
			want: "sendgrid: create integration: never sent: context canceled",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.err.Error())
		})
	}
}
