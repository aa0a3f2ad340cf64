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

// rule is a value for a field, and what is wrong with it; nothing if it is good.
type rule struct{ name, field, json, problem string }

func TestParseRules(t *testing.T) {
	t.Parallel()
	var all []rule
	for _, some := range [][]rule{nameRules(), urlRules("signin_url"), urlRules("signout_url"), entityIDRules(), metadataRules(), typeRules()} {
		all = append(all, some...)
	}
	all = append(all, rule{name: "empty", field: "signin_url", json: `""`, problem: "must not be empty"})
	for _, tt := range all {
		t.Run(tt.field+"/"+tt.name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(with(tt.field, tt.json)), time.Now())
			if tt.problem == "" {
				require.NoError(t, err)
				return
			}
			e := requireCode(t, problem.InvalidRequest, err)
			requireTrace(t, r)
			require.Len(t, e.Fields, 1)
			require.Equal(t, tt.field, e.Fields[0].Field)
			require.Contains(t, e.Fields[0].Message, tt.problem)
		})
	}
}

func nameRules() []rule {
	const field = "name"
	return []rule{
		{name: "one character", field: field, json: `"x"`},
		{name: "256 characters", field: field, json: quote(strings.Repeat("x", 256))},
		{name: "257 characters", field: field, json: quote(strings.Repeat("x", 257)), problem: "at most 256 characters, has 257"},
		{name: "256 characters of two bytes", field: field, json: quote(strings.Repeat("é", 256))},
		{name: "256 characters of four bytes", field: field, json: quote(strings.Repeat("😀", 256))},
		{name: "257 characters of four bytes", field: field, json: quote(strings.Repeat("😀", 257)), problem: "has 257"},
		{name: "256 characters after trimming", field: field, json: quote("  " + strings.Repeat("x", 256) + "\t")},
		{name: "white space within", field: field, json: quote("a b")},
		{name: "empty", field: field, json: `""`, problem: "must not be empty"},
		{name: "white space", field: field, json: `" \t\r\n\u00a0\u2003"`, problem: "must not be empty"},
		{name: "a line break within", field: field, json: `"a\nb"`, problem: "control characters"},
		{name: "NUL", field: field, json: `"a\u0000"`, problem: "control characters"},
		{name: "DEL", field: field, json: `"a\u007f"`, problem: "control characters"},
		{name: "a C1 control", field: field, json: `"a\u0085b"`, problem: "control characters"},
		{name: "the replacement character", field: field, json: `"a\ufffd"`, problem: "control characters"},
		{name: "half a surrogate pair", field: field, json: `"a\ud83d"`, problem: "control characters"},
	}
}

// urlRules are those that both URLs share.
func urlRules(field string) []rule {
	longest := "https://example.com/" + strings.Repeat("x", 2028)
	return []rule{
		{name: "with everything", field: field, json: `"https://sso.example.com:8443/a/b%20c?d=e&f=%2F#g"`},
		{name: "no path", field: field, json: `"https://example.com"`},
		{name: "upper case", field: field, json: `"HTTPS://EXAMPLE.COM/"`},
		{name: "an IPv6 host", field: field, json: `"https://[2001:db8::1]/"`},
		{name: "an international host", field: field, json: `"https://bücher.example/"`},
		{name: "2048 bytes", field: field, json: quote(longest)},
		{name: "2049 bytes", field: field, json: quote(longest + "x"), problem: "at most 2048 bytes, has 2049"},
		{name: "2049 bytes in fewer characters", field: field, json: quote(longest[:2047] + "é"), problem: "has 2049"},
		{name: "http", field: field, json: `"http://example.com/"`, problem: "https://"},
		{name: "another scheme", field: field, json: `"javascript:alert(1)"`, problem: "https://"},
		{name: "no scheme", field: field, json: `"example.com/sso"`, problem: "https://"},
		{name: "only a path", field: field, json: `"/sso"`, problem: "https://"},
		{name: "relative to a scheme", field: field, json: `"//example.com/sso"`, problem: "https://"},
		{name: "no host", field: field, json: `"https:///sso"`, problem: "host"},
		{name: "opaque", field: field, json: `"https:example.com"`, problem: "host"},
		{name: "only a port", field: field, json: `"https://:443/"`, problem: "host"},
		{name: "a user", field: field, json: `"https://user@example.com/"`, problem: "user name or password"},
		{name: "a password", field: field, json: `"https://user:secret@example.com/"`, problem: "user name or password"},
		{name: "an empty user", field: field, json: `"https://@example.com/"`, problem: "user name or password"},
		{name: "a space", field: field, json: `"https://example.com/a b"`, problem: "white space"},
		{name: "a space around", field: field, json: `" https://example.com/"`, problem: "white space"},
		{name: "a no-break space", field: field, json: `"https://example.com/\u00a0"`, problem: "white space"},
		{name: "a line break", field: field, json: `"https://example.com/\n"`, problem: "white space"},
		{name: "DEL", field: field, json: `"https://example.com/\u007f"`, problem: "control characters"},
		{name: "the replacement character", field: field, json: `"https://example.com/\ufffd"`, problem: "control characters"},
		{name: "a broken escape", field: field, json: `"https://example.com/%zz"`, problem: "absolute https URL"},
		{name: "a port that is none", field: field, json: `"https://example.com:port/"`, problem: "absolute https URL"},
		{name: "a backslash in the host", field: field, json: `"https://example.com\\@evil.example/"`, problem: "URL"},
	}
}

