package sendgrid_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/sendgrid"
)

// acceptOnly returns 401 to every key but one.
func acceptOnly(key, response string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			reply(http.StatusUnauthorized, `[{"message":"authorization required","field":null}]`)(w, r)
			return
		}
		reply(http.StatusOK, response)(w, r)
	}
}

func TestRenewKey(t *testing.T) {
	t.Parallel()
	lost := errors.New("the secret is gone")
	tests := []struct {
		name string
		// renewed and version are what the renewal of the key "old", version "v1", returns.
		renewed, version string
		renewErr         error
		wantSent         []string
		wantStatus       int // of an *Error; 0 is none
		wantKeyError     bool
	}{
		{name: "a new version is tried once", renewed: "new", version: "v2", wantSent: []string{"old", "new"}},
		{name: "the same version is not tried again", renewed: "old", version: "v1", wantSent: []string{"old"}, wantStatus: 401},
		{name: "another key of the same version is not tried", renewed: "new", version: "v1", wantSent: []string{"old"}, wantStatus: 401},
		{name: "a second 401 is final", renewed: "wrong", version: "v2", wantSent: []string{"old", "wrong"}, wantStatus: 401},
		{name: "no renewal", renewErr: lost, wantSent: []string{"old"}, wantKeyError: true},
	}
	for _, each := range everyCall() {
		for _, tt := range tests {
			t.Run(string(each.op)+": "+tt.name, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, acceptOnly("new", each.response))
				c := h.client()
				var rejected []string
				c.Keys = &keytest.Keys{
					OnKey: func(context.Context) (string, string, error) { return "old", "v1", nil },
					OnRenew: func(_ context.Context, version string) (string, string, error) {
						rejected = append(rejected, version)
						return tt.renewed, tt.version, tt.renewErr
					},
				}
				var statuses []int
				c.OnCall = func(_ context.Context, call sendgrid.Call) { statuses = append(statuses, call.Status) }

				err := each.call(t.Context(), c)

				require.Equal(t, []string{"v1"}, rejected)
				sent := h.all()
				require.Len(t, sent, len(tt.wantSent))
				require.Len(t, statuses, len(tt.wantSent))
				for i, key := range tt.wantSent {
					require.Equal(t, "Bearer "+key, sent[i].header.Get("Authorization"))
					sent[i].header.Del("Authorization")
					require.Equal(t, sent[0], sent[i], "the repetition differs in more than the key")
				}
				var failure *sendgrid.Error
				var keyError *sendgrid.KeyError
				switch {
				case tt.wantKeyError:
					require.ErrorAs(t, err, &keyError)
					require.Equal(t, each.op, keyError.Op)
					require.ErrorIs(t, err, lost)
					require.ErrorContains(t, err, "SendGrid returned 401, and the key could not be renewed: the secret is gone")
				case tt.wantStatus != 0:
					require.ErrorAs(t, err, &failure)
					require.Equal(t, tt.wantStatus, failure.StatusCode)
					require.Equal(t, []sendgrid.FieldError{{Message: "authorization required"}}, failure.Errors)
				default:
					require.NoError(t, err)
				}
			})
		}
	}
}

// The error after a renewal is that of the repetition, not the 401 before it.
func TestErrorAfterRenewal(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.response = func(w http.ResponseWriter, r *http.Request) {
		status := http.StatusUnauthorized
		if len(h.all()) > 1 {
			status = http.StatusBadRequest
		}
		reply(status, "[]")(w, r)
	}
	c := h.client()
	c.Keys = &keytest.Keys{
		OnKey:   func(context.Context) (string, string, error) { return "old", "v1", nil },
		OnRenew: func(context.Context, string) (string, string, error) { return "new", "v2", nil },
	}
	_, err := c.CreateIntegration(t.Context(), exampleRequest())
	require.Equal(t, http.StatusBadRequest, requireError(t, err).StatusCode)
	require.Len(t, h.all(), 2)
}

