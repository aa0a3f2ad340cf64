package request_test

import (
	"context"
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	metadataEntityID = "http://www.okta.com/exkmeta"
	metadataSignin   = "https://example.okta.com/app/exkmeta/sso/saml"
)

// newCertificate returns the DER of a certificate that is valid now.
func newCertificate(t *testing.T) []byte {
	t.Helper()
	_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	return der
}

// metadataDocument is metadata in Okta's shape.
func metadataDocument(t *testing.T, certificates ...[]byte) string {
	t.Helper()
	for _, shape := range samltest.Shapes() {
		if strings.Contains(shape.Name, "Okta") {
			return string(shape.Build(samltest.Params{EntityID: metadataEntityID, SigninURL: metadataSignin, Certificates: certificates}))
		}
	}
	require.FailNow(t, "there is no such shape")
	return ""
}

func TestParseReadsCertificates(t *testing.T) {
	t.Parallel()
	one, two := newCertificate(t), newCertificate(t)
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"a PEM block":        {samltest.PEM(one), 1},
		"two PEM blocks":     {samltest.PEM(one) + samltest.PEM(two), 2},
		"the same one twice": {samltest.PEM(one) + samltest.PEM(one), 1},
		"bare base64":        {base64.StdEncoding.EncodeToString(one), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(with("public_certificate", quote(tt.text))), time.Now())
			require.NoError(t, err)
			require.Len(t, r.Certificates, tt.want)
			require.Equal(t, one, r.Certificates[0].DER)
		})
	}
}

// One request with name, enabled and metadata is enough, and a field of the request wins.
func TestParseReadsMetadata(t *testing.T) {
	t.Parallel()
	certificate, other := newCertificate(t), newCertificate(t)
	document := metadataDocument(t, certificate)
	parse := func(also map[string]string) request.Request {
		values := map[string]string{"name": `"Okta"`, "enabled": "true", "saml_metadata": quote(document)}
		for name, value := range also {
			values[name] = value
		}
		r, err := request.Parse([]byte(object(values)), time.Now())
		require.NoError(t, err)
		return r
	}
	r := parse(nil)
	require.Equal(t, metadataEntityID, r.EntityID)
	require.Equal(t, metadataSignin, r.SigninURL)
	require.Empty(t, r.SignoutURL)
	require.Len(t, r.Certificates, 1)
	require.Equal(t, certificate, r.Certificates[0].DER)

	r = parse(map[string]string{
		"signin_url": `"https://other.example.com/"`, "signout_url": `"https://out.example.com/"`,
		"public_certificate": quote(samltest.PEM(other)),
	})
	require.Equal(t, "https://other.example.com/", r.SigninURL)
	require.Equal(t, "https://out.example.com/", r.SignoutURL)
	require.Equal(t, other, r.Certificates[0].DER)
}

