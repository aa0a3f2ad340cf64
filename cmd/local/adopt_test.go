package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const day = 24 * time.Hour

// newCertificate returns a new certificate, as PEM, that is valid from and until these days.
func newCertificate(t *testing.T, from, until int) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	return samltest.PEM(samltest.NewCertificate(key, "idp.example.com", now.Add(time.Duration(from)*day), now.Add(time.Duration(until)*day)))
}

// handMade is an integration that a person could have made.
type handMade struct {
	sendgrid.IntegrationRequest
	certificates []string
}

func connection(name string) handMade {
	return handMade{IntegrationRequest: sendgrid.IntegrationRequest{
		Name: name, Enabled: true, EntityID: "http://www.okta.com/" + name, SigninURL: "https://example.okta.com/" + name + "/sso/saml", SignoutURL: "https://example.okta.com/out",
	}}
}

func (h handMade) with(change func(*handMade)) handMade {
	change(&h)
	return h
}

// adoptFrom runs the command against a simulator.
func adoptFrom(t *testing.T, sg *sendgridtest.Server, env map[string]string) (out, logs string, err error) {
	t.Helper()
	server := httptest.NewServer(sg)
	t.Cleanup(server.Close)
	getenv := func(name string) string {
		if value, given := env[name]; given {
			return value
		}
		return map[string]string{"SENDGRID_API_KEY": apiKey, "SENDGRID_BASE_URL": server.URL}[name]
	}
	var o, l output
	err = run(t.Context(), []string{"adopt"}, getenv, noInput{}, &o, &l)
	require.NotContains(t, o.String()+l.String(), apiKey)
	if err != nil {
		require.NotContains(t, err.Error(), apiKey)
	}
	return o.String(), l.String(), err
}

func linesOf(text string) []string {
	return slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return l == "" })
}

// What is printed finds everything as requested when it is sent to the function, and changes nothing.
func TestAdopt(t *testing.T) {
	t.Parallel()
	valid, next, future := newCertificate(t, -1, 30), newCertificate(t, -1, 900), newCertificate(t, 1, 900)
	expired := newCertificate(t, -30, -1)
	manyCertificates := func(h *handMade) {
		for range 11 {
			h.certificates = append(h.certificates, newCertificate(t, -1, 30))
		}
	}
	yes, no := true, false
	for name, tt := range map[string]struct {
		made handMade
		// printed are the certificates of the printed request; left out reports that there is no request.
		printed []string
		leftOut bool
		// noted reports whether a person is told to look at it.
		noted bool
	}{
		"with a certificate":    {made: connection("a").with(func(h *handMade) { h.certificates = []string{valid} }), printed: []string{valid}},
		"during a rotation":     {made: connection("a").with(func(h *handMade) { h.certificates = []string{valid, next, future} }), printed: []string{valid, next, future}},
		"a certificate twice":   {made: connection("a").with(func(h *handMade) { h.certificates = []string{valid, valid} }), printed: []string{valid}},
		"one of two expired":    {made: connection("a").with(func(h *handMade) { h.certificates = []string{expired, valid} }), printed: []string{valid}, noted: true},
		"one of two unreadable": {made: connection("a").with(func(h *handMade) { h.certificates = []string{valid, "a certificate"} }), printed: []string{valid}, noted: true},
		"all expired":           {made: connection("a").with(func(h *handMade) { h.certificates = []string{expired} }), noted: true},
		"without a certificate": {made: connection("a"), noted: true},
		"disabled":              {made: connection("a").with(func(h *handMade) { h.Enabled, h.certificates = false, []string{valid} }), printed: []string{valid}},
		"set up":                {made: connection("a").with(func(h *handMade) { h.CompletedIntegration, h.certificates = &yes, []string{valid} }), printed: []string{valid}},
		"not set up":            {made: connection("a").with(func(h *handMade) { h.CompletedIntegration, h.certificates = &no, []string{valid} }), printed: []string{valid}},
		"without single logout": {made: connection("a").with(func(h *handMade) { h.SignoutURL, h.certificates = "", []string{valid} }), printed: []string{valid}},
		"a name of any kind":    {made: connection("a").with(func(h *handMade) { h.Name, h.certificates = "Zürich \"<&>\" 日本\u2028x", []string{valid} }), printed: []string{valid}},
		"a key beside it": {made: connection("a").with(func(h *handMade) {
			h.certificates = []string{valid, "-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----\n"}
		}), printed: []string{valid}, noted: true},
		"too many certificates":  {made: connection("a").with(manyCertificates), leftOut: true},
		"no entity id":           {made: connection("a").with(func(h *handMade) { h.EntityID = "" }), leftOut: true},
		"SendGrid's entity id":   {made: connection("a").with(func(h *handMade) { h.EntityID = "https://api.sendgrid.com/v3/public/sso/saml/response/id/1" }), leftOut: true},
		"no sign-in URL":         {made: connection("a").with(func(h *handMade) { h.SigninURL = "" }), leftOut: true},
		"sign-in by http":        {made: connection("a").with(func(h *handMade) { h.SigninURL = "http://idp.example.com/sso" }), leftOut: true},
		"sign-out by http":       {made: connection("a").with(func(h *handMade) { h.SignoutURL = "http://idp.example.com/out" }), leftOut: true},
		"no name":                {made: connection("a").with(func(h *handMade) { h.Name = "" }), leftOut: true},
		"space after its name":   {made: connection("a").with(func(h *handMade) { h.Name = "a " }), leftOut: true},
		"space before entity id": {made: connection("a").with(func(h *handMade) { h.EntityID = " http://www.okta.com/a" }), leftOut: true},
		"a control character":    {made: connection("a").with(func(h *handMade) { h.Name = "a\x1b[2J" }), leftOut: true},
		"begun and not finished": {made: handMade{IntegrationRequest: sendgrid.IntegrationRequest{Name: "a"}}, leftOut: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sg, ids := madeByHand(tt.made)
			out, logs, err := adoptFrom(t, sg, nil)
			require.NoError(t, err)
			require.NotContains(t, logs, "\x1b")
			require.NotContains(t, out+logs, "PRIVATE KEY")
			require.Equal(t, tt.leftOut || tt.noted, strings.Contains(logs, ids[0]), logs)
			if tt.leftOut {
				require.Empty(t, out)
				return
			}
			require.Len(t, linesOf(out), 1)
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(out), &fields))
			require.NotContains(t, fields, "completed_integration")
			require.NotContains(t, fields, "if_exists")
			require.Equal(t, strings.Join(tt.printed, ""), stringIn(fields, "public_certificate"))
			requireUnchanged(t, sg, out)
		})
	}
}