// Other refusals say nothing about the key; keytest.Keys panics if it is renewed.
func TestOnly401RenewsTheKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, reply(http.StatusForbidden, "[]"))
	c := h.client()
	c.Keys = &keytest.Keys{OnKey: func(context.Context) (string, string, error) { return testKey, "v1", nil }}
	_, err := c.ListIntegrations(t.Context())
	require.Equal(t, http.StatusForbidden, requireError(t, err).StatusCode)
}

func TestKeyError(t *testing.T) {
	t.Parallel()
	lost := errors.New("the secret is gone")
	for _, each := range everyCall() {
		t.Run(string(each.op), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent without a key") })
			c := h.client()
			c.Keys = &keytest.Keys{OnKey: func(context.Context) (string, string, error) { return "", "", lost }}
			c.OnCall = func(context.Context, sendgrid.Call) { t.Error("a call was reported that never was") }

			err := each.call(t.Context(), c)

			var keyError *sendgrid.KeyError
			require.ErrorAs(t, err, &keyError)
			require.Equal(t, each.op, keyError.Op)
			require.ErrorIs(t, err, lost)
			require.EqualError(t, err, "sendgrid: "+string(each.op)+": no API key: the secret is gone")
			var failure *sendgrid.Error
			require.NotErrorAs(t, err, &failure)
		})
	}
}

// A broken server or proxy may echo the request. The key must not be in any error, at any
// depth.
func TestKeyIsNeverInErrors(t *testing.T) {
	t.Parallel()
	raw := func(response string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("hijack: %v", err)
				return
			}
			_, _ = io.WriteString(conn, response) // A client that has gone is the test's business.
			_ = conn.Close()
		}
	}
	tests := []struct {
		name     string
		response http.HandlerFunc
	}{
		{name: "array", response: reply(400, `[{"message":"bad `+testKey+`","field":"`+testKey+`","error_id":"`+testKey+`"}]`)},
		{name: "errors", response: reply(400, `{"errors":[{"message":"`+testKey+testKey+`"}]}`)},
		{name: "error", response: reply(400, `{"error":"Bearer `+testKey+`"}`)},
		{name: "escaped", response: reply(400, `{"error":"`+"\\u0053"+testKey[1:]+`"}`)},
		{name: "401", response: reply(401, `["`+testKey+`"]`)},
		{name: "text", response: plain(502, "Authorization: Bearer "+testKey)},
		{name: "200 with a key for an object", response: reply(200, `"`+testKey+`"`)},
		{name: "200 that is not JSON", response: reply(200, testKey)},
		{name: "Location", response: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://[::1/"+testKey)
			w.WriteHeader(http.StatusFound)
		}},
		{name: "status line", response: raw("HTTP/1.1 " + testKey + "\r\n\r\n")},
		{name: "no HTTP at all", response: raw("Authorization: Bearer " + testKey + "\r\n\r\n")},
		{name: "header line", response: raw("HTTP/1.1 200 OK\r\nBearer " + testKey + "\r\n\r\n")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, tt.response)
			_, err := h.client().CreateIntegration(t.Context(), exampleRequest())
			require.Error(t, err)
			failure := requireError(t, err)
			require.True(t, failure.Sent)
			for _, each := range failure.Errors {
				require.NotContains(t, each.Field+each.Message+each.ID, testKey)
			}
			for depth := err; depth != nil; depth = errors.Unwrap(depth) {
				require.NotContains(t, depth.Error(), testKey)
			}
		})
	}
}

// A key that no header can carry is refused before anything is sent.
func TestUnusableKey(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	c := h.client()
	c.Keys = fixedKey(testKey + "\r\nX-Evil: 1")
	_, err := c.CreateIntegration(t.Context(), exampleRequest())
	require.False(t, requireError(t, err).Sent)
	require.NotContains(t, err.Error(), testKey)
}
