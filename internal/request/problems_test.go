package request_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// problemsOf returns what is wrong with a request that is JSON.
func problemsOf(t *testing.T, json string) []problem.FieldError {
	t.Helper()
	_, err := request.Parse([]byte(json), time.Now())
	return requireCode(t, problem.InvalidRequest, err).Fields
}

func TestParseNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	required := []problem.FieldError{
		{Field: "name", Message: "is required"},
		{Field: "enabled", Message: "is required"},
		{Field: "signin_url", Message: "is required"},
		{Field: "signout_url", Message: `is required; send "" if the identity provider has no single logout`},
		{Field: "entity_id", Message: "is required"},
	}
	require.Equal(t, required, problemsOf(t, "{}"))
	require.Equal(t, required, problemsOf(t,
		`{"metadata":null,"entity_id":null,"signout_url":null,"completed_integration":null,"signin_url":null,"enabled":null,"name":null}`))
	for _, missing := range required {
		values := fields()
		delete(values, missing.Field)
		require.Equal(t, []problem.FieldError{missing}, problemsOf(t, object(values)))
	}
}

// Every problem is reported at once, in the order of the fields, whatever that of the
// request; what is unknown comes last.
func TestParseNamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	json := `{
		"zzz": 1, "metadata": [], "entity_id": "", "completed_integration": "no", "signout_url": "http://example.com",
		"signin_url": "https://user@example.com", "enabled": "true", "aaa": 1, "name": "", "name": "Okta"
	}`
	_, err := request.Parse([]byte(json), time.Now())
	e := requireCode(t, problem.InvalidRequest, err)
	require.Contains(t, e.Message, "9 fields")
	var names []string
	for _, f := range e.Fields {
		names = append(names, f.Field)
		require.Contains(t, e.Public(), f.Field+": "+f.Message)
	}
	require.Equal(t, []string{
		"name", "enabled", "signin_url", "signout_url", "entity_id", "completed_integration", "metadata", "zzz", "aaa",
	}, names)
}

func TestParseRefusesAFieldThatIsGivenTwice(t *testing.T) {
	t.Parallel()
	good := object(fields())
	for _, field := range []string{"name", "enabled", "signin_url", "signout_url", "entity_id"} {
		twice := good[:len(good)-1] + "," + quote(field) + ":" + fields()[field] + "}"
		require.Equal(t, []problem.FieldError{{Field: field, Message: "must be given only once"}}, problemsOf(t, twice), "even with one value")
	}
	thrice := `{"name":null,"name":1,"name":"Okta",` + good[1:]
	require.Equal(t, []problem.FieldError{{Field: "name", Message: "must be given only once"}}, problemsOf(t, thrice))
}

func TestParseRefusesUnknownFields(t *testing.T) {
	t.Parallel()
	tests := []struct{ field, suggestion string }{
		{field: "signinUrl", suggestion: "signin_url"},
		{field: "SigninURL", suggestion: "signin_url"},
		{field: "signout-url", suggestion: "signout_url"},
		{field: "Entity Id", suggestion: "entity_id"},
		{field: "Name", suggestion: "name"},
		{field: "ENABLED", suggestion: "enabled"},
		{field: "completedIntegration", suggestion: "completed_integration"},
		{field: "meta_data", suggestion: "metadata"},
		{field: "ticket"},
		{field: "accounting"},
		{field: "id"},
		{field: "idempotency_key"},
		{field: ""},
		// Names in other systems, in their spelling.
		{field: "public_cert", suggestion: "public_certificate"},
		{field: "certificate", suggestion: "public_certificate"},
		{field: "x509", suggestion: "public_certificate"},
		{field: "X.509 Certificate", suggestion: "public_certificate"},
		{field: "Certificate (Base64)", suggestion: "public_certificate"},
		{field: "sso_url", suggestion: "signin_url"},
		{field: "Embed Link", suggestion: "signin_url"},
		{field: "Login URL", suggestion: "signin_url"},
		{field: "Identity Provider Single Sign-On URL", suggestion: "signin_url"},
		{field: "logout_url", suggestion: "signout_url"},
		{field: "Single Logout URL", suggestion: "signout_url"},
		{field: "issuer", suggestion: "entity_id"},
		{field: "SAML Issuer ID", suggestion: "entity_id"},
		{field: "Identity Provider Issuer", suggestion: "entity_id"},
		{field: "Azure AD Identifier", suggestion: "entity_id"},
		{field: "Microsoft Entra Identifier", suggestion: "entity_id"},
		{field: "App Federation Metadata Url", suggestion: "saml_metadata_url"},
		{field: "Federation Metadata XML", suggestion: "saml_metadata"},
		{field: "ifExists", suggestion: "if_exists"},
		// Misspelt names, and names in other systems.
		{field: "certifcate", suggestion: "public_certificate"},
		{field: "x509certifcate", suggestion: "public_certificate"},
		{field: "enabeld", suggestion: "enabled"},
		{field: "signin_ulr", suggestion: "signin_url"},
		{field: "saml_metdata_url", suggestion: "saml_metadata_url"},
		{field: "note"},
	}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			t.Parallel()
			problems := problemsOf(t, with(tt.field, `"marker"`))
			require.Len(t, problems, 1)
			require.Equal(t, tt.field, problems[0].Field)
			want := "is not a field of a request; remove it, or put it into metadata"
			if tt.suggestion != "" {
				want = "is not a field of a request; did you mean " + tt.suggestion + "?"
			}
			require.Equal(t, want, problems[0].Message)
		})
	}
}

