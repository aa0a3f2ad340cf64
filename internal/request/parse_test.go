package request_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// fields returns the JSON values of a good request, by field, for a test to spoil.
func fields() map[string]string {
	return map[string]string{
		"name":        `"Okta"`,
		"enabled":     `true`,
		"signin_url":  `"https://example.okta.com/app/exk1/sso/saml"`,
		"signout_url": `"https://example.okta.com/login/signout"`,
		"entity_id":   `"http://www.okta.com/exk1"`,
	}
}

// object joins the fields to a JSON object.
func object(values map[string]string) string {
	var b strings.Builder
	for name, value := range values {
		b.WriteString([]string{"{", ","}[min(b.Len(), 1)])
		b.WriteString(quote(name) + ":" + value)
	}
	return b.String() + "}"
}

// with returns a good request with one field's value replaced.
func with(field, value string) string {
	values := fields()
	values[field] = value
	return object(values)
}

func quote(text string) string {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // Strings always encode.
	}
	return string(quoted)
}

func TestParse(t *testing.T) {
	t.Parallel()
	more := func(also map[string]string) string {
		values := fields()
		maps.Copy(values, also)
		return object(values)
	}
	tests := []struct {
		name, json string
		want       func(*request.Request)
	}{
		{name: "only what is required", json: object(fields())},
		{name: "a byte order mark", json: "\ufeff" + object(fields())},
		{name: "a byte order mark that was decoded wrongly", json: "\u00ef\u00bb\u00bf\n" + object(fields())},
		{name: "white space around", json: " \r\n\t" + object(fields()) + "\n "},
		{
			name: "everything",
			json: more(map[string]string{"completed_integration": "false", "metadata": `{"ticket":"OPS-1"}`}),
			want: func(r *request.Request) {
				r.CompletedIntegration, r.Metadata = new(false), map[string]string{"ticket": "OPS-1"}
			},
		},
		{
			name: "optional fields that are null are absent",
			json: more(map[string]string{"completed_integration": "null", "metadata": "null"}),
		},
		{
			name: "a name is trimmed", json: with("name", `" \n Okta \u2003"`),
		},
		{
			name: "spaces around an entity id", json: with("entity_id", `" http://www.okta.com/exk1\u00a0\n"`),
		},
		{
			name: "spaces in an entity id", json: with("entity_id", `"Example Org IdP"`),
			want: func(r *request.Request) { r.EntityID = "Example Org IdP" },
		},
		{
			name: "escapes", json: with("name", `"\u004fk\u0074a \ud83d\ude00 \" \\ \/"`),
			want: func(r *request.Request) { r.Name = `Okta 😀 " \ /` },
		},
		{
			name: "false is a value", json: with("enabled", "false"),
			want: func(r *request.Request) { r.Enabled = false },
		},
		{
			name: "an IdP without single logout", json: with("signout_url", `""`),
			want: func(r *request.Request) { r.SignoutURL = "" },
		},
		{
			name: "metadata that is empty", json: with("metadata", "{}"),
			want: func(r *request.Request) { r.Metadata = map[string]string{} },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			want := sample()
			if tt.want != nil {
				tt.want(&want)
			}
			got, err := request.Parse([]byte(tt.json), time.Now())
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestParseRefusesWhatIsNoObject(t *testing.T) {
	t.Parallel()
	good := object(fields())
	tests := []struct {
		name, json, message string
	}{
		{name: "empty", json: "", message: "empty"},
		{name: "white space", json: " \r\n\t ", message: "empty"},
		{name: "invalid UTF-8", json: with("name", "\"\xff\""), message: "UTF-8"},
		{name: "UTF-16", json: "\xff\xfe{\x00}\x00", message: "encoded in UTF-16"},
		{name: "UTF-16, big-endian", json: "\xfe\xff\x00{\x00}", message: "encoded in UTF-16"},
		{name: "UTF-16 without a byte order mark", json: "{\x00}\x00", message: "encoded in UTF-16"},
		{name: "UTF-16, big-endian, without a byte order mark", json: "\x00{\x00}", message: "encoded in UTF-16"},
		{name: "only a byte order mark", json: "\ufeff", message: "empty"},
		{name: "an array", json: "[" + good + "]", message: "an array"},
		{name: "a string", json: quote(good), message: "a string"},
		{name: "a number", json: "-42.5e3", message: "a number"},
		{name: "a boolean", json: " true", message: "a boolean"},
		{name: "null", json: "null", message: "null"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(tt.json), time.Now())
			e := requireCode(t, problem.InvalidJSON, err)
			require.Contains(t, e.Message, tt.message)
			require.Empty(t, e.Fields)
			requireTrace(t, r)
		})
	}
}

// Wherever a request is cut off, it is no request.
func TestParseRefusesWhatIsCutOff(t *testing.T) {
	t.Parallel()
	whole := with("metadata", `{"ticket":"OPS-1"}`)
	for end := range len(whole) {
		_, err := request.Parse([]byte(whole[:end]), time.Now())
		requireCode(t, problem.InvalidJSON, err)
	}
	_, err := request.Parse([]byte(whole), time.Now())
	require.NoError(t, err)
}

func TestParseBoundsTheSize(t *testing.T) {
	t.Parallel()
	require.Equal(t, 262_144, request.MaxRequestBytes)
	good := object(fields())
	largest := good + strings.Repeat(" ", request.MaxRequestBytes-len(good))
	_, err := request.Parse([]byte(largest), time.Now())
	require.NoError(t, err)

	for _, tooLarge := range []string{largest + " ", strings.Repeat("[", 1<<20)} {
		_, err = request.Parse([]byte(tooLarge), time.Now())
		e := requireCode(t, problem.PayloadTooLarge, err)
		require.Contains(t, e.Message, "262144")
	}
}

// requireCode requires that err is an *problem.Error with a code, fit to be shown to a caller.
func requireCode(t *testing.T, code problem.Code, err error) *problem.Error {
	t.Helper()
	var e *problem.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, code, e.Code, "%v", err)
	require.NotEmpty(t, e.Message)
	return e
}

