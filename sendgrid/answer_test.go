package sendgrid_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

func TestIntegrationIsRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       sendgrid.Integration
	}{
		{
			name: "the documented example of a create has neither id nor URLs",
			body: `{"name":"n","enabled":true,"signin_url":"i","signout_url":"o","entity_id":"e","last_updated":1621288964}`,
			want: sendgrid.Integration{Name: "n", Enabled: true, SigninURL: "i", SignoutURL: "o", EntityID: "e", LastUpdated: "1621288964"},
		},
		{
			name: "the audience URL stands in for the single sign-on URL",
			body: `{"id":"1","audience_url":"u"}`,
			want: sendgrid.Integration{ID: "1", SingleSignOnURL: "u", AudienceURL: "u"},
		},
		{
			name: "the single sign-on URL stands in for the audience URL",
			body: `{"id":"1","single_signon_url":"u"}`,
			want: sendgrid.Integration{ID: "1", SingleSignOnURL: "u", AudienceURL: "u"},
		},
		{
			name: "both URLs are kept where they differ",
			body: `{"single_signon_url":"s","audience_url":"a"}`,
			want: sendgrid.Integration{SingleSignOnURL: "s", AudienceURL: "a"},
		},
		{
			name: "last_updated may have a fraction",
			body: `{"last_updated":1621288964.25}`,
			want: sendgrid.Integration{LastUpdated: "1621288964.25"},
		},
		{
			name: "null is absent, and unknown fields are passed over",
			body: `{"id":null,"completed_integration":null,"last_updated":null,"new":{"a":1}}`,
			want: sendgrid.Integration{},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := newHarness(t, reply(200, tt.body)).client().GetIntegration(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, tt.want, *got)
			created, err := newHarness(t, reply(200, tt.body)).client().CreateIntegration(t.Context(), exampleRequest())
			require.NoError(t, err)
			require.Equal(t, tt.want, *created)
			listed, want := tt.body, tt.want
			if want.EntityID == "" { // What a list shows has one.
				listed, want.EntityID = strings.Replace(listed, "{", `{"entity_id":"e",`, 1), "e"
			}
			list, err := newHarness(t, reply(200, "["+listed+"]")).client().ListIntegrations(t.Context())
			require.NoError(t, err)
			require.Equal(t, []sendgrid.Integration{want}, list)
		})
	}
}

// What stands where a time should is no time, and is not passed on.
func TestStrangeTimesAreDropped(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`"` + testKey + `"`, `"1621288964"`, `""`, `null`, `true`, `{}`, `[1]`} {
		got, err := newHarness(t, reply(200, `{"id":"1","last_updated":`+value+`}`)).client().GetIntegration(t.Context(), "1")
		require.NoError(t, err, value)
		require.Equal(t, sendgrid.Integration{ID: "1"}, *got, value)
	}
}

// A list of something that is no integration must not pass for one without the integration
// that is looked for.
func TestListRefusesWhatIsNoIntegration(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`[null]`, `[{}]`, `[{"message":"internal error","field":null}]`} {
		_, err := newHarness(t, reply(200, body)).client().ListIntegrations(t.Context())
		require.Equal(t, 200, requireError(t, err).StatusCode, body)
	}
}

func TestIntegrationMarshalJSON(t *testing.T) {
	t.Parallel()
	var i sendgrid.Integration
	require.NoError(t, json.Unmarshal([]byte(exampleAnswer), &i))
	whole, err := json.Marshal(i)
	require.NoError(t, err)
	require.JSONEq(t, exampleAnswer, string(whole))

	least, err := json.Marshal(sendgrid.Integration{Name: "n"})
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"n","enabled":false,"signin_url":"","signout_url":"","entity_id":""}`, string(least))
}

// Every 2xx is a success if the body is what is documented, and a failure that keeps the
// status, and says that the request was sent, if it is not.
func TestSuccessfulStatus(t *testing.T) {
	t.Parallel()
	huge := `{"name":"` + strings.Repeat("x", 4<<20) + `"}`
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		status    int
		wantError string
	}{
		{name: "200", answer: reply(200, exampleAnswer), status: 200},
		{name: "201", answer: reply(201, exampleAnswer), status: 201},
		{name: "202", answer: reply(202, exampleAnswer), status: 202},
		{name: "a type that is not JSON does not matter", answer: plain(200, exampleAnswer), status: 200},
		{name: "200 empty", answer: reply(200, ""), status: 200, wantError: "not the documented JSON"},
		{name: "204", answer: reply(204, ""), status: 204, wantError: "not the documented JSON"},
		{name: "200 HTML", answer: plain(200, "<html>maintenance</html>"), status: 200, wantError: "not the documented JSON"},
		{name: "200 with a JSON text", answer: reply(200, `"ok"`), status: 200, wantError: "not the documented JSON"},
		{name: "200 with a wrong type", answer: reply(200, `{"id":42}`), status: 200, wantError: "not the documented JSON"},
		{name: "200 with more after the JSON", answer: reply(200, exampleAnswer+"x"), status: 200, wantError: "not the documented JSON"},
		{name: "200 cut off within the JSON", answer: reply(200, exampleAnswer[:99]), status: 200, wantError: "not the documented JSON"},
		{name: "200 shorter than announced", answer: truncated(200, exampleAnswer), status: 200, wantError: "read the answer: unexpected EOF"},
		{name: "200 longer than is read", answer: reply(200, huge), status: 200, wantError: "larger than 4194304 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, tt.answer)
			c := h.client()
			var calls []sendgrid.Call
			c.OnCall = func(_ context.Context, call sendgrid.Call) { calls = append(calls, call) }

			got, err := c.CreateIntegration(t.Context(), exampleRequest())

			h.only()
			require.Len(t, calls, 1)
			require.Equal(t, tt.status, calls[0].Status)
			if tt.wantError == "" {
				require.NoError(t, err)
				require.Equal(t, exampleIntegration(), *got)
				return
			}
			require.Nil(t, got)
			failure := requireError(t, err)
			require.Equal(t, tt.status, failure.StatusCode)
			require.True(t, failure.Sent)
			require.Empty(t, failure.Errors)
			require.ErrorContains(t, err, tt.wantError)
		})
	}
}

// plain answers with a type that is not JSON.
func plain(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // A client that has gone is the test's business.
	}
}

// truncated announces more than it answers with.
func truncated(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // A client that has gone is the test's business.
	}
}