func TestParseAllowsNoSignoutURL(t *testing.T) {
	t.Parallel()
	r, err := request.Parse([]byte(with("signout_url", `""`)), time.Now())
	require.NoError(t, err)
	require.Empty(t, r.SignoutURL)

	_, err = request.Parse([]byte(with("signout_url", `" "`)), time.Now())
	requireCode(t, problem.InvalidRequest, err)
}

func entityIDRules() []rule {
	const field = "entity_id"
	return []rule{
		{name: "one character", field: field, json: `"x"`},
		{name: "a URN", field: field, json: `"urn:example:idp"`},
		{name: "Entra's", field: field, json: `"https://sts.windows.net/9c4f/"`},
		{name: "1024 characters", field: field, json: quote(strings.Repeat("x", 1024))},
		{name: "1025 characters", field: field, json: quote(strings.Repeat("x", 1025)), problem: "at most 1024 characters, has 1025"},
		{name: "1024 characters of three bytes", field: field, json: quote(strings.Repeat("語", 1024))},
		{name: "1025 characters of three bytes", field: field, json: quote(strings.Repeat("語", 1025)), problem: "has 1025"},
		{name: "empty", field: field, json: `""`, problem: "must not be empty"},
		{name: "a space within", field: field, json: `"Example Org IdP"`},
		{name: "1024 characters after trimming", field: field, json: quote(" " + strings.Repeat("x", 1024) + "\n")},
		{name: "white space", field: field, json: `" \t\n"`, problem: "must not be empty"},
		{name: "a tab within", field: field, json: `"urn:\tidp"`, problem: "control characters"},
		{name: "a line break within", field: field, json: `"urn:\nidp"`, problem: "control characters"},
		{name: "NUL", field: field, json: `"urn:\u0000"`, problem: "control characters"},
		{name: "the replacement character", field: field, json: `"urn:\ufffd"`, problem: "control characters"},
		{name: "half a surrogate pair", field: field, json: `"urn:\udc00"`, problem: "control characters"},
	}
}

func metadataRules() []rule {
	const field = "metadata"
	return []rule{
		{name: "null", field: field, json: "null"},
		{name: "empty", field: field, json: "{}"},
		{name: "an empty value", field: field, json: `{"ticket":""}`},
		{name: "20 pairs", field: field, json: pairs(20)},
		{name: "21 pairs", field: field, json: pairs(21), problem: "at most 20 pairs, has 21"},
		{name: "a key of 64 characters", field: field, json: "{" + quote(strings.Repeat("é", 64)) + `:"x"}`},
		{name: "a key of 65 characters", field: field, json: "{" + quote(strings.Repeat("é", 65)) + `:"x"}`, problem: "at most 64 characters"},
		{name: "an empty key", field: field, json: `{"":"x"}`, problem: "empty key"},
		{name: "a value of 256 characters", field: field, json: `{"ticket":` + quote(strings.Repeat("😀", 256)) + "}"},
		{name: "a value of 257 characters", field: field, json: `{"ticket":` + quote(strings.Repeat("😀", 257)) + "}", problem: `at most 256 characters; that of "ticket"`},
		{name: "a number in it", field: field, json: `{"a":"x","ticket":42}`, problem: `"ticket" is a number`},
		{name: "null in it", field: field, json: `{"ticket":null}`, problem: `"ticket" is null`},
		{name: "an object in it", field: field, json: `{"ticket":{}}`, problem: `"ticket" is an object`},
		{name: "a key twice", field: field, json: `{"ticket":"x","ticket":"x"}`, problem: `"ticket" is there twice`},
		{name: "an array", field: field, json: `[["ticket","x"]]`, problem: "not an array"},
		{name: "a string", field: field, json: `"ticket"`, problem: "not a string"},
		{name: "a boolean", field: field, json: `true`, problem: "not a boolean"},
	}
}

// typeRules are the wrong types of every other field; null is a field that is missing.
func typeRules() []rule {
	values := []struct{ kind, json string }{
		{kind: "a number", json: "1"},
		{kind: "an object", json: "{}"},
		{kind: "an array", json: `["https://example.com"]`},
		{kind: "a string", json: `"true"`},
		{kind: "a boolean", json: "true"},
		{kind: "null", json: "null"},
	}
	var rules []rule
	for _, field := range []string{"name", "enabled", "signin_url", "signout_url", "entity_id", "completed_integration"} {
		wanted := "a string"
		if field == "enabled" || field == "completed_integration" {
			wanted = "a boolean"
		}
		for _, v := range values {
			problem := "not " + v.kind
			switch {
			case v.kind == "null" && field == "completed_integration":
				problem = ""
			case v.kind == "null":
				problem = "is required"
			case v.kind == wanted:
				continue
			}
			rules = append(rules, rule{name: v.kind, field: field, json: v.json, problem: problem})
		}
	}
	return rules
}

// pairs returns a metadata object of so many pairs.
func pairs(count int) string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf(`"key %d":"value"`, i))
	}
	return "{" + strings.Join(all, ",") + "}"
}