// madeByHand returns a SendGrid with integrations, and their ids.
func madeByHand(all ...handMade) (sg *sendgridtest.Server, ids []string) {
	sg = sendgridtest.New()
	sg.SetKeys(apiKey)
	for _, made := range all {
		i := sg.Add(made.IntegrationRequest)
		for _, c := range made.certificates {
			sg.AddCertificate(sendgrid.CertificateRequest{PublicCertificate: c, IntegrationID: i.ID, Enabled: true})
		}
		ids = append(ids, i.ID)
	}
	return sg, ids
}

func stringIn(fields map[string]any, name string) string {
	text, _ := fields[name].(string)
	return text
}

// requireUnchanged sends each line to the function, as a direct invocation and again as a dry run.
func requireUnchanged(t *testing.T, sg *sendgridtest.Server, lines string) {
	t.Helper()
	server := httptest.NewServer(sg)
	defer server.Close()
	client := &sendgrid.Client{Keys: fixedKey(apiKey), BaseURL: server.URL}
	h, err := parts{client: client, ledger: &ledger.Memory{}, logger: slog.New(slog.DiscardHandler)}.handler(`{"bearer": "` + sampleBearer + `"}`)
	require.NoError(t, err)
	before := sg.Integrations()
	for _, line := range linesOf(lines) {
		for range 2 {
			a := invoke(t.Context(), h, []byte(line))
			require.NoError(t, a.err)
			require.Equal(t, protocol.OutcomeUnchanged, a.deliveries[0].Outcome())
			require.Empty(t, a.deliveries[0].Result.Changes)
		}
		a := invoke(t.Context(), h, []byte(`{"dry_run":true,`+line[1:]))
		require.NoError(t, a.err)
		require.Empty(t, a.deliveries[0].Result.Steps)
	}
	require.Equal(t, before, sg.Integrations())
	for _, r := range sg.Requests() {
		require.False(t, r.Op.Writes(), "%s %s", r.Method, r.Path)
	}
}

// A whole account: each integration is either printed or named.
func TestAdoptAnAccount(t *testing.T) {
	t.Parallel()
	valid := newCertificate(t, -1, 30)
	var all []handMade
	for _, name := range []string{"one", "two", "three"} {
		all = append(all, connection(name).with(func(h *handMade) { h.certificates = []string{valid} }))
	}
	twin := connection("two").with(func(h *handMade) { h.Name = "twin" })
	unfinished := handMade{IntegrationRequest: sendgrid.IntegrationRequest{Name: "unfinished"}}
	sg, ids := madeByHand(append(all, twin, unfinished, unfinished)...)
	out, logs, err := adoptFrom(t, sg, nil)
	require.NoError(t, err)

	var names []string
	for _, line := range linesOf(out) {
		parsed, err := request.Parse([]byte(line), time.Now())
		require.NoError(t, err)
		require.False(t, parsed.IfExists.Updates())
		names = append(names, parsed.Name)
	}
	require.Equal(t, []string{"one", "three"}, names, "in SendGrid's order, and none whose entity id is that of another")
	for at, id := range ids {
		require.Equal(t, all[min(at, 2)].Name == "two" || at > 2, strings.Contains(logs, id))
	}
	require.Equal(t, 1, sg.Count(sendgrid.OpListIntegrations))
	require.Equal(t, len(names)+2, sg.Count(sendgrid.OpListCertificates), "those of the twins are not read")
	requireUnchanged(t, sg, out)
}

