package saml_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// certificateCase is a text, and the certificates in it or what its error contains.
type certificateCase struct {
	text    string
	want    [][]byte
	message string
}

func (tt certificateCase) run(t *testing.T) {
	t.Helper()
	certificates, err := saml.ParseCertificates(tt.text, now)
	if tt.message != "" {
		require.Nil(t, certificates)
		requireMessage(t, err, tt.message)
		return
	}
	require.NoError(t, err)
	require.Equal(t, sums(tt.want...), fingerprints(certificates))
	require.Equal(t, certificates[0], saml.ParseStored(tt.text, 1, 2))
	for _, c := range certificates {
		again, err := saml.ParseCertificates(c.PEM(), now)
		require.NoError(t, err)
		require.Equal(t, []saml.Certificate{c}, again)
	}
}

func runCertificates(t *testing.T, cases map[string]certificateCase) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.run(t)
		})
	}
}

func TestParseCertificates(t *testing.T) {
	t.Parallel()
	ders := issued(11)
	a, b := ders[0], ders[1]
	pemA, pemB, old := samltest.PEM(a), samltest.PEM(b), samltest.PEM(expired())
	future := samltest.NewCertificate(key(), "future", now.AddDate(0, 0, 1), now.AddDate(1, 0, 0))
	edge := issue("edge", now)
	var eleven []string
	for _, der := range ders {
		eleven = append(eleven, samltest.PEM(der))
	}
	ten := strings.Join(eleven[:10], "")
	runCertificates(t, map[string]certificateCase{
		"one":                      {pemA, [][]byte{a}, ""},
		"two":                      {pemA + pemB, [][]byte{a, b}, ""},
		"order is kept":            {pemB + "\n\n" + pemA, [][]byte{b, a}, ""},
		"repeated":                 {pemA + pemB + pemA, [][]byte{a, b}, ""},
		"ten and a repetition":     {ten + pemA, ders[:10], ""},
		"not valid yet":            {samltest.PEM(future), [][]byte{future}, ""},
		"expires at this very now": {samltest.PEM(edge), [][]byte{edge}, ""},
		"expired":                  {old, nil, "expired on 2026-07-14; send the one that the identity provider signs with now"},
		"expired in bare base64":   {b64(expired()), nil, "expired on 2026-07-14"},
		"the second one expired":   {pemA + old, nil, "number 2 expired on 2026-07-14"},
		"eleven":                   {strings.Join(eleven, ""), nil, "must be at most 10 certificates, not 11"},
	})
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	der := samltest.NewCertificate(key(), "idp", now.AddDate(0, 0, -1), now.AddDate(0, 0, 1))
	certificates, err := saml.ParseCertificates(b64(der), now)
	require.NoError(t, err)
	c := certificates[0]
	require.Equal(t, der, c.DER)
	require.Equal(t, now.AddDate(0, 0, -1), c.NotBefore)
	require.Equal(t, now.AddDate(0, 0, 1), c.NotAfter)

	lines := strings.Split(c.PEM(), "\n")
	require.Equal(t, "-----BEGIN CERTIFICATE-----", lines[0])
	require.Equal(t, []string{"-----END CERTIFICATE-----", ""}, lines[len(lines)-2:])
	body := lines[1 : len(lines)-2]
	require.Equal(t, b64(der), strings.Join(body, ""))
	for _, line := range body[:len(body)-1] {
		require.Len(t, line, 64)
	}
}

func TestParseStored(t *testing.T) {
	t.Parallel()
	ders := issued(2)
	first, reported := now.Unix()-1, now.Unix()+1
	for name, tt := range map[string]struct {
		text     string
		notAfter int64
		want     saml.Certificate // without its DER, and hash and dates if those of der
		der      []byte
	}{
		"readable":              {samltest.PEM(ders[0]), reported, saml.Certificate{}, ders[0]},
		"no dates are reported": {samltest.PEM(ders[0]), 0, saml.Certificate{}, ders[0]},
		"expired":               {strings.ReplaceAll(samltest.PEM(expired()), "\n", " "), 0, saml.Certificate{NotAfter: now.Add(-time.Second)}, nil},
		"the first one of two":  {samltest.PEM(ders[1]) + samltest.PEM(ders[0]), 0, saml.Certificate{}, ders[1]},
		"not readable":          {"?", reported, saml.Certificate{NotBefore: time.Unix(first, 0).UTC(), NotAfter: time.Unix(reported, 0).UTC()}, nil},
		"nothing is known":      {" ", 0, saml.Certificate{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := saml.ParseStored(tt.text, first, tt.notAfter)
			if tt.der != nil {
				require.Equal(t, tt.der, c.DER)
				require.Equal(t, sums(tt.der)[0], c.SHA256)
				require.Equal(t, now.AddDate(1, 0, 0), c.NotAfter)
				return
			}
			require.Equal(t, tt.want.NotAfter, c.NotAfter)
			require.Equal(t, name == "expired", c.SHA256 != "")
		})
	}
}

func chunks(text string, n int) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" && yield(text[:min(n, len(text))]) {
			text = text[min(n, len(text)):]
		}
	}
}

func lines(text string, n int, separator string) string {
	return strings.Join(slices.Collect(chunks(text, n)), separator)
}
