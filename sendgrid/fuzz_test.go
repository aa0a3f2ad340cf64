package sendgrid

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func FuzzParseErrorBody(f *testing.F) {
	for _, seed := range []string{
		`[{"message":"required","field":"name","error_id":"e1"}]`,
		`[{"message":"m","field":null,"error_id":""}]`,
		`["m",null,1,true,{},[]]`,
		`{"errors":[{"field":null,"message":"access forbidden"}]}`,
		`{"errors":["m"],"error":"n"}`,
		`{"errors":null,"error":{"message":"m"}}`,
		`{"error":"m"}`,
		`{"error":""}`,
		`{"errors":{"entity_id":["already taken"],"name":"too long","a":[{"message":"m","field":"b"}]}}`,
		`{"message":"m"}`,
		`{"message":"<p>"}`,
		`["1","2","3","4","5","6","7","8","9","10","11","12","13","14","15","16","17","18","19","20","21"]`,
		"[\"\xff\\ud800\"]",
		`<html><body>Bad gateway</body></html>`,
		`null`,
		``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		found := parseErrorBody(body)
		require.LessOrEqual(t, len(found), maxFieldErrors)
		for _, each := range found {
			require.NotEmpty(t, each.Message)
			require.True(t, utf8.ValidString(each.Field+each.Message+each.ID))
			require.LessOrEqual(t, len(clip(each.Message)), maxMessageBytes+len("…"))
			require.True(t, utf8.ValidString(clip(each.Message)))
		}
	})
}

