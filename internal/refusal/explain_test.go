package refusal_test

import (
	"cmp"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

// about asks about a response, with all that SendGrid's API shows of a world.
func about(w *logintest.World, response []byte) refusal.Question {
	q := refusal.Question{Pasted: response, Account: w.Server.Integrations(), Now: time.Now()}
	for _, i := range q.Account {
		if i.ID == w.Integration.ID {
			q.Integration = i
		}
	}
	for _, c := range w.Server.Certificates(w.Integration.ID) {
		q.Certificates = append(q.Certificates, c.Certificate)
	}
	return q
}

func codes(v refusal.Verdict) (all []refusal.Code) {
	for _, r := range v.Reasons {
		all = append(all, r.Code)
	}
	return all
}

// requireReadable checks that what a person reads cannot be long or control a terminal.
func requireReadable(t *testing.T, v refusal.Verdict) {
	t.Helper()
	for _, r := range v.Reasons {
		for _, text := range []string{r.Wrong, r.Do} {
			require.Less(t, len(text), 2000)
			require.NotContains(t, text, "\n")
			require.True(t, strings.HasSuffix(text, "."), text)
			require.False(t, strings.ContainsFunc(text, unicode.IsControl), text)
		}
	}
}

// TestExplain has the reasons for every response that the simulator judges.
func TestExplain(t *testing.T) {
	t.Parallel()
	type all = []refusal.Code
	want := map[string]all{
		"another key":                                 {refusal.CertificateUnknown},
		"a key of another integration":                {refusal.CertificateUnknown},
		"disabled integration":                        {refusal.IntegrationDisabled},
		"missing certificate":                         {refusal.NoCertificate},
		"unreadable certificate":                      {refusal.CertificateUnreadable},
		"the certificate replaced by an expired one":  {refusal.CertificateUnknown, refusal.CertificateExpired},
		"expired certificate":                         {refusal.CertificateExpired},
		"a certificate that is not valid yet":         {refusal.CertificateNotYetValid},
		"nothing":                                     {refusal.NotReadable},
		"no XML":                                      {refusal.NotReadable},
		"half of it":                                  {refusal.NotReadable},
		"a time that cannot be read":                  {refusal.NotReadable},
		"a request":                                   {refusal.NotAResponse},
		"no assertion":                                {refusal.StatusNotSuccess},
		"no assertion, and success":                   {refusal.NoAssertion},
		"an empty assertion":                          {refusal.StatusNotSuccess, refusal.AssertionIncomplete, refusal.IssuerDiffers, refusal.NotSigned, refusal.ResponseExpired, refusal.NoNameID},
		"encrypted":                                   {refusal.AssertionEncrypted},
		"two assertions":                              {refusal.SeveralAssertions, refusal.SignatureWrong},
		"the login failed at the identity provider":   {refusal.StatusNotSuccess},
		"a failure beside an assertion":               {refusal.StatusNotSuccess},
		"no conditions":                               {refusal.AssertionIncomplete},
		"no confirmation":                             {refusal.AssertionIncomplete},
		"an empty confirmation":                       {refusal.AssertionIncomplete},
		"another issuer":                              {refusal.IssuerDiffers},
		"another issuer of the assertion alone":       {refusal.IssuerDiffers},
		"no issuer":                                   {refusal.IssuerDiffers},
		"another audience":                            {refusal.AudienceDiffers},
		"no audience":                                 {refusal.AudienceDiffers},
		"another recipient":                           {refusal.RecipientDiffers},
		"another recipient of the assertion alone":    {refusal.RecipientDiffers},
		"the URLs of an integration that was deleted": {refusal.RecipientDiffers, refusal.AudienceDiffers},
		"the URLs of another integration":             {refusal.RecipientDiffers, refusal.AudienceDiffers},
		"not signed":                                  {refusal.NotSigned},
		"an assertion wrapped around the one that is signed": {refusal.NotSigned},
		"changed after it was signed":                        {refusal.SignatureWrong},
		"formatted after it was signed":                      {refusal.SignatureWrong},
		"the response changed, and not the assertion":        {refusal.SignatureWrong},
		"the certificate, and the signature of another key":  {refusal.SignatureWrong},
		"without its certificate, and another key":           {refusal.SignatureWrong},
		"a certificate that cannot be read":                  {refusal.SignatureWrong},
		"two signatures":                                     {refusal.SignatureWrong},
		"a URL that the library escapes":                     {refusal.Refused},
		"no name id":                                         {refusal.NoNameID},
		"an empty name id":                                   {refusal.NoNameID},
		"a name id that is no email address":                 {refusal.NameIDNotEmail},
		"a clock that is an hour ahead":                      {refusal.ResponseNotYetValid},
		"valid only later":                                   {refusal.ResponseNotYetValid},
		"not valid any more":                                 {refusal.ResponseExpired},
		"an assertion from before":                           {refusal.ResponseExpired},
		"an assertion without its issue":                     {refusal.ResponseExpired},
		"a response without its issue":                       {refusal.ResponseExpired},
		"without an end":                                     {refusal.ResponseExpired},
		"a confirmation that has expired":                    {refusal.ResponseExpired},
		"much of it":                                         {refusal.IntegrationDisabled, refusal.IssuerDiffers, refusal.RecipientDiffers, refusal.AudienceDiffers, refusal.CertificateUnknown, refusal.SignatureWrong, refusal.ResponseExpired, refusal.NameIDNotEmail},
	}
	seen := map[refusal.Code]bool{}
	for _, some := range want {
		for _, code := range some {
			seen[code] = true
		}
	}
	for _, code := range refusal.Codes() {
		require.True(t, seen[code], "no response has the reason %s", code)
	}
	cases := logintest.Cases()
	for name := range want {
		require.Contains(t, cases, name)
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := tt.Make(t)
			v := refusal.Explain(about(w, response))
			require.Equal(t, want[name], codes(v))
			requireReadable(t, v)
			if len(v.Reasons) > 0 {
				require.Empty(t, v.NameID)
				return
			}
			require.Equal(t, cmp.Or(tt.NameID, logintest.Person), v.NameID)
			require.NotEmpty(t, v.Notes)
		})
	}
}