// However SendGrid writes a certificate, it is recognised.
func TestAdoptWithCertificatesInAnotherForm(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]func(string) string{
		"bare base64": func(text string) string {
			return strings.Join(strings.Split(strings.TrimSpace(text), "\n")[1:strings.Count(strings.TrimSpace(text), "\n")], "")
		},
		"carriage returns": func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			valid := newCertificate(t, -1, 30)
			sg, _ := madeByHand(connection("a").with(func(h *handMade) { h.certificates = []string{valid} }))
			sg.SetCertificateForm(form)
			out, _, err := adoptFrom(t, sg, nil)
			require.NoError(t, err)
			var fields map[string]any
			require.NoError(t, json.Unmarshal([]byte(out), &fields))
			require.Equal(t, valid, fields["public_certificate"])
			requireUnchanged(t, sg, out)
		})
	}
}

func TestAdoptOfAnEmptyAccount(t *testing.T) {
	t.Parallel()
	sg, _ := madeByHand()
	out, _, err := adoptFrom(t, sg, nil)
	require.NoError(t, err)
	require.Empty(t, out)
}

func TestAdoptCannotBegin(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		want string
		// calls is whether SendGrid is asked at all.
		calls bool
	}{
		"no key":           {map[string]string{"SENDGRID_API_KEY": ""}, "SENDGRID_API_KEY", false},
		"a blank key":      {map[string]string{"SENDGRID_API_KEY": " \n"}, "SENDGRID_API_KEY", false},
		"another region":   {map[string]string{"SENDGRID_REGION": "mars"}, "SENDGRID_REGION", false},
		"by http":          {map[string]string{"SENDGRID_BASE_URL": "http://api.sendgrid.com"}, "SENDGRID_BASE_URL", false},
		"another key":      {map[string]string{"SENDGRID_API_KEY": "SG.wrong"}, "SENDGRID_API_KEY", true},
		"without a scope":  {map[string]string{"SENDGRID_API_KEY": "SG.narrow"}, sendgrid.ScopeRead, true},
		"an unusual key":   {map[string]string{"SENDGRID_API_KEY": "SG.two\nlines"}, "list integrations", false},
		"of another space": {map[string]string{"SENDGRID_ON_BEHALF_OF": " x"}, "SENDGRID_ON_BEHALF_OF", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sg, _ := madeByHand(connection("a"))
			sg.SetKeys(apiKey, "SG.narrow")
			sg.SetScopes("SG.narrow", sendgrid.ScopeCreate)
			out, logs, err := adoptFrom(t, sg, tt.env)
			require.ErrorContains(t, err, tt.want)
			require.Empty(t, out)
			if key := tt.env["SENDGRID_API_KEY"]; strings.TrimSpace(key) != "" {
				require.NotContains(t, err.Error()+logs, key)
			}
			require.Equal(t, tt.calls, len(sg.Requests()) > 0)
		})
	}
}

// The subuser that the function acts for is the one whose integrations are printed.
func TestAdoptOnBehalfOfASubuser(t *testing.T) {
	t.Parallel()
	sg, _ := madeByHand(connection("a"))
	out, _, err := adoptFrom(t, sg, map[string]string{"SENDGRID_ON_BEHALF_OF": "subuser"})
	require.NoError(t, err)
	require.Empty(t, out)
}

type full struct{}

var errFull = errors.New("no space left on the device")

func (full) Write([]byte) (int, error) { return 0, errFull }

// A file that has no room for the requests must not pass for one that has all of them.
func TestAdoptIntoAFullFile(t *testing.T) {
	t.Parallel()
	sg, _ := madeByHand(connection("a"))
	server := httptest.NewServer(sg)
	defer server.Close()
	getenv := func(name string) string {
		return map[string]string{"SENDGRID_API_KEY": apiKey, "SENDGRID_BASE_URL": server.URL}[name]
	}
	require.ErrorIs(t, run(t.Context(), []string{"adopt"}, getenv, noInput{}, full{}, &output{}), errFull)
}
