package saml_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

func BenchmarkParseMetadata(b *testing.B) {
	ders := issued(2)
	for _, shape := range samltest.Shapes() {
		b.Run(strings.ReplaceAll(shape.Name, " ", "_"), func(b *testing.B) {
			document := shape.Build(samltest.Params{EntityID: entityID, SigninURL: signin, SignoutURL: signout, Certificates: ders})
			_, err := saml.ParseMetadata(document, saml.Given{}, now)
			require.NoError(b, err)
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := saml.ParseMetadata(document, saml.Given{}, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
