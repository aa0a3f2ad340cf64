package sendgrid_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

func TestIntegrationIsRead(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2048)
	for name, tt := range map[string]struct {
		body string // without its entity_id "e"
		want sendgrid.Integration
	}{
		"the documented example of a create has neither id nor URLs": {
			body: `"name":"n","enabled":true,"signin_url":"i","signout_url":"o","last_updated":1621288964`,
			want: sendgrid.Integration{Name: "n", Enabled: true, SigninURL: "i", SignoutURL: "o", LastUpdated: "1621288964"},
		},
		"the audience URL stands in for the single sign-on URL": {
			body: `"audience_url":"u"`, want: sendgrid.Integration{SingleSignOnURL: "u", AudienceURL: "u"},
		},
		"the single sign-on URL stands in for the audience URL": {
			body: `"single_signon_url":"u"`, want: sendgrid.Integration{SingleSignOnURL: "u", AudienceURL: "u"},
		},
		"both URLs are kept where they differ": {
			body: `"single_signon_url":"s","audience_url":"a"`, want: sendgrid.Integration{SingleSignOnURL: "s", AudienceURL: "a"},
		},
		"last_updated may have a fraction": {
			body: `"last_updated":1621288964.25`, want: sendgrid.Integration{LastUpdated: "1621288964.25"},
		},
		"null is absent, and unknown fields are ignored": {
			body: `"id":null,"name":null,"enabled":null,"completed_integration":null,"last_updated":null,"new":{"a":1}`,
		},
		"a number is an id": {body: `"id":42`, want: sendgrid.Integration{ID: "42"}},
		"other types read as empty": {
			body: `"id":["1"],"name":1,"enabled":"true","signin_url":{},"signout_url":[],"completed_integration":"no","last_updated":"1621288964","audience_url":false`,
		},
		"the longest fields": {
			body: `"id":"` + long[:256] + `","name":"` + long + long + `","signin_url":"` + long + `","signout_url":"` + long + `","single_signon_url":"` + long + `"`,
			want: sendgrid.Integration{ID: long[:256], Name: long + long, SigninURL: long, SignoutURL: long, SingleSignOnURL: long, AudienceURL: long},
		},
		"longer fields read as empty": {
			body: `"id":"x` + long[:256] + `","name":"x` + long + long + `","signin_url":"x` + long + `","signout_url":"x` + long + `","single_signon_url":"x` + long + `","last_updated":` + strings.Repeat("1", 33),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := `{"entity_id":"e",` + tt.body + `}`
			tt.want.EntityID = "e"
			got, err := newHarness(t, reply(200, body)).client().GetIntegration(t.Context(), "1")
			require.NoError(t, err)
			require.Equal(t, tt.want, *got)
			created, err := newHarness(t, reply(200, body)).client().CreateIntegration(t.Context(), exampleRequest())
			require.NoError(t, err)
			require.Equal(t, tt.want, *created)
			list, err := newHarness(t, reply(200, "["+body+","+exampleResponse+"]")).client().ListIntegrations(t.Context())
			require.NoError(t, err)
			require.Equal(t, []sendgrid.Integration{tt.want, exampleIntegration()}, list)
		})
	}
}

// An event about an integration has to fit on EventBridge, where each quote and backslash
// of the JSON counts twice.
func TestLongestIntegrationFitsIntoAnEvent(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"last_updated": json.Number(strings.Repeat("1", 32))}
	for name, limit := range map[string]int{
		"id": 256, "name": 4096, "entity_id": 4096, "signin_url": 2048, "signout_url": 2048, "single_signon_url": 2048, "audience_url": 2048,
	} {
		fields[name] = strings.Repeat("\x01", limit)
	}
	body, err := json.Marshal(fields)
	require.NoError(t, err)
	got, err := newHarness(t, reply(200, string(body))).client().GetIntegration(t.Context(), "1")
	require.NoError(t, err)
	require.Len(t, got.EntityID, 4096)
	shown, err := json.Marshal(got)
	require.NoError(t, err)
	require.Less(t, len(strconv.Quote(string(shown))), 120<<10)
}

