package request_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	keptEntityID = "urn:idp:kept"
	keptSignin   = "https://idp.example/in"
	keptSignout  = "https://idp.example/out"
)

// keptOf returns a request as it is kept whose SAML metadata at a URL supplied certificates, but not what
// the request gave itself.
func keptOf(certificates [][]byte, given ...string) request.Kept {
	k := request.Kept{
		Name: "Kept", Enabled: true, EntityID: keptEntityID, SigninURL: keptSignin, SignoutURL: keptSignout, Supplied: true,
		Source: request.Source{URL: "https://idp.example/metadata", Given: append([]string{"name", "enabled"}, given...)},
		By:     "operator", Metadata: map[string]string{"ticket": "OPS-1"}, UnreadSince: time.Now().Add(-time.Hour),
	}
	for _, der := range certificates {
		c := saml.ParseStored(samltest.PEM(der), 0, 0)
		k.Certificates = append(k.Certificates, request.KeptCertificate{SHA256: c.SHA256, NotAfter: c.NotAfter})
	}
	return k
}

func expired(t *testing.T) []byte {
	t.Helper()
	_, der := samltest.NewKeyPair("idp", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	return der
}

func shaOf(der []byte) string { return saml.ParseStored(samltest.PEM(der), 0, 0).SHA256 }

// published is SAML metadata as a product publishes it.
func published(product string, p samltest.Params) string {
	shapes := samltest.Shapes()
	at := slices.IndexFunc(shapes, func(s samltest.Shape) bool { return s.Name == product })
	return string(shapes[at].Build(p))
}

// Whatever product publishes it, SAML metadata renews the URLs and the certificates.
func TestRenewInEveryShape(t *testing.T) {
	t.Parallel()
	old, next := newCertificate(t), newCertificate(t)
	for _, shape := range samltest.Shapes() {
		t.Run(shape.Name, func(t *testing.T) {
			t.Parallel()
			kept := keptOf([][]byte{old})
			document := shape.Build(samltest.Params{EntityID: keptEntityID, SigninURL: keptSignin + "/2", SignoutURL: keptSignout + "/2", Certificates: [][]byte{old, next}})
			r, unrenewed := kept.Renew(t.Context(), fakeFetcher{document: string(document)}, time.Now())
			require.Nil(t, unrenewed)
			signout := ""
			if shape.SingleLogout {
				signout = keptSignout + "/2"
			}
			require.Equal(t, []problem.Change{
				{Field: "signin_url", From: keptSignin, To: keptSignin + "/2"}, {Field: "signout_url", From: keptSignout, To: signout},
				{Field: "public_certificate", To: shaOf(next)},
			}, r.Changes)
			require.Len(t, r.Certificates, 1)
			require.Equal(t, next, r.Certificates[0].DER)
			want := keptOf([][]byte{old, next})
			want.SigninURL, want.SignoutURL, want.UnreadSince = keptSignin+"/2", signout, time.Time{}
			require.Equal(t, want, r.Kept, "everything else stays")
		})
	}
}

// A renewal has what SAML metadata supplies and the request did not give itself. What is about another is
// Changed, and what cannot be read is not.
func TestRenew(t *testing.T) {
	t.Parallel()
	old, next, over := newCertificate(t), newCertificate(t), expired(t)
	only := func(ders ...[]byte) func(*samltest.Params) {
		return func(p *samltest.Params) { p.Certificates = ders }
	}
	signin := func(url string) func(*samltest.Params) {
		return func(p *samltest.Params) { p.SigninURL = url }
	}
	signout := func(url string) func(*samltest.Params) {
		return func(p *samltest.Params) { p.SignoutURL = url }
	}
	to := func(field string, from, to any) []problem.Change {
		return []problem.Change{{Field: field, From: from, To: to}}
	}
	for name, tt := range map[string]struct {
		kept    [][]byte // Certificates; old if nil.
		given   []string // By the request itself.
		publish func(*samltest.Params)
		changes []problem.Change
		keeps   [][]byte // Afterwards; kept if nil.
		changed string   // Why nothing may be applied.
		unread  string   // Why it cannot be read.
	}{
		"as before":                             {},
		"without a name":                        {publish: func(p *samltest.Params) { p.EntityID = "" }},
		"of another":                            {publish: func(p *samltest.Params) { p.EntityID = "urn:another" }, changed: `but "urn:another"`},
		"another certificate":                   {publish: only(next), changes: to("public_certificate", nil, shaOf(next)), keeps: [][]byte{next}},
		"one certificate less":                  {kept: [][]byte{old, next}, publish: only(old), keeps: [][]byte{old}},
		"an expired one beside the old one":     {publish: only(old, over)},
		"an expired one beside a new one":       {publish: only(over, next), changes: to("public_certificate", nil, shaOf(next)), keeps: [][]byte{next}},
		"only expired certificates":             {publish: only(over), unread: "only expired signing certificates"},
		"no certificate":                        {publish: only(), changed: "has no certificate any more"},
		"no certificate, and one is given":      {given: []string{"public_certificate"}, publish: only()},
		"other certificates, and one is given":  {given: []string{"public_certificate"}, publish: only(next, over)},
		"another sign-in URL":                   {publish: signin(keptSignin + "?x=1"), changes: to("signin_url", keptSignin, keptSignin+"?x=1")},
		"the sign-in URL in other letters":      {publish: signin("https://IdP.example/in"), changes: to("signin_url", keptSignin, "https://IdP.example/in")},
		"the sign-in URL on another host":       {publish: signin("https://stranger.example/in"), changed: "sign-in URL on another host, stranger.example"},
		"the sign-in URL on a longer host":      {publish: signin("https://idp.example.stranger.example/in"), changed: "another host"},
		"the sign-in URL elsewhere, and given":  {given: []string{"signin_url"}, publish: signin("https://stranger.example/in")},
		"the sign-in URL without https":         {publish: signin("http://idp.example/in"), unread: "https"},
		"another sign-out URL":                  {publish: signout(keptSignout + "/2"), changes: to("signout_url", keptSignout, keptSignout+"/2")},
		"the sign-out URL on another host":      {publish: signout("https://stranger.example/out")},
		"the sign-out URL elsewhere, and given": {given: []string{"signout_url"}, publish: signout("https://stranger.example/out")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.kept == nil {
				tt.kept = [][]byte{old}
			}
			kept := keptOf(tt.kept, tt.given...)
			p := samltest.Params{EntityID: keptEntityID, SigninURL: keptSignin, SignoutURL: keptSignout, Certificates: [][]byte{old}}
			if tt.publish != nil {
				tt.publish(&p)
			}
			r, unrenewed := kept.Renew(t.Context(), fakeFetcher{document: published("Keycloak", p)}, time.Now())
			if why := tt.changed + tt.unread; why != "" {
				require.NotNil(t, unrenewed)
				require.Contains(t, unrenewed.Message, why)
				require.Equal(t, tt.changed != "", unrenewed.Changed)
				require.Zero(t, r, "nothing of it is applied")
				return
			}
			require.Nil(t, unrenewed)
			require.Equal(t, tt.changes, r.Changes)
			want := kept.Certificates
			if tt.keeps != nil {
				want = keptOf(tt.keeps).Certificates
			}
			require.Equal(t, want, r.Kept.Certificates)
			require.Zero(t, r.Kept.UnreadSince)
		})
	}
}

