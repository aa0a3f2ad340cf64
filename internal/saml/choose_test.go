package saml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func TestWhichIdentityProvider(t *testing.T) {
	t.Parallel()
	named := func(id string) parts {
		p := usual()
		p.entity = fmt.Sprintf("entityID=%q", id)
		return p
	}
	sp := strings.ReplaceAll(usual().String(), "IDPSSO", "SPSSO")
	saml11 := strings.Replace(usual().String(), "SAML:2.0:protocol", "SAML:1.1:protocol", 1)
	two := entities("", named("urn:a"), named("urn:b"))
	nested := `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` + sp + entities("", named("urn:a")) +
		entities("", named("urn:b")) + `</EntitiesDescriptor>`
	var many []parts
	for i := range 30 {
		many = append(many, named(fmt.Sprintf("urn:%d:%s", i, strings.Repeat("ü", 1000))))
	}
	other := strings.Replace(fmt.Sprintf(idpRole, "", "", service("SingleSignOnService", "HTTP-POST", "https://old.example.com")),
		"SAML:2.0:protocol", "SAML:1.1:protocol", 1)
	same := entities("", usual(), usual())
	roles := strings.Replace(usual().String(), "<IDPSSO", fmt.Sprintf(idpRole, "", "", "")+"<IDPSSO", 1)
	beside := strings.Replace(entities("", named("urn:b")), "<EntityD", roles+"<EntityD", 1)
	nameless := entityAttributes("")
	for name, tt := range map[string]struct {
		document, entityID string
		want, message      string
	}{
		"the only one":               {usual().String(), "", "urn:idp", ""},
		"the only one, named":        {usual().String(), "urn:idp", "urn:idp", ""},
		"the only one in a group":    {nestedGroups(30, usual()), "", "urn:idp", ""},
		"the first of two":           {two, "urn:a", "urn:a", ""},
		"the second of two":          {two, "urn:b", "urn:b", ""},
		"in an inner group":          {nested, "urn:b", "urn:b", ""},
		"white space around":         {entityAttributes(`entityID=" urn:idp&#10;"`), "urn:idp", "urn:idp", ""},
		"several protocols":          {strings.Replace(usual().String(), `n="urn`, `n="urn:o  urn`, 1), "", "urn:idp", ""},
		"a role of SAML 1.1 as well": {strings.Replace(usual().String(), "<IDPSSO", other+"<IDPSSO", 1), "", "urn:idp", ""},
		"beside two roles":           {beside, "urn:b", "urn:b", ""},
		"without a name, one named":  {nameless, "urn:b", "urn:b", ""},
		"longest name":               {entityAttributes(fmt.Sprintf("entityID=%q", strings.Repeat("ü", 1024))), "", strings.Repeat("ü", 1024), ""},

		"two, none named":      {two, "", "", `describes more than one identity provider; name one of them in entity_id: "urn:a", "urn:b"`},
		"two, another named":   {two, "urn:c", "", `that entity_id names, but "urn:a", "urn:b"`},
		"one, another named":   {usual().String(), "urn:IDP", "", `that entity_id names, but "urn:idp"`},
		"names are clipped":    {entities("", many...), "", "", `"urn:0:` + strings.Repeat("ü", 58) + `…", "urn:1`},
		"names are few":        {entities("", many...), "urn:0", "", ` and 25 more`},
		"the same twice":       {same, "", "", `describes the identity provider "urn:idp" more than once, (line 1, column 70) and (line 1, column`},
		"the same, named":      {same, "urn:idp", "", `describes the identity provider "urn:idp" more than once`},
		"the same and another": {entities("", usual(), usual(), named("urn:b")), "urn:idp", "", "more than once"},
		"two roles":            {roles, "", "", `has more than one IDPSSODescriptor, (line 1, column 83) and (line 1, column`},
		"two roles, named":     {roles, "urn:idp", "", `in the entity "urn:idp", and nothing says which one is in use; leave only that one, or send the values one by one`},
		"empty group":          {entities(""), "", "", "describes no SAML 2.0 identity provider"},
		"service provider":     {sp, "", "", "not that of SendGrid or another service provider"},
		"SAML 1.1":             {saml11, "", "", "describes no SAML 2.0 identity provider"},
		"no protocol":          {strings.Replace(usual().String(), "protocolSupport", "noProtocol", 1), "", "", "describes no SAML 2.0"},
		"WS-Federation alone":  {strings.ReplaceAll(usual().String(), "IDPSSODescriptor", "RoleDescriptor"), "", "", "describes no SAML 2.0"},

		"no entity id":         {nameless, "", "", "has an EntityDescriptor (line 1, column 1) whose entityID is missing or empty; send entity_id in addition"},
		"empty entity id":      {entityAttributes(`entityID=" "`), "", "", "whose entityID is missing or empty"},
		"two, one has no id":   {strings.Replace(two, ` entityID="urn:b"`, "", 1), "urn:b", "", `that entity_id names, but "urn:a", ""`},
		"space within":         {entityAttributes(`entityID="urn: idp"`), "", "urn: idp", ""},
		"control character":    {entityAttributes("entityID=\"urn:\u0085idp\""), "", "", "must not contain control characters; change it at the identity provider, or send the values one by one"},
		"too long":             {entityAttributes(fmt.Sprintf("entityID=%q", strings.Repeat("ü", 1025))), "", "", "whose entityID must have at most 1024 characters, has 1025"},
		"template":             {entityAttributes(`entityID="https://sts.windows.net/{tenantid}/"`), "", "", "is a template for all tenants"},
		"template, one named":  {entityAttributes(`entityID="https://sts.windows.net/{tenantid}/"`), "https://sts.windows.net/7/", "", `("https://sts.windows.net/{tenantid}/"); send the metadata of your own tenant`},
		"template among other": {entities("", named("urn:{x}"), usual()), "urn:{x}", "", "is a template for all tenants"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := saml.ParseMetadata([]byte(tt.document), saml.Given{EntityID: tt.entityID}, now)
			if tt.message != "" {
				requireMessage(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			require.Equal(t, &saml.Metadata{EntityID: tt.want, SigninURL: signin}, m)
		})
	}
}
