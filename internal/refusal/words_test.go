package refusal_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

// Words of a reason say what a person has to know of it.
func TestWords(t *testing.T) {
	t.Parallel()
	named := func(i sendgrid.Integration, err error) func(*refusal.Question) {
		return func(q *refusal.Question) {
			q.Owner = func(string) (*sendgrid.Integration, error) {
				if i.ID == "" {
					return nil, err
				}
				return &i, err
			}
		}
	}
	edit := func(change func(*sendgrid.Integration)) func(*refusal.Question) {
		return func(q *refusal.Question) { change(&q.Integration) }
	}
	offline := func(q *refusal.Question) { q.Account = nil }
	for name, tt := range map[string]struct {
		response string
		change   func(*refusal.Question)
		code     refusal.Code
		words    []string
	}{
		"a key of another connection": {"another key", named(sendgrid.Integration{ID: "id-2", Name: "Entra"}, nil), refusal.CertificateUnknown, []string{`it is that of the integration "Entra" (id-2)`, "$stranger"}},
		"a key of nobody":             {"another key", named(sendgrid.Integration{}, nil), refusal.CertificateUnknown, []string{"no other integration of the account has it", "$stranger"}},
		"a key of who knows":          {"another key", named(sendgrid.Integration{}, errors.New("x")), refusal.CertificateUnknown, []string{"could not all be read"}},
		"a key, offline":              {"another key", offline, refusal.CertificateUnknown, []string{"with the SHA-256 $stranger."}},
		"the login of another connection": {"accepted", edit(func(i *sendgrid.Integration) { i.ID, i.EntityID = "other", "urn:other" }), refusal.IssuerDiffers,
			[]string{`the issuer is that of the integration "Okta" ($id)`, "-connection $id"}},
		"an issuer with a slash":  {"accepted", edit(func(i *sendgrid.Integration) { i.EntityID += "/" }), refusal.IssuerDiffers, []string{"they differ only in"}},
		"the former URL":          {"the URLs of an integration that was deleted", nil, refusal.RecipientDiffers, []string{"created again", "Set the single sign-on URL"}},
		"the former URL, offline": {"the URLs of an integration that was deleted", offline, refusal.RecipientDiffers, []string{"before it was created again"}},
		"the URL of another":      {"the URLs of another integration", nil, refusal.RecipientDiffers, []string{`that of the integration "Entra" (`}},
		"the audience of another": {"the URLs of another integration", nil, refusal.AudienceDiffers, []string{`that of the integration "Entra" (`}},
		"the URL of another region": {"accepted", edit(func(i *sendgrid.Integration) {
			i.SingleSignOnURL = strings.Replace(i.SingleSignOnURL, "api.", "api.eu.", 1)
		}), refusal.RecipientDiffers, []string{"another region"}},
		"a URL of elsewhere":     {"another recipient", nil, refusal.RecipientDiffers, []string{`for the URL "https://elsewhere.example", and the integration's single_signon_url is "$url".`}},
		"what the provider says": {"the login failed at the identity provider", nil, refusal.StatusNotSuccess, []string{`"Responder" and "RequestDenied"`, `"The person is not assigned."`, "Assign the person"}},
		"no status":              {"an empty assertion", nil, refusal.StatusNotSuccess, []string{"has no status"}},
		"what is pasted":         {"a request", nil, refusal.NotAResponse, []string{`"AuthnRequest"`, "and not SAMLRequest"}},
		"a clock":                {"a clock that is an hour ahead", nil, refusal.ResponseNotYetValid, []string{"is ahead by about", "57m"}},
		"too late":               {"an assertion from before", nil, refusal.ResponseExpired, []string{"the assertion was issued at", "1h0m0s before"}},
		"expired":                {"expired certificate", nil, refusal.CertificateExpired, []string{"$expired expired on", "before"}},
		"changed":                {"changed after it was signed", nil, refusal.SignatureWrong, []string{"was changed after it was signed"}},
		"another signature":      {"the certificate, and the signature of another key", nil, refusal.SignatureWrong, []string{"another key"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, response := logintest.Cases()[tt.response].Make(t)
			q := about(w, response)
			if tt.change != nil {
				tt.change(&q)
			}
			v := refusal.Explain(q)
			requireReadable(t, v)
			known := strings.NewReplacer("$id", w.Integration.ID, "$url", w.Integration.SingleSignOnURL, "$stranger", sha256Of(w.Stranger), "$expired", sha256Of(w.Expired))
			for _, r := range v.Reasons {
				if r.Code == tt.code {
					for _, words := range tt.words {
						require.Contains(t, r.Wrong+" "+r.Do, known.Replace(words))
					}
					return
				}
			}
			require.Failf(t, "it is not found", "%s among %v", tt.code, codes(v))
		})
	}
}
