package saml_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

func FuzzParseMetadata(f *testing.F) {
	ders := issued(2)
	for _, shape := range samltest.Shapes() {
		f.Add(shape.Build(samltest.Params{EntityID: entityID, SigninURL: signin, SignoutURL: signout, Certificates: ders}), "", false)
	}
	other := usual()
	other.entity = `entityID="https://sts.windows.net/{tenantid}/" validUntil="2026-07-14T12:00:01+0000"`
	joined := keys(keyDescriptor("", "subject=CN=idp\n"+samltest.PEM(ders[0])+samltest.PEM(ders[1]), b64([]byte(samltest.PEM(ders[0])))))
	for _, seed := range []string{
		usual().String(), entities(` validUntil="2099-01-01T00:00:00Z"`, usual(), other), nestedGroups(3, usual()), joined,
		keys(keyDescriptor("", b64(expired()), "?")), "<!DOCTYPE a>" + usual().String(), services(""), "\xff\xfe<\x00", "{}", "",
		b64([]byte(usual().String())), b64([]byte("\uFEFF<!DOCTYPE a>" + usual().String())), html.EscapeString(usual().String()),
		"ï»¿" + declared("utf-16", usual().String()), declared("utf-7", usual().String()), "\u200b" + declared("ISO-8859-1", joined),
		strings.Replace(usual().String(), "xmlns=", "xmlns:md=", 1), keys("<ds:KeyInfo/>"), entities("", usual(), usual()),
	} {
		f.Add([]byte(seed), "urn:idp", true)
	}
	f.Fuzz(func(t *testing.T, document []byte, id string, given bool) {
		m, err := saml.ParseMetadata(document, saml.Given{EntityID: id, SigninURL: given, SignoutURL: given, Certificates: given}, now)
		if err != nil {
			require.Nil(t, m)
			requireMessage(t, err, "")
			return
		}
		document = saml.Unwrap(document)
		require.True(t, saml.IsXML(document))
		require.True(t, utf8.Valid(document))
		require.True(t, id == "" || id == m.EntityID)
		length := utf8.RuneCountInString(m.EntityID)
		require.True(t, 1 <= length && (length <= 1024 || id != ""))
		require.False(t, strings.Contains(m.EntityID, "{") && strings.Contains(m.EntityID, "}") && id == "")
		require.Equal(t, given, m.SigninURL == "")
		for _, location := range []string{m.SigninURL, m.SignoutURL} {
			if location != "" {
				requireHTTPS(t, location)
			}
		}
		requireValid(t, m.Certificates)
		requireStrict(t, document)
		again, err := saml.ParseMetadata(document, saml.Given{EntityID: id, SigninURL: given, SignoutURL: given, Certificates: given}, now)
		require.NoError(t, err, "it means the same without what it was wrapped in")
		require.Equal(t, m, again)
		_, err = saml.ParseMetadata(document, saml.Given{EntityID: id, SigninURL: true, SignoutURL: true, Certificates: true}, now)
		require.NoError(t, err, "less of it is used")
	})
}

func requireHTTPS(t *testing.T, text string) {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	require.Equal(t, "https", u.Scheme)
	require.NotEmpty(t, u.Hostname())
	require.Nil(t, u.User)
}

// requireValid requires a bounded list of different certificates that have not expired.
func requireValid(t *testing.T, certificates []saml.Certificate) {
	t.Helper()
	require.LessOrEqual(t, len(certificates), saml.MaxCertificates)
	seen := map[string]bool{}
	for _, c := range certificates {
		require.False(t, c.NotAfter.Before(now))
		require.Equal(t, sums(c.DER)[0], c.SHA256)
		require.False(t, seen[c.SHA256])
		seen[c.SHA256] = true
		require.Equal(t, c, saml.ParseStored(c.PEM(), 0, 0))
	}
}

// requireStrict requires what a decoder that resolves namespaces itself says of a document: no
// DOCTYPE, one root, and no prefix that is taken for a namespace.
func requireStrict(t *testing.T, document []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(document))
	d.CharsetReader = func(_ string, text io.Reader) (io.Reader, error) { return text, nil }
	for depth, roots := 0, 0; ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			require.Equal(t, 1, roots)
			return
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.Directive:
			require.Fail(t, "a directive")
		case xml.StartElement:
			if depth++; depth == 1 {
				roots++
				require.Equal(t, "urn:oasis:names:tc:SAML:2.0:metadata", token.Name.Space)
			}
		case xml.EndElement:
			depth--
		}
	}
}

