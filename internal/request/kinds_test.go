package request_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
)

func TestParseOtherKinds(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text  string
		want  request.Request
		wrong map[string]string // By field.
	}{
		"absent":               {text: `{"state":"absent","entity_id":" urn:1 "}`, want: request.Request{Kind: request.Absent, EntityID: "urn:1"}},
		"absent, in full":      {text: `{"state":"absent","entity_id":"urn:1","metadata":{"a":"b"},"dry_run":true}`, want: request.Request{Kind: request.Absent, EntityID: "urn:1", DryRun: true, Metadata: map[string]string{"a": "b"}}},
		"absent, by match":     {text: `{"state":"absent","match":{"okta_app":"0oa1"}}`, want: request.Request{Kind: request.Absent, Match: map[string]string{"okta_app": "0oa1"}}},
		"absent, of nothing":   {text: `{"state":"absent"}`, wrong: map[string]string{"entity_id": "is required"}},
		"absent, of both":      {text: `{"state":"absent","entity_id":"urn:1","match":{"okta_app":"0oa1"}}`, wrong: map[string]string{"match": "send one of them"}},
		"absent, and more":     {text: `{"state":"absent","entity_id":"urn:1","name":"Okta","if_exists":"update"}`, wrong: map[string]string{"name": `together with state: "absent"`, "if_exists": "takes only state, entity_id"}},
		"absent, by another":   {text: `{"state":"absent","match":{"ticket":"1"}}`, wrong: map[string]string{"match": "okta_app and entra_app"}},
		"absent, by two":       {text: `{"state":"absent","match":{"okta_app":"1","entra_app":"2"}}`, wrong: map[string]string{"match": "must have one of"}},
		"another state":        {text: `{"state":"gone","entity_id":"urn:1"}`, wrong: map[string]string{"state": `"present" or "absent"`}},
		"forgotten":            {text: `{"managed":false,"entity_id":"urn:1"}`, want: request.Request{Kind: request.Forget, EntityID: "urn:1"}},
		"forgotten, and more":  {text: `{"managed":false,"entity_id":"urn:1","metadata":{}}`, wrong: map[string]string{"metadata": "together with managed: false"}},
		"managed":              {text: `{"managed":true,"entity_id":"urn:1"}`, wrong: map[string]string{"managed": "must be false"}},
		"match, and present":   {text: strings.Replace(full, `{`, `{"match":{"okta_app":"1"},`, 1), wrong: map[string]string{"match": `needs state: "absent"`}},
		"removal, not updated": {text: strings.Replace(full, `{`, `{"remove_certificates":["`+strings.Repeat("a", 64)+`"],`, 1), wrong: map[string]string{"remove_certificates": "if_exists"}},
		"removal of no hash":   {text: strings.Replace(full, `{`, `{"if_exists":"update","remove_certificates":["66138975"],`, 1), wrong: map[string]string{"remove_certificates": "SHA-256"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := request.Parse([]byte(tt.text), time.Now())
			if tt.wrong == nil {
				require.NoError(t, err)
				require.Equal(t, tt.want, got)
				return
			}
			var e *problem.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, problem.InvalidRequest, e.Code)
			found := map[string]string{}
			for _, f := range e.Fields {
				found[f.Field] = f.Message
			}
			for field, message := range tt.wrong {
				require.Contains(t, found[field], message)
			}
			if !strings.HasSuffix(name, "present") && !strings.HasPrefix(name, "removal") {
				require.Subset(t, []string{"name", "if_exists", "entity_id", "match", "state", "metadata", "managed", "signin_url", "signout_url", "enabled"}, keysOf(found))
			}
		})
	}
}

const full = `{"name":"Okta","enabled":true,"signin_url":"https://idp.example/sso","signout_url":"","entity_id":"urn:1"}`

func keysOf(m map[string]string) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// A hash is accepted as people copy it.
func TestParseRemoveCertificates(t *testing.T) {
	t.Parallel()
	colons := strings.TrimSuffix(strings.Repeat("AB:", 32), ":")
	got, err := request.Parse([]byte(strings.Replace(full, `{`, `{"if_exists":"update","remove_certificates":["`+colons+`","`+strings.Repeat("ab", 32)+`"],`, 1)), time.Now())
	require.NoError(t, err)
	require.Equal(t, []string{strings.Repeat("ab", 32)}, got.RemoveCertificates)
}