// A response that shows no integration must not count as the absence of one.
func TestOtherResponsesAreRefused(t *testing.T) {
	t.Parallel()
	const noObject, neither = "not the documented JSON", "neither an id nor an entity_id"
	for name, tt := range map[string]struct{ body, list, get string }{
		"null":                      {body: `null`, get: noObject},
		"an error":                  {body: `{"message":"internal error","field":null}`, list: noObject, get: neither},
		"a list of errors":          {body: `[{"message":"internal error","field":null}]`, list: neither, get: noObject},
		"a list of nothing":         {body: `[{}]`, list: neither, get: noObject},
		"a list of null":            {body: `[null]`, list: noObject, get: noObject},
		"null among others":         {body: `[` + exampleResponse + `,null]`, list: noObject, get: noObject},
		"a text among others":       {body: `[` + exampleResponse + `,"x"]`, list: noObject, get: noObject},
		"a list within a list":      {body: `[[]]`, list: noObject, get: noObject},
		"an id that is too long":    {body: `{"id":"` + strings.Repeat("1", 257) + `"}`, list: noObject, get: neither},
		"an empty id and entity_id": {body: `[{"id":"","entity_id":"","name":"n"}]`, list: neither, get: noObject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newHarness(t, reply(200, tt.body)).client().ListIntegrations(t.Context())
			if tt.list == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.list)
				require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
			}
			_, err = newHarness(t, reply(200, tt.body)).client().GetIntegration(t.Context(), "1")
			require.ErrorContains(t, err, tt.get)
			require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
		})
	}
}

// Half-configured integrations exist, and must not hide the others.
func TestListSurvivesHalfConfiguredRows(t *testing.T) {
	t.Parallel()
	body := `[{"id":"1","name":"n"},{"id":"2","entity_id":null},{"id":3,"entity_id":""},{"entity_id":"e","name":7,"enabled":{}},{},` + exampleResponse + `]`
	got, err := newHarness(t, reply(200, body)).client().ListIntegrations(t.Context())
	require.NoError(t, err)
	require.Equal(t, []sendgrid.Integration{{ID: "1", Name: "n"}, {ID: "2"}, {ID: "3"}, {EntityID: "e"}, {}, exampleIntegration()}, got)
}

func TestIntegrationMarshalJSON(t *testing.T) {
	t.Parallel()
	var i sendgrid.Integration
	require.NoError(t, json.Unmarshal([]byte(exampleResponse), &i))
	whole, err := json.Marshal(i)
	require.NoError(t, err)
	require.JSONEq(t, exampleResponse, string(whole))

	least, err := json.Marshal(sendgrid.Integration{Name: "n"})
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"n","enabled":false,"signin_url":"","signout_url":"","entity_id":""}`, string(least))
}

// Every 2xx is a success if the body is what is documented, and a failure that keeps the
// status, and that the request was sent, if it is not.
func TestSuccessfulStatus(t *testing.T) {
	t.Parallel()
	huge := `{"name":"` + strings.Repeat("x", 4<<20) + `"}`
	for name, tt := range map[string]struct {
		response  http.HandlerFunc
		status    int
		wantError string
	}{
		"200":                                {response: reply(200, exampleResponse), status: 200},
		"201":                                {response: reply(201, exampleResponse), status: 201},
		"202":                                {response: reply(202, exampleResponse), status: 202},
		"a type that is not JSON is ignored": {response: plain(200, exampleResponse), status: 200},
		"200 empty":                          {response: reply(200, ""), status: 200, wantError: "not the documented JSON"},
		"204":                                {response: reply(204, ""), status: 204, wantError: "not the documented JSON"},
		"200 HTML":                           {response: plain(200, "<html>maintenance</html>"), status: 200, wantError: "not the documented JSON"},
		"200 with a JSON text":               {response: reply(200, `"ok"`), status: 200, wantError: "not the documented JSON"},
		"200 with more after the JSON":       {response: reply(200, exampleResponse+"x"), status: 200, wantError: "not the documented JSON"},
		"200 cut off within the JSON":        {response: reply(200, exampleResponse[:99]), status: 200, wantError: "not the documented JSON"},
		"200 shorter than announced":         {response: truncated(200, exampleResponse), status: 200, wantError: "read the response: unexpected EOF"},
		"200 longer than the bound of a response": {response: reply(200, huge), status: 200, wantError: "larger than 4194304 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, tt.response)
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

// plain responds with a type that is not JSON.
func plain(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // A client that has gone is the test's business.
	}
}

// truncated announces more than it sends.
func truncated(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // A client that has gone is the test's business.
	}
}
