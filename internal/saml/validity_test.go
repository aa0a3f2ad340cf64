package saml_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

func TestValidUntil(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ value, message string }{
		"later":             {"2026-07-14T12:00:01Z", ""},
		"later, fraction":   {"2026-07-14T12:00:00.001Z", ""},
		"later, with zone":  {"2026-07-14T10:00:01-02:00", ""},
		"later, no zone":    {"2026-07-14T12:00:01", ""},
		"later, +0000":      {"2026-07-14T12:00:01+0000", ""},
		"later, -0200":      {"2026-07-14T10:00:01.5-0200", ""},
		"later, +00":        {"2026-07-14T12:00:01+00", ""},
		"end of the day":    {"2026-07-14T24:00:00Z", ""},
		"year 292278994":    {"292278994-08-17T07:12:55.807Z", ""},
		"year 1, not set":   {"0001-01-01T00:00:00Z", ""},
		"year 1, in a zone": {"0001-01-01T00:00:00+01:00", ""},
		"earlier, +0200":    {"2026-07-14T13:59:59+0200", "expired on 2026-07-14"},
		"earlier, no zone":  {"2026-07-14T11:59:59", "expired on 2026-07-14"},
		"end of yesterday":  {"2026-07-13T24:00:00Z", "expired on 2026-07-14"},
		"year 2":            {"0002-01-01T00:00:00Z", "expired on 0002-01-01"},
		"now":               {"2026-07-14T12:00:00Z", "expired on 2026-07-14 (validUntil of its "},
		"earlier":           {"2025-12-31T23:59:59.999Z", "get the current one from the identity provider, or send the values one by one"},
		"earlier with zone": {"2026-07-14T13:00:00+02:00", "expired on 2026-07-14"},
		"date alone":        {"2099-01-01", `has the validUntil "2099-01-01" in its `},
		"word":              {"never", "which is not a date and time like 2036-06-15T03:03:01Z; correct it, or send the values one by one"},
		"long word":         {strings.Repeat("ü", 65), `"` + strings.Repeat("ü", 64) + `…"`},
		"year of letters":   {"2O299-01-01T00:00:00Z", "which is not a date and time"},
	} {
		attribute := fmt.Sprintf(` validUntil=%q`, tt.value)
		for place, document := range map[string]string{
			"entity":      entityAttributes(`entityID="urn:idp"` + attribute),
			"role":        roleAttributes(attribute),
			"group":       entities(attribute, usual()),
			"outer group": `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata"` + attribute + `>` + entities("", usual()) + `</EntitiesDescriptor>`,
		} {
			t.Run(name+" on "+place, func(t *testing.T) {
				t.Parallel()
				_, err := saml.ParseMetadata([]byte(document), saml.Given{}, now)
				if tt.message != "" {
					requireMessage(t, err, tt.message)
					return
				}
				require.NoError(t, err)
			})
		}
	}
	past := samltest.Params{EntityID: entityID, SigninURL: signin, ValidUntil: now.Add(-time.Hour)}
	other := usual()
	other.entity += ` validUntil="2020-01-01T00:00:00Z"`
	for _, shape := range samltest.Shapes() {
		if shape.Name == "Google" {
			_, err := saml.ParseMetadata(shape.Build(past), saml.Given{}, now)
			requireMessage(t, err, "expired on 2026-07-14")
		}
	}
	sibling := usual()
	sibling.entity = `entityID="urn:sibling"`
	_, err := saml.ParseMetadata([]byte(entities("", other, sibling)), saml.Given{EntityID: "urn:sibling"}, now)
	require.NoError(t, err, "another one's validity does not count")
}
