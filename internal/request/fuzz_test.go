package request_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

// encode returns a request as JSON, as short as it can be.
func encode(t *testing.T, r request.Request) []byte {
	t.Helper()
	values := map[string]any{}
	for name, value := range map[string]any{
		"name": r.Name, "enabled": r.Enabled, "signin_url": r.SigninURL, "signout_url": r.SignoutURL, "entity_id": r.EntityID,
	} {
		if r.Teammate == nil && (r.Kind == request.Present || name == "entity_id" && r.Match == nil) {
			values[name] = value
		}
	}
	if r.Match != nil {
		values["match"] = r.Match
	}
	if r.Teammate != nil {
		values["teammate"] = r.Teammate
	}
	switch r.Kind {
	case request.Present:
	case request.Absent:
		values["state"] = "absent"
	case request.Forget:
		values["managed"] = false
	}
	if r.DryRun {
		values["dry_run"] = true
	}
	if r.IfExists != request.ReportConflict {
		values["if_exists"] = r.IfExists
	}
	if r.CompletedIntegration != nil {
		values["completed_integration"] = *r.CompletedIntegration
	}
	if r.Metadata != nil {
		values["metadata"] = r.Metadata
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(values))
	return b.Bytes()
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		object(fields()),
		with("completed_integration", "true"),
		with("metadata", `{"ticket":"OPS-1","":"\ud800"}`),
		with("metadata", pairs(21)),
		with("name", `" \u0000\ufffd "`),
		with("signin_url", `"https://user@[::1]:443/%zz"`),
		with("entity_id", `"\u2028"`),
		with("signinUrl", "{}"),
		object(fields()) + "{}",
		`{"name":null,"name":1,"enabled":0,"signin_url":[],"metadata":{"a":1,"a":2}}`,
		person(`,"persona":"observer"`, `,"if_exists":"update"`), `{"state":"absent","teammate":{"email":"a@b.c"}}`, `{"state":"absent","match":{"okta_app":"1"}}`,
		person(`,"subuser_access":[{"subuser":"7","permission_type":"restricted","scopes":["a.b"]}]`, ""), `{"managed":false,"entity_id":"urn:1"}`,
		`{"Records":[]}`, `{`, `{}`, `[]`, `"`, `null`, `-`, ``, "\xff", "\ufeff{}", " {\"a\":\r\n1 , } ",
		"\ufeff" + object(fields()), "\xff\xfe{\x00}\x00", "{\u201cname\u201d: 1}", `{'name': 1}`, `{"name": "Okta "prod""}`, "{\"name\": \"a\nb\"}",
		`{"name": nil}`, `{"note": "-----BEGIN PRIVATE KEY-----\nMIIE"}`, `{\"name\": 1}`, `{{request}}`, "# x\n{}", "name: Okta", "{}{}", `{"name": "\`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := request.Parse(data, time.Now())
		if err == nil {
			again, err := request.Parse(encode(t, r), time.Now())
			require.NoError(t, err)
			require.Equal(t, r, again)
			return
		}
		requireTrace(t, r)
		e, ok := err.(*problem.Error) //nolint:errorlint // It is documented to be one, not to wrap one.
		require.True(t, ok)
		require.Contains(t, []problem.Code{problem.InvalidJSON, problem.PayloadTooLarge, problem.InvalidRequest}, e.Code)
		require.Equal(t, e.Code == problem.InvalidRequest && !e.Secret, len(e.Fields) > 0)
		require.LessOrEqual(t, len(e.Fields), 31)
		require.NotEmpty(t, e.Public())
		require.False(t, e.Retryable())
		for _, field := range e.Fields {
			require.NotEmpty(t, field.Message)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	body := []byte(with("name", `"Okta"`))
	_, err := request.Parse(body, time.Now())
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := request.Parse(body, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