// A kept request without a sign-out URL gets one on the host of its sign-in URL, and no other.
func TestRenewAddsASignoutURL(t *testing.T) {
	t.Parallel()
	kept := keptOf([][]byte{newCertificate(t)}, "public_certificate")
	kept.SignoutURL = ""
	for _, signout := range []string{keptSignout, "https://stranger.example/out"} {
		document := published("Keycloak", samltest.Params{EntityID: keptEntityID, SigninURL: keptSignin, SignoutURL: signout})
		r, unrenewed := kept.Renew(t.Context(), fakeFetcher{document: document}, time.Now())
		require.Nil(t, unrenewed)
		if signout != keptSignout {
			require.Empty(t, r.Changes)
			continue
		}
		require.Equal(t, []problem.Change{{Field: "signout_url", From: "", To: signout}}, r.Changes)
	}
}

// counting is a fetcher that counts what is fetched.
type counting struct {
	fakeFetcher
	fetches int
}

func (f *counting) Fetch(ctx context.Context, url string) ([]byte, error) {
	f.fetches++
	return f.fakeFetcher.Fetch(ctx, url)
}

// SAML metadata that cannot be read is not Changed. From a host that is not allowed any more, nothing is fetched.
func TestRenewOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	old := newCertificate(t)
	params := samltest.Params{EntityID: keptEntityID, SigninURL: keptSignin, Certificates: [][]byte{old}}
	over := params
	over.ValidUntil = time.Now().Add(-time.Hour)
	down, elsewhere := &saml.FetchError{Retryable: true, Message: "could not be fetched"}, &saml.Error{Message: `is on the host "idp.example"`}
	unforeseen := errors.New("with a host's response in it")
	for name, tt := range map[string]struct {
		fetcher fakeFetcher
		message string
		cause   error
	}{
		"not fetched":             {fakeFetcher{err: down}, "could not be fetched", down},
		"another error":           {fakeFetcher{err: unforeseen}, "could not be read", unforeseen},
		"the host is not allowed": {fakeFetcher{refuse: elsewhere, document: published("Google", params)}, `is not fetched any more: its URL is on the host "idp.example"`, elsewhere},
		"not XML":                 {fakeFetcher{document: "<html>"}, "", nil},
		"no identity provider":    {fakeFetcher{document: `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"/>`}, "describes no SAML 2.0 identity provider", nil},
		"expired":                 {fakeFetcher{document: published("Google", over)}, "expired on", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &counting{fakeFetcher: tt.fetcher}
			r, unrenewed := keptOf([][]byte{old}).Renew(t.Context(), f, time.Now())
			require.Zero(t, r)
			require.False(t, unrenewed.Changed)
			require.Contains(t, unrenewed.Message, tt.message)
			require.Equal(t, unrenewed.Message, unrenewed.Error())
			require.Error(t, errors.Unwrap(unrenewed), "the log has the cause")
			if tt.cause != nil {
				require.Equal(t, tt.message, unrenewed.Message)
				require.ErrorIs(t, unrenewed, tt.cause)
			}
			require.Equal(t, tt.fetcher.refuse == nil, f.fetches == 1)
		})
	}
}