func FuzzParseCertificates(f *testing.F) {
	ders := issued(2)
	valid := samltest.PEM(ders[0])
	for _, seed := range []string{
		valid, valid + samltest.PEM(ders[1]) + valid, b64(ders[0]), strings.ReplaceAll(valid, "\n", `\n`), samltest.PEM(expired()),
		valid + "text", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----", b64([]byte{0x30, 3, 2, 1, 0}),
		bagAttributes + valid, printed + strings.ReplaceAll(valid, "\n", "\u200b&#13;\n"), b64([]byte(bagAttributes + valid)), b64(slices.Concat(ders...)),
		b64(ders[0]) + b64(ders[1]), block("PKCS7", ders[0]), block("TRUSTED CERTIFICATE", ders[0]), block("PRIVATE KEY", ders[0]) + valid,
		b64(samltest.NegativeSerial(ders[0])), b64(samltest.Brainpool()), b64(samltest.BrokenDates(ders[0])), b64(samltest.OtherIssuer(ders[0])),
		valid + b64(ders[1]), b64([]byte{0x30, 0x84}), b64([]byte("openssh-key-v1")), "<a/>", "\uFEFF", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		certificates, err := saml.ParseCertificates(text, now)
		if err != nil {
			require.Nil(t, certificates)
			requireMessage(t, err, "")
			return
		}
		require.NotEmpty(t, certificates)
		requireValid(t, certificates)
		require.Equal(t, certificates[0], saml.ParseStored(text, 0, 0))
		require.NotContains(t, text, "BEGIN PRIVATE KEY")
		bounds, err := x509.ParseCertificate(certificates[0].DER)
		if err == nil {
			require.Equal(t, bounds.NotAfter, certificates[0].NotAfter)
		}
	})
}

// TestBoundedMemory parses documents of the largest size that are made to use memory.
func TestBoundedMemory(t *testing.T) {
	fill := func(part string) string {
		return services(strings.Repeat(part, (saml.MaxMetadataBytes-1000)/len(part)))
	}
	attributes := `<SingleSignOnService` + manyAttributes(64) + `/>`
	for name, document := range map[string]string{
		"elements":     fill("<a/>"),
		"attributes":   fill(attributes),
		"one element":  entityAttributes(manyAttributes(100_000)),
		"text":         keys(keyDescriptor("", strings.Repeat("A", saml.MaxMetadataBytes-1000))),
		"comments":     keys(keyDescriptor("", strings.Repeat("A<!---->", saml.MaxMetadataBytes/8-1000))),
		"marks":        strings.Repeat("ï»¿\n", saml.MaxMetadataBytes/7),
		"padding":      strings.Repeat("MAA=", saml.MaxMetadataBytes/4),
		"blocks":       strings.Repeat("-----BEGIN CERTIFICATE-----MAA=-----END CERTIFICATE-----", saml.MaxMetadataBytes/60),
		"in HTML":      html.EscapeString(fill("<a/>"))[:saml.MaxMetadataBytes],
		"in base64":    b64([]byte(fill("<a/>")))[:saml.MaxMetadataBytes],
		"certificates": keys(strings.Repeat(keyDescriptor("", b64(issued(1)[0])), 1500)),
	} {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, len(document), saml.MaxMetadataBytes)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := saml.ParseMetadata([]byte(document), saml.Given{}, now)
			runtime.ReadMemStats(&after)
			require.Equal(t, name == "certificates", err == nil)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(96*saml.MaxMetadataBytes), "garbage included")
		})
	}
}

// Whatever is around a key, it is found: a search that an attacker can blind is none.
func FuzzHasPrivateKey(f *testing.F) {
	for _, seed := range []string{"", "{\"note\": \"", "see the key ", "\u200b", "\\", "\x00", "-----BEGIN CERTIFICATE-----\n", "\xff"} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, before, after []byte) {
		text := slices.Concat(before, []byte("\n-----BEGIN PRIVATE KEY-----\n"), after)
		require.True(t, saml.HasPrivateKey(text))
		quoted, err := json.Marshal(string(text))
		require.NoError(t, err)
		require.True(t, saml.HasPrivateKey(quoted))
	})
}