// A row that has an entity id must not get lost, or the integration would be made again.
func FuzzLists(f *testing.F) {
	for _, seed := range []string{
		`[{"id":"1","entity_id":"e","name":"n","enabled":true,"last_updated":1.5e9}]`,
		`[{"id":1,"entity_id":"e","name":7},{"entity_id":null},{},{"id":"2"}]`,
		`[{"entity_id":"\ud800"},{"entity_id":5}]`,
		`[null]`, `[{}]`, `[]`, `null`, `{}`, `"x"`, `[[]]`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Add([]byte(`[{"id":66138975,"public_certificate":"x","not_before":1621289880,"not_after":1e99,"intergration_id":"a"}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var certificates certificateList
		if json.Unmarshal(body, &certificates) == nil {
			for _, c := range certificates {
				require.LessOrEqual(t, len(c.ID)+len(c.IntegrationID)+len(c.PublicCertificate), 2*maxIDBytes+maxPEMBytes)
			}
		}
		var list integrationList
		if json.Unmarshal(body, &list) != nil {
			return
		}
		var rows []map[string]any
		require.NoError(t, json.Unmarshal(body, &rows), "what is accepted is an array of objects")
		require.Len(t, list, len(rows))
		for i, row := range rows {
			if id, _ := row["entity_id"].(string); len(id) <= maxTextBytes {
				require.Equal(t, id, list[i].EntityID)
			}
			for _, text := range []string{list[i].Name, list[i].SigninURL, list[i].SignoutURL, list[i].AudienceURL, list[i].ID} {
				require.LessOrEqual(t, len(text), maxTextBytes)
			}
			_, err := json.Marshal(list[i])
			require.NoError(t, err)
		}
	})
}

// A row that has an email must not get lost, or the teammate would count as missing. Who is not
// literally an SSO teammate must not become one.
func FuzzTeammates(f *testing.F) {
	for _, seed := range []string{
		`{"result":[{"username":"u","email":"e","first_name":"f","last_name":"l","user_type":"admin","is_admin":true,"is_sso":true,"scopes":["a"]}]}`,
		`{"result":[{"email":"e","is_sso":1,"scopes":[1,null,"\ud800"]},{},{"username":null},{"email":7}]}`,
		`{"results":[{"email":"e","has_restricted_subuser_access":true,"subuser_access":[{"id":1,"scopes":["a"]},{"id":"2"},null,[]]}]}`,
		`{"result":null}`, `{"result":[null]}`, `{"result":{}}`, `{}`, `[]`, `null`, `"x"`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var page teammatePage
		if json.Unmarshal(body, &page) != nil {
			return
		}
		var document map[string][]map[string]any
		var fields map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &fields))
		name := "result"
		if _, listed := fields[name]; !listed {
			name = "results"
		}
		rows, err := json.Marshal(map[string]json.RawMessage{"rows": fields[name]})
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(rows, &document), "what is accepted is an array of objects")
		require.Len(t, page, len(document["rows"]))
		for i, row := range document["rows"] {
			if email, _ := row["email"].(string); len(email) <= maxIDBytes {
				require.Equal(t, email, page[i].Email)
			}
			require.Equal(t, row["is_sso"] == true, page[i].SSO())
			require.LessOrEqual(t, max(len(page[i].Username), len(page[i].UserType)), maxIDBytes)
			require.LessOrEqual(t, max(len(page[i].FirstName), len(page[i].LastName)), maxTextBytes)
			for _, scope := range page[i].Scopes {
				require.True(t, scope != "" && len(scope) <= maxIDBytes)
			}
			kept, err := json.Marshal(page[i])
			require.NoError(t, err)
			var again Teammate
			require.NoError(t, json.Unmarshal(kept, &again))
			require.Equal(t, page[i], again)
		}
	})
}

// A response that is accepted says whether the teammate is restricted, and each entry is about a
// subuser.
func FuzzSubusers(f *testing.F) {
	for _, seed := range []string{
		`{"has_restricted_subuser_access":true,"subuser_access":[{"id":1,"username":"u","permission_type":"admin","scopes":[]}],"_metadata":{"next_params":{"after_subuser_id":1}}}`,
		`{"has_restricted_subuser_access":false,"_metadata":{"next_params":{"after_subuser_id":"1e3"}}}`,
		`{"subuser_access":[null,{},{"id":1e99},{"id":-1},{"username":"u"}],"_metadata":[]}`,
		`[{"id":1,"username":"u","email":"e","disabled":false},{}]`,
		`{"has_restricted_subuser_access":null}`, `[null]`, `[{}]`, `[]`, `null`, `{}`, ``,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var list subuserList
		if json.Unmarshal(body, &list) == nil {
			for _, each := range list {
				require.GreaterOrEqual(t, each.ID, int64(0))
				require.LessOrEqual(t, max(len(each.Username), len(each.Email)), maxIDBytes)
			}
		}
		var page subuserAccessPage
		if json.Unmarshal(body, &page) != nil {
			return
		}
		var fields map[string]any
		require.NoError(t, json.Unmarshal(body, &fields))
		restricted, said := fields["has_restricted_subuser_access"].(bool)
		_, listed := fields["subuser_access"].([]any)
		require.True(t, said || listed)
		require.Equal(t, restricted || !said && len(page.rows) > 0, page.restricted)
		require.LessOrEqual(t, len(page.after), maxIDBytes)
		for _, each := range page.rows {
			require.True(t, each.identified())
			kept, err := json.Marshal(each)
			require.NoError(t, err)
			var again SubuserAccess
			require.NoError(t, json.Unmarshal(kept, &again))
			require.Equal(t, each, again)
		}
	})
}

func FuzzParseRateLimit(f *testing.F) {
	f.Add("500", "499", "1700000060", "")
	f.Add("500", "0", "1699999990", "30")
	f.Add("", "", "", "86400")
	f.Add("-1", "-1", "-1", "-1")
	f.Add("many", "1.5", "soon", "Tue, 14 Nov 2023 22:14:20 GMT")
	f.Add("9223372036854775807", "99999999999999999999", "9223372036854775807", "9223372036854775807")
	f.Add("0x10", " 1", "-9223372036854775808", "+7")
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, limit, remaining, reset, retryAfter string) {
		got := parseRateLimit(http.Header{
			"X-Ratelimit-Limit":     {limit},
			"X-Ratelimit-Remaining": {remaining},
			"X-Ratelimit-Reset":     {reset},
			"Retry-After":           {retryAfter},
		}, http.StatusTooManyRequests, now)
		if got == (RateLimit{}) {
			return
		}
		require.True(t, got.Remaining >= 0 && got.Remaining <= got.Limit, "%+v", got)
		require.True(t, got.Reset.After(now) && !got.Reset.After(now.Add(maxTrust)), "%+v", got)
	})
}