// requireTrace requires that a refused request has nothing but what it can be traced by.
func requireTrace(t *testing.T, r request.Request) {
	t.Helper()
	trace := request.Request{EntityID: r.EntityID, Metadata: r.Metadata}
	if r.Teammate != nil {
		trace.Teammate = &request.Teammate{Email: r.Teammate.Email}
	}
	require.Equal(t, trace, r)
}

// A request with a mistyped URL, say, can be traced back to its ticket.
func TestParseKeepsWhatARefusalCanBeTracedBy(t *testing.T) {
	t.Parallel()
	const entityID, metadata = `"entity_id":" http://www.okta.com/exk1 "`, `"metadata":{"ticket":"OPS-1"}`
	document := quote(metadataDocument(t, newCertificate(t)))
	both := request.Request{EntityID: "http://www.okta.com/exk1", Metadata: map[string]string{"ticket": "OPS-1"}}
	for name, tt := range map[string]struct {
		json string
		want request.Request
	}{
		"a wrong field":                   {"{" + entityID + "," + metadata + `,"signin_url":"http://x"}`, both},
		"an unknown field":                {"{" + entityID + "," + metadata + `,"ticket":1}`, both},
		"malformed after them":            {"{" + entityID + "," + metadata + `,"name":"a"b"}`, both},
		"malformed before one":            {"{" + entityID + `,"name":"a"b",` + metadata + "}", request.Request{EntityID: both.EntityID}},
		"cut off in one":                  {"{" + metadata + "," + entityID[:20], request.Request{Metadata: both.Metadata}},
		"two objects":                     {"{" + entityID + "," + metadata + "}{}", both},
		"an entity id that is not valid":  {`{"entity_id":"a\u0000",` + metadata + "}", request.Request{Metadata: both.Metadata}},
		"an entity id of SendGrid":        {`{"entity_id":"https://api.sendgrid.com/",` + metadata + "}", request.Request{Metadata: both.Metadata}},
		"an entity id twice":              {"{" + entityID + "," + entityID + "," + metadata + "}", request.Request{Metadata: both.Metadata}},
		"metadata that is not valid":      {"{" + entityID + `,"metadata":{"ticket":1}}`, request.Request{EntityID: both.EntityID}},
		"metadata that is too large":      {"{" + entityID + `,"metadata":` + pairs(21) + "}", request.Request{EntityID: both.EntityID}},
		"metadata that is null":           {"{" + entityID + `,"metadata":null}`, request.Request{EntityID: both.EntityID}},
		"an entity id from SAML metadata": {`{"saml_metadata":` + document + "," + metadata + "}", request.Request{EntityID: metadataEntityID, Metadata: both.Metadata}},
		"a private key":                   {"{" + entityID + "," + metadata + `,"name":"-----BEGIN PRIVATE KEY-----"}`, request.Request{}},
		"no object":                       {"[]", request.Request{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(tt.json), time.Now())
			require.Error(t, err)
			require.Equal(t, tt.want, r)
		})
	}
}

// So can a request for a teammate with a mistyped scope.
func TestParseKeepsTheEmailOfARefusedTeammate(t *testing.T) {
	t.Parallel()
	const metadata = `"metadata":{"ticket":"OPS-1"}`
	for name, tt := range map[string]struct{ json, email string }{
		"a wrong field":              {`{"teammate":{"email":" Ada@Example.com ","scopes":[""]},` + metadata + `}`, "ada@example.com"},
		"an unknown field":           {`{"teammate":{"email":"ada@example.com","team":1},` + metadata + `}`, "ada@example.com"},
		"malformed after it":         {`{` + metadata + `,"teammate":{"email":"ada@example.com"},"x":"a"b"}`, "ada@example.com"},
		"an email that is not valid": {`{"teammate":{"email":"ada"},` + metadata + `}`, ""},
		"an email twice":             {`{"teammate":{"email":"ada@example.com","email":"b@example.com"},` + metadata + `}`, ""},
		"a teammate twice":           {`{"teammate":{"email":"ada@example.com"},"teammate":{"email":"b@example.com"},` + metadata + `}`, ""},
		"no email":                   {`{"teammate":{"first_name":"Ada"},` + metadata + `}`, ""},
		"no object":                  {`{"teammate":"ada@example.com",` + metadata + `}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(tt.json), time.Now())
			require.Error(t, err)
			require.Equal(t, request.Request{Teammate: &request.Teammate{Email: tt.email}, Metadata: map[string]string{"ticket": "OPS-1"}}, r)
		})
	}
	for _, text := range []string{`{"teammate":null,"state":1}`, `{"teammate":{"email":"ada@example.com","first_name":"-----BEGIN PRIVATE KEY-----"}}`} {
		r, err := request.Parse([]byte(text), time.Now())
		require.Error(t, err)
		require.Nil(t, r.Teammate, text)
	}
}

// sample returns the request that fields describes.
func sample() request.Request {
	return request.Request{
		Name:       "Okta",
		Enabled:    true,
		SigninURL:  "https://example.okta.com/app/exk1/sso/saml",
		SignoutURL: "https://example.okta.com/login/signout",
		EntityID:   "http://www.okta.com/exk1",
	}
}