// Advice to put these into metadata would create the connection in the wrong account, or log a key.
func TestParseSaysWhatDecidesTheAccountAndTheKey(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"subuser": "stack of the account", "on-behalf-of": "stack of the account", "accountId": "stack of the account", "region": "stack of the account",
		"acount_id": "stack of the account", "sendgrid_api_kye": "its own secret",
		"api_key": "its own secret with the API key", "SendGridApiKey": "its own secret", "Authorization": "its own secret",
	} {
		problems := problemsOf(t, with(field, `"SG.marker"`))
		require.Len(t, problems, 1)
		require.Contains(t, problems[0].Message, want, field)
		require.NotContains(t, problems[0].Message, "into metadata", field)
		require.NotContains(t, problems[0].Message, "marker", field)
	}
}

func TestParseClipsTheNamesOfUnknownFields(t *testing.T) {
	t.Parallel()
	problems := problemsOf(t, with(strings.Repeat("ä", 64), "1"))
	require.Equal(t, strings.Repeat("ä", 64), problems[0].Field)
	problems = problemsOf(t, with(strings.Repeat("ä", 65), "1"))
	require.Equal(t, strings.Repeat("ä", 64)+"…", problems[0].Field)

	problems = problemsOf(t, with("metadata", "{"+quote(strings.Repeat("ä", 65))+":1}"))
	require.Contains(t, problems[0].Message, strings.Repeat("ä", 64)+"…")
	require.NotContains(t, problems[0].Message, strings.Repeat("ä", 65))
}

// A response does not grow with nonsense.
func TestParseReportsNoMoreThanHelps(t *testing.T) {
	t.Parallel()
	unknown := func(count int) string {
		values := fields()
		for i := range count {
			values[fmt.Sprintf("unknown%d", i)] = "1"
		}
		return object(values)
	}
	require.Len(t, problemsOf(t, unknown(30)), 30)
	for _, count := range []int{31, 2000} {
		problems := problemsOf(t, unknown(count))
		require.Len(t, problems, 31)
		require.Equal(t, problem.FieldError{Message: fmt.Sprintf("and %d more problems", count-30)}, problems[30])
	}
}

// What has no field in common with a request is most likely an event of another source.
func TestParseTellsAStrangeEventFromARequest(t *testing.T) {
	t.Parallel()
	_, err := request.Parse([]byte(`{"Records":[{"eventSource":"aws:s3"}]}`), time.Now())
	e := requireCode(t, problem.InvalidRequest, err)
	require.Contains(t, e.Message, "neither a request nor an event")
	require.Contains(t, e.Message, "name, enabled, signin_url, signout_url, entity_id")
	require.Equal(t, "Records", e.Fields[0].Field)
	require.Len(t, e.Fields, 1, "what is missing would mislead")
}

// No response repeats what a request holds: it may be logged by whoever gets it.
func TestParseRepeatsNoValues(t *testing.T) {
	t.Parallel()
	const marker = "hunter2"
	values := []string{
		`"` + marker + `"`, `"https://` + marker + `@example.com"`, `"https://example.com/` + marker + ` "`,
		`"https://example.com/%zz` + marker + `"`, `"https://` + marker + `:port/"`, `"` + marker + `://example.com"`,
		`["` + marker + `"]`, `{"` + marker + `"`, `{"ticket":["` + marker + `"]}`, `"` + marker + `\u0000"`,
		`"` + marker + strings.Repeat("x", 3000) + `"`, `{"ticket":"` + marker + strings.Repeat("x", 300) + `"}`,
		marker, `"` + marker, `"` + marker + `" "` + marker + `"`,
	}
	refused := 0
	for _, value := range values {
		for _, field := range []string{"name", "enabled", "signin_url", "signout_url", "entity_id", "completed_integration", "metadata", "unknown"} {
			_, err := request.Parse([]byte(with(field, value)), time.Now())
			if err == nil {
				continue
			}
			refused++
			require.NotContains(t, err.Error(), marker, "%s: %s", field, value)
			require.NotContains(t, problem.From(err).Public(), marker, "%s: %s", field, value)
		}
	}
	require.Greater(t, refused, 100)
	for _, document := range append(values, object(fields())+marker) {
		_, err := request.Parse([]byte(document), time.Now())
		require.Error(t, err)
		require.NotContains(t, err.Error(), marker, document)
	}
}