// requireAgreement checks that a response is not called right where the simulator refuses it.
func requireAgreement(t *testing.T, w *logintest.World, response []byte) {
	t.Helper()
	v := refusal.Explain(about(w, response))
	nameID, err := w.Server.LogIn(w.Integration.ID, response)
	if err != nil {
		require.NotEmpty(t, v.Reasons, "the simulator refuses it: %v", err)
		return
	}
	if len(v.Reasons) == 0 {
		require.Equal(t, nameID, v.NameID)
		return
	}
	for _, code := range codes(v) {
		require.Equal(t, refusal.NameIDNotEmail, code, "the simulator accepts it")
	}
}

func TestAgreesWithTheSimulator(t *testing.T) {
	t.Parallel()
	for name, tt := range logintest.Cases() {
		if name == logintest.DisabledCertificate {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := tt.Make(t)
			requireAgreement(t, w, response)
		})
	}
}

// Nor do they differ about a response of which one byte is changed, is missing, or is there twice.
func TestAgreesWithTheSimulatorOnDamage(t *testing.T) {
	t.Parallel()
	const step = 67
	w := logintest.New(t)
	for _, response := range [][]byte{w.Respond(w.Right), w.Forge(w.Right, func(_, _ *logintest.Element) {})} {
		for at := 0; at < len(response); at += step {
			there := string(response[at : at+1])
			puts := []string{"", "x", there + there}
			requireAgreement(t, w, []byte(string(response[:at])+puts[at%len(puts)]+string(response[at+1:])))
		}
	}
}

// SendGrid does not report that a certificate is disabled, so that it is among the notes.
func TestExplainDisabledCertificate(t *testing.T) {
	t.Parallel()
	w, response := logintest.Cases()[logintest.DisabledCertificate].Make(t)
	v := refusal.Explain(about(w, response))
	require.Empty(t, v.Reasons)
	require.Contains(t, strings.Join(v.Notes, " "), "whether a certificate is enabled")
}

// What SendGrid itself may refuse depends on the account.
func TestNotes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ noted string }{
		"accepted":       {"no SSO teammate"},
		"set up by half": {"not finished"},
		"an entity id that another integration has, too": {`"Twin" (`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := logintest.Cases()[name].Make(t)
			v := refusal.Explain(about(w, response))
			require.Empty(t, v.Reasons)
			require.Contains(t, strings.Join(v.Notes, " "), tt.noted)
		})
	}
}

// An integration of which SendGrid returned next to nothing logs nobody in.
func TestExplainAnEmptyIntegration(t *testing.T) {
	t.Parallel()
	w := logintest.New(t)
	q := about(w, w.Respond(w.Right))
	q.Integration, q.Certificates = sendgrid.Integration{ID: "x"}, []sendgrid.Certificate{{}}
	require.Equal(t, []refusal.Code{
		refusal.IntegrationDisabled, refusal.IssuerDiffers, refusal.RecipientDiffers, refusal.AudienceDiffers, refusal.CertificateUnreadable,
	}, codes(refusal.Explain(q)))
}