// Another request with SAML metadata keeps the list of the certificates that it lacks. A request that gives its
// certificates itself keeps no such list, and neither does the next one.
func TestWhatIsRetiredStaysKnown(t *testing.T) {
	t.Parallel()
	old, next, last := newCertificate(t), newCertificate(t), newCertificate(t)
	week := time.Now().UTC().Truncate(time.Second).AddDate(0, 0, -7)
	before := keptOf([][]byte{next})
	before.Retired = map[string]time.Time{shaOf(old): week}
	byHand := keptOf([][]byte{next}, "public_certificate")
	byHand.Supplied = false
	inline := keptOf([][]byte{next})
	inline.Source.URL = ""
	at := time.Now().UTC().Truncate(time.Second)
	for name, tt := range map[string]struct {
		before, after request.Kept
		want          map[string]time.Time
	}{
		"with the same certificates":     {before, keptOf([][]byte{next}), map[string]time.Time{shaOf(old): week}},
		"with another one":               {before, keptOf([][]byte{last}), map[string]time.Time{shaOf(old): week, shaOf(next): at}},
		"with the old one again":         {before, keptOf([][]byte{old, next}), nil},
		"that gives them itself":         {before, byHand, nil},
		"after one that gave them":       {byHand, keptOf([][]byte{last}), nil},
		"whose SAML metadata is its own": {before, inline, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.after.At = at
			require.Equal(t, tt.want, tt.after.After(tt.before).Retired)
		})
	}
}
