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
