package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

// explainFrom runs the command against a simulator, with a response on standard input.
func explainFrom(t *testing.T, sg *sendgridtest.Server, pasted string, args ...string) (out, logs string, err error) {
	t.Helper()
	sg.SetKeys(apiKey)
	server := httptest.NewServer(sg)
	t.Cleanup(server.Close)
	getenv := func(name string) string {
		return map[string]string{"SENDGRID_API_KEY": apiKey, "SENDGRID_BASE_URL": server.URL}[name]
	}
	var o, l output
	err = run(t.Context(), append([]string{"explain"}, args...), getenv, strings.NewReader(pasted), &o, &l)
	for _, text := range []string{o.String(), l.String(), errorText(err)} {
		require.NotContains(t, text, apiKey)
		require.Less(t, len(text), 8000, "a response is longer")
	}
	for _, r := range sg.Requests() {
		require.False(t, r.Op.Writes())
	}
	return o.String(), l.String(), err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func inBase64(response []byte) string { return base64.StdEncoding.EncodeToString(response) }

func TestExplain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		response string
		want     []string
		refused  bool
	}{
		"right":                      {"accepted", []string{`it logs in "ada@example.com"`, "just-in-time", "when it was issued"}, false},
		"not a response":             {"a request", []string{"NotAResponse"}, true},
		"the certificate of another": {"a key of another integration", []string{"CertificateUnknown", `it is that of the integration "Entra" (`}, true},
		"the certificate of nobody":  {"another key", []string{"no other integration of the account has it"}, true},
		"all that is wrong":          {"much of it", []string{"IntegrationDisabled", "IssuerDiffers", "RecipientDiffers", "AudienceDiffers", "CertificateUnknown", "SignatureWrong", "ResponseExpired", "NameIDNotEmail"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := logintest.Cases()[tt.response].Make(t)
			out, _, err := explainFrom(t, w.Server, inBase64(response), "-connection", w.Integration.ID)
			for _, want := range tt.want {
				require.Contains(t, out, want)
			}
			require.NotContains(t, out, inBase64(response)[:60])
			require.NotContains(t, out, "<")
			if tt.refused {
				require.ErrorContains(t, err, "reason(s)")
				return
			}
			require.NoError(t, err)
			require.Len(t, w.Server.Requests(), 2, "one list, and the certificates of one")
		})
	}
}

// The connection is found by what people call it.
func TestExplainNames(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		called func(*logintest.World) string
		want   string
	}{
		"its id":               {func(w *logintest.World) string { return w.Integration.ID }, ""},
		"its entity id":        {func(*logintest.World) string { return logintest.EntityID }, ""},
		"its name":             {func(*logintest.World) string { return "Okta" }, ""},
		"its name in capitals": {func(*logintest.World) string { return "OKTA" }, ""},
		"the name of two":      {func(*logintest.World) string { return "Twin" }, `give -connection the id of one of them: "Twin" (`},
		"the name of none":     {func(*logintest.World) string { return "x" }, `it has 3: "Okta" (`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := logintest.New(t)
			w.Add("Twin", "urn:one")
			w.Add("Twin", "urn:two")
			out, _, err := explainFrom(t, w.Server, inBase64(w.Respond(w.Right)), "-connection", tt.called(w))
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				require.Empty(t, out)
				return
			}
			require.NoError(t, err)
		})
	}
}

// A response in a file, in each form, and the connection in another: then nobody is called.
func TestExplainOffline(t *testing.T) {
	t.Parallel()
	w := logintest.New(t)
	response := w.Respond(w.Right)
	connection := filepath.Join(t.TempDir(), "connection.json")
	text, err := json.Marshal(map[string]any{
		"integration":  w.Integration,
		"certificates": []sendgrid.Certificate{w.Certificate.Certificate},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(connection, text, 0o600))
	for name, form := range map[string]string{
		"base64":  inBase64(response),
		"escaped": url.QueryEscape(inBase64(response)),
		"XML":     string(response),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "response.txt")
			require.NoError(t, os.WriteFile(file, []byte(form), 0o600))
			var out, logs output
			require.NoError(t, run(t.Context(), []string{"explain", "-integration", connection, file}, noEnvironment, noInput{}, &out, &logs))
			require.Contains(t, out.String(), "ada@example.com")
			require.Empty(t, logs.String())
		})
	}
}

// The times are judged when the response was issued, or when a person says.
func TestExplainAtAnotherTime(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		now, want string
		wrong     bool
	}{
		"now":          {"now", "judged at", false},
		"an hour ago":  {time.Now().Add(-time.Hour).Format(time.RFC3339), "ResponseNotYetValid", true},
		"in two hours": {time.Now().Add(2 * time.Hour).Format(time.RFC3339), "ResponseExpired", true},
		"words":        {"yesterday", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := logintest.New(t)
			out, _, err := explainFrom(t, w.Server, inBase64(w.Respond(w.Right)), "-connection", "Okta", "-now", tt.now)
			require.Equal(t, tt.wrong, err != nil)
			require.Contains(t, out, tt.want)
			require.NotContains(t, out, "when it was issued")
		})
	}
}

func TestExplainCannotBegin(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no connection":              {nil, "needs either -connection"},
		"two connections":            {[]string{"-connection", "a", "-integration", "b"}, "needs either -connection"},
		"two files":                  {[]string{"-connection", "a", "b", "c"}, "one file"},
		"no such file":               {[]string{"-connection", "a", filepath.Join(dir, "none")}, "no such file"},
		"no such integration's file": {[]string{"-integration", filepath.Join(dir, "none")}, "no such file"},
		"a file that is no JSON":     {[]string{"-integration", file("a", "x")}, "invalid character"},
		"a file without both":        {[]string{"-integration", file("b", `{"integration": {"id": "x"}}`)}, `"certificates"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sg := sendgridtest.New()
			_, _, err := explainFrom(t, sg, "x", tt.args...)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, sg.Requests())
		})
	}
	var out, logs output
	err := run(t.Context(), []string{"explain", "-connection", "a"}, func(string) string { return "" }, strings.NewReader("x"), &out, &logs)
	require.EqualError(t, err, "explain needs the API key in SENDGRID_API_KEY; the scope sso.settings.read is enough")
}

// Where SendGrid cannot be read, the response is not judged; where others cannot be read, it is.
func TestExplainCannotRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault     sendgridtest.Fault
		want, err string
	}{
		"the list":            {sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusForbidden}, "", "does not let the API key"},
		"the certificates":    {sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: http.StatusForbidden}, "", "does not let the API key"},
		"those of the others": {sendgridtest.Fault{Op: sendgrid.OpListCertificates, Skip: 1, Status: http.StatusForbidden}, string(refusal.CertificateUnknown), "1 reason(s)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := logintest.Cases()["a key of another integration"].Make(t)
			tt.fault.Times = -1
			w.Server.Script(tt.fault)
			out, _, err := explainFrom(t, w.Server, inBase64(response), "-connection", "Okta")
			require.ErrorContains(t, err, tt.err)
			require.Contains(t, out, tt.want)
			require.Equal(t, tt.want == "", out == "")
			if tt.want != "" {
				require.Contains(t, out, "could not all be read")
			}
		})
	}
}
