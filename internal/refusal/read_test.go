package refusal_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
)

const document = `<?xml version="1.0"?><Response>ÿ~?>ÿ~?>ûûû~~~>>></Response>`

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func deflated(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	require.NoError(t, err)
	_, err = w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestRead(t *testing.T) {
	t.Parallel()
	encoded := inBase64(document)
	lines := encoded[:20] + "\r\n" + encoded[20:40] + "\n  " + encoded[40:]
	for name, pasted := range map[string]string{
		"XML":                        document,
		"XML with a byte order mark": "\uFEFF" + document,
		"white space around XML":     "\n  " + document + "\n",
		"base64":                     encoded,
		"base64 in lines":            lines,
		"base64 in quotes":           `"` + encoded + `"` + "\n",
		"base64 without padding":     strings.TrimRight(encoded, "="),
		"base64 for URLs":            base64.URLEncoding.EncodeToString([]byte(document)),
		"base64 with a zero width":   encoded[:9] + "\u200b" + encoded[9:],
		"escaped for a URL":          url.QueryEscape(encoded),
		"lines, escaped for a URL":   url.QueryEscape(lines),
		"XML, escaped for a URL":     url.PathEscape(document),
		"a form":                     "SAMLResponse=" + url.QueryEscape(encoded) + "&RelayState=x",
		"the end of a form":          "RelayState=x&SAMLResponse=" + url.QueryEscape(encoded),
		"compressed":                 deflated(t, document),
		"a request, compressed":      "https://idp.example/sso?SAMLRequest=" + url.QueryEscape(deflated(t, document)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := refusal.Read([]byte(pasted))
			require.NoError(t, err)
			require.Equal(t, document, string(got))
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ pasted, want string }{
		"nothing":         {"", "it is empty"},
		"white space":     {" \n\"", "it is empty"},
		"words":           {"I cannot log in!", "neither XML nor base64"},
		"a cut":           {inBase64(document)[:41], "the last ones are missing"},
		"a broken escape": {"PH%3", "begins no escape"},
		"other base64":    {inBase64("a certificate"), "not that of XML"},
		"too long":        {strings.Repeat("A", refusal.MaxBytes+1), "more than 1048576 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := refusal.Read([]byte(tt.pasted))
			require.ErrorContains(t, err, tt.want)
		})
	}
}
