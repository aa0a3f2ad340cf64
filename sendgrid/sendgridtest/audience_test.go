package sendgridtest

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCheckAudiences(t *testing.T) {
	t.Parallel()
	const one, other, right = "<a:Audience>urn:one</a:Audience>", "<a:Audience>urn:other</a:Audience>", "<a:Audience> urn:sendgrid\n</a:Audience>"
	response := func(restrictions ...string) []byte {
		text := `<Response xmlns:a="urn:oasis:names:tc:SAML:2.0:assertion"><a:Assertion><a:Conditions>`
		for _, r := range restrictions {
			text += "<a:AudienceRestriction>" + r + "</a:AudienceRestriction>"
		}
		return []byte(text + "</a:Conditions></a:Assertion></Response>")
	}
	for name, tt := range map[string]struct {
		response []byte
		refusal  string
	}{
		"the only one":               {response(right), ""},
		"the first of several":       {response(right + other), ""},
		"the last of several":        {response(one + other + right), ""},
		"none of several":            {response(one + other), `the audience is "urn:one urn:other"`},
		"in one restriction of two":  {response(right, one), `the audience is "urn:one"`},
		"in each of two":             {response(right, one+right), ""},
		"a restriction without any":  {response(""), `the audience is ""`},
		"what cannot be read at all": {[]byte("<"), "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkAudiences(tt.response, "urn:sendgrid")
			if tt.refusal == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.refusal)
		})
	}
}