// On the day on which the certificate in the metadata has expired, a field of the request helps.
func TestMetadataIsNotJudgedForWhatIsGiven(t *testing.T) {
	t.Parallel()
	_, expired := samltest.NewKeyPair("idp", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	document := strings.ReplaceAll(metadataDocument(t, expired), metadataSignin, "http://example.okta.com")
	require.Contains(t, document, "http://example.okta.com")
	own := map[string]string{"name": `"Okta"`, "enabled": "true", "signin_url": `"https://own.example/"`, "public_certificate": quote(samltest.PEM(newCertificate(t)))}
	for _, source := range []string{"saml_metadata", "saml_metadata_url"} {
		for _, left := range []string{"", "signin_url", "public_certificate"} {
			t.Run(source+" without "+left, func(t *testing.T) {
				t.Parallel()
				values := maps.Clone(own)
				delete(values, left)
				values[source] = map[string]string{"saml_metadata": quote(document), "saml_metadata_url": `"https://example.okta.com/m"`}[source]
				parsed, err := request.Parse([]byte(object(values)), time.Now())
				var r request.Resolved
				if err == nil {
					r, err = parsed.Resolve(t.Context(), fakeFetcher{document: document})
				}
				if left != "" {
					require.ErrorContains(t, err, "send")
					require.ErrorContains(t, err, left+" in addition")
					return
				}
				require.NoError(t, err)
				require.Equal(t, metadataEntityID, r.EntityID)
				require.Equal(t, "https://own.example/", r.SigninURL)
				require.Len(t, r.Certificates, 1)
			})
		}
	}
}

func TestParseRefusesCertificatesAndMetadata(t *testing.T) {
	t.Parallel()
	key, der := samltest.NewKeyPair("idp", time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour))
	_ = key
	document := metadataDocument(t, newCertificate(t))
	for name, tt := range map[string]struct {
		values  map[string]string
		field   string
		message string
	}{
		"an expired certificate":       {map[string]string{"public_certificate": quote(samltest.PEM(der))}, "public_certificate", "expired"},
		"no certificate":               {map[string]string{"public_certificate": `"abc"`}, "public_certificate", ""},
		"an empty certificate":         {map[string]string{"public_certificate": `""`}, "public_certificate", "empty"},
		"a number":                     {map[string]string{"public_certificate": "1"}, "public_certificate", "must be a string"},
		"metadata that is no XML":      {map[string]string{"saml_metadata": `"hello"`}, "saml_metadata", "saml_metadata_url"},
		"metadata with a DOCTYPE":      {map[string]string{"saml_metadata": quote("<!DOCTYPE x>" + document)}, "saml_metadata", "DOCTYPE"},
		"metadata of another entity":   {map[string]string{"saml_metadata": quote(document), "entity_id": `"urn:other"`}, "saml_metadata", ""},
		"metadata in metadata":         {map[string]string{"metadata": quote(document)}, "metadata", "saml_metadata"},
		"metadata, twice":              {map[string]string{"saml_metadata": quote(document), "entity_id": quote(metadataEntityID), "saml_metadata_url": `"https://example.okta.com/m"`}, "saml_metadata_url", "together with"},
		"a metadata URL that is empty": {map[string]string{"saml_metadata_url": `""`}, "saml_metadata_url", "empty"},
		"a metadata URL without https": {map[string]string{"saml_metadata_url": `"http://example.okta.com/m"`}, "saml_metadata_url", "https"},
		"an unknown if_exists":         {map[string]string{"if_exists": `"replace"`}, "if_exists", `"conflict", "update" or "restore"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := fields()
			for field, value := range tt.values {
				values[field] = value
			}
			_, err := request.Parse([]byte(object(values)), time.Now())
			e := requireCode(t, problem.InvalidRequest, err)
			require.Len(t, e.Fields, 1)
			require.Equal(t, tt.field, e.Fields[0].Field)
			require.Contains(t, e.Fields[0].Message, tt.message)
		})
	}
}

func TestParsePointsXMLToItsField(t *testing.T) {
	t.Parallel()
	_, err := request.Parse([]byte("\ufeff <?xml version=\"1.0\"?>"+metadataDocument(t)), time.Now())
	require.Contains(t, requireCode(t, problem.InvalidJSON, err).Message, "saml_metadata")
}

// fakeFetcher is a saml.Fetcher that returns one document, or fails.
type fakeFetcher struct {
	refuse, err error
	document    string
}

func (f fakeFetcher) CheckURL(string) error { return f.refuse }

func (f fakeFetcher) Fetch(context.Context, string) ([]byte, error) {
	return []byte(f.document), f.err
}

func TestResolve(t *testing.T) {
	t.Parallel()
	const body = `{"name":"Okta","enabled":true,"saml_metadata_url":"https://example.okta.com/m"}`
	document := metadataDocument(t, newCertificate(t))
	for name, tt := range map[string]struct {
		fetcher request.Fetcher
		body    string
		code    problem.Code
	}{
		"fetched":           {fakeFetcher{document: document}, body, ""},
		"refused":           {fakeFetcher{refuse: &saml.Error{Message: "is not on a host"}}, body, problem.InvalidRequest},
		"no fetcher":        {nil, body, problem.InvalidRequest},
		"unavailable":       {fakeFetcher{err: &saml.FetchError{Retryable: true, Message: "could not be fetched"}}, body, problem.MetadataUnavailable},
		"unusable response": {fakeFetcher{err: &saml.FetchError{Message: "returned status 404"}}, body, problem.InvalidMetadata},
		"unusable document": {fakeFetcher{document: "<html/>"}, body, problem.InvalidMetadata},
		"another entity":    {fakeFetcher{document: document}, strings.Replace(body, "{", `{"entity_id":"urn:other",`, 1), problem.InvalidMetadata},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := request.Parse([]byte(tt.body), time.Now())
			require.NoError(t, err)
			resolved, err := r.Resolve(t.Context(), tt.fetcher)
			if tt.code != "" {
				e := requireCode(t, tt.code, err)
				require.Equal(t, tt.code == problem.MetadataUnavailable, e.Retryable())
				if f, ok := tt.fetcher.(fakeFetcher); ok && f.err != nil {
					require.ErrorIs(t, e, f.err, "the log has the cause")
				}
				if tt.code == problem.InvalidMetadata { // What only the identity provider could change has a way round.
					require.Contains(t, e.Message, "leave saml_metadata_url out and send")
				}
				return
			}
			require.NoError(t, err)
			require.Equal(t, metadataEntityID, resolved.EntityID)
			require.Empty(t, resolved.SAMLMetadataURL)
			require.Len(t, resolved.Certificates, 1)
		})
	}
}
