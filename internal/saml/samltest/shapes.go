package samltest

// The shapes, written after what the products' documentation describes. Placeholders are
// those of text/template with the fields of Params; html escapes a value for XML.

// Entra: byte order mark, default namespace, signature, WS-Federation roles that repeat the
// certificates, HTTP-Redirect before HTTP-POST.
const entra = "\uFEFF" + `<?xml version="1.0" encoding="utf-8"?>` +
	`<EntityDescriptor ID="_7d4f1c0e" entityID="{{html .EntityID}}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` +
	`<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo>` +
	`<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#" />` +
	`<Reference URI="#_7d4f1c0e"><DigestValue>bm90IGNoZWNrZWQ=</DigestValue></Reference></SignedInfo>` +
	`<SignatureValue>bm90IGNoZWNrZWQ=</SignatureValue>` +
	`<KeyInfo><X509Data><X509Certificate>{{base64 .Encryption}}</X509Certificate></X509Data></KeyInfo></Signature>` +
	entraRole + `xsi:type="fed:SecurityTokenServiceType"` + entraRoleKeys + entraRole + `xsi:type="fed:ApplicationServiceType"` + entraRoleKeys +
	`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + entraKeys +
	`<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}" />` +
	`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect" />` +
	`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}" />` +
	`</IDPSSODescriptor></EntityDescriptor>`

const (
	entraRole = `<RoleDescriptor xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
		`xmlns:fed="http://docs.oasis-open.org/wsfed/federation/200706" ` +
		`protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706" `
	entraRoleKeys = `>` + entraKeys + `<fed:PassiveRequestorEndpoint><EndpointReference xmlns="http://www.w3.org/2005/08/addressing">` +
		`<Address>{{html .SigninURL}}/wsfed</Address></EndpointReference></fed:PassiveRequestorEndpoint></RoleDescriptor>`
	entraKeys = `{{range .Certificates}}<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#">` +
		`<X509Data><X509Certificate>{{base64 .}}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>{{end}}`
)

// ADFS: no XML declaration, a service provider and an identity provider in one entity, an
// encryption key before the signing keys.
const adfs = `<EntityDescriptor ID="_3b" entityID="{{html .EntityID}}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata">` +
	`<SPSSODescriptor WantAssertionsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + adfsEncryption +
	`<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>` +
	`<X509Certificate>{{base64 .Encryption}}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>` +
	`<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SignoutURL}}/sp"/>` +
	`<AssertionConsumerService index="0" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}/acs"/>` +
	`</SPSSODescriptor>` +
	`<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` + adfsEncryption + entraKeys +
	`<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}/redirect"/>` +
	`<SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SignoutURL}}"/>` +
	`<NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>` +
	`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>` +
	`<SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>` +
	`<Attribute xmlns="urn:oasis:names:tc:SAML:2.0:assertion" Name="http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress" FriendlyName="E-Mail Address"/>` +
	`</IDPSSODescriptor><ContactPerson contactType="support"/></EntityDescriptor>`

const adfsEncryption = `<KeyDescriptor use="encryption"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>` +
	`<X509Certificate>{{base64 .Encryption}}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>`

// Okta: prefix md, certificate in indented lines, no single logout.
const okta = `<?xml version="1.0" encoding="UTF-8"?><md:EntityDescriptor entityID="{{html .EntityID}}" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` +
	`<md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
	`{{range .Certificates}}<md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>` +
	`<ds:X509Certificate>{{lines "\n          " .}}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{{end}}` +
	`<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified</md:NameIDFormat>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>` +
	`</md:IDPSSODescriptor></md:EntityDescriptor>`

// Google: validUntil, certificate in lines, no single logout.
const google = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{{html .EntityID}}" validUntil="{{time .ValidUntil}}">
  <md:IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    {{range .Certificates}}<md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data>
          <ds:X509Certificate>{{lines "\n" .}}
</ds:X509Certificate>
        </ds:X509Data>
      </ds:KeyInfo>
    </md:KeyDescriptor>{{end}}
    <md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</md:NameIDFormat>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`

// OneLogin: certificate in lines, HTTP-Redirect, HTTP-POST twice, SOAP.
const oneLogin = `<?xml version="1.0"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{{html .EntityID}}">
  <IDPSSODescriptor xmlns:ds="http://www.w3.org/2000/09/xmldsig#" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    {{range .Certificates}}<KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data>
          <ds:X509Certificate>{{lines "\n" .}}</ds:X509Certificate>
        </ds:X509Data>
      </ds:KeyInfo>
    </KeyDescriptor>{{end}}
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}"/>
    <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{{html .SigninURL}}/soap"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}/second"/>
  </IDPSSODescriptor>
</EntityDescriptor>
`

const keycloakEntity = `<md:EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` +
	`xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{{html .EntityID}}">` +
	`<md:IDPSSODescriptor WantAuthnRequestsSigned="true" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
	`<md:ArtifactResolutionService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{{html .SigninURL}}/resolve" index="0"/>` +
	`<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SignoutURL}}"/>` +
	`<md:SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}/redirect"/>` +
	`<md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</md:NameIDFormat>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>` +
	`<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>` +
	`{{range .Certificates}}<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:KeyName>kid</ds:KeyName><ds:X509Data>` +
	`<ds:X509Certificate>{{base64 .}}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>{{end}}` +
	`</md:IDPSSODescriptor></md:EntityDescriptor>`

// Keycloak: key descriptors after the services.
const keycloak = keycloakEntity

// Keycloak before version 17: the entity in an EntitiesDescriptor.
const keycloakWrapped = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
	`<EntitiesDescriptor Name="urn:keycloak" xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:dsig="http://www.w3.org/2000/09/xmldsig#">` +
	keycloakEntity + `</EntitiesDescriptor>`

// Shibboleth: no use attribute, several protocols, the first bindings not of SAML 2.0,
// extensions, an AttributeAuthorityDescriptor with another certificate.
const shibboleth = `<?xml version="1.0" encoding="UTF-8"?>
<!-- Change this to fit the deployment. -->
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:shibmd="urn:mace:shibboleth:metadata:1.0" xmlns:mdui="urn:oasis:names:tc:SAML:metadata:ui" entityID="{{html .EntityID}}">
    <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol urn:oasis:names:tc:SAML:1.1:protocol urn:mace:shibboleth:1.0">
        <Extensions>
            <shibmd:Scope regexp="false">example.org</shibmd:Scope>
            <mdui:UIInfo><mdui:DisplayName xml:lang="en">Université</mdui:DisplayName></mdui:UIInfo>
        </Extensions>
        {{range .Certificates}}<KeyDescriptor>
            <ds:KeyInfo>
                <ds:X509Data>
                    <ds:X509Certificate>
{{lines "\n" .}}
                    </ds:X509Certificate>
                </ds:X509Data>
            </ds:KeyInfo>
        </KeyDescriptor>{{end}}
        <KeyDescriptor use="encryption">
            <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{{base64 .Encryption}}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
        </KeyDescriptor>
        <ArtifactResolutionService Binding="urn:oasis:names:tc:SAML:1.0:bindings:SOAP-binding" Location="{{html .SigninURL}}/artifact" index="1"/>
        <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{{html .SignoutURL}}/soap"/>
        <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}"/>
        <SingleSignOnService Binding="urn:mace:shibboleth:1.0:profiles:AuthnRequest" Location="{{html .SigninURL}}/shibboleth"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign" Location="{{html .SigninURL}}/simple"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}/redirect"/>
    </IDPSSODescriptor>
    <AttributeAuthorityDescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">
        <KeyDescriptor use="signing">
            <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{{base64 .Encryption}}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>
        </KeyDescriptor>
    </AttributeAuthorityDescriptor>
</EntityDescriptor>
`

// OpenAM: ResponseLocation beside Location, HTTP-Redirect alone.
const openAM = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<EntityDescriptor entityID="{{html .EntityID}}" xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:query="urn:oasis:names:tc:SAML:metadata:ext:query">
    <IDPSSODescriptor WantAuthnRequestsSigned="false" protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
        {{range .Certificates}}<KeyDescriptor use="signing">
            <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
                <ds:X509Data>
                    <ds:X509Certificate>{{lines "\n" .}}
                    </ds:X509Certificate>
                </ds:X509Data>
            </ds:KeyInfo>
        </KeyDescriptor>{{end}}
        <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SignoutURL}}" ResponseLocation="{{html .SignoutURL}}/response"/>
        <ManageNameIDService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{{html .SigninURL}}/manage" ResponseLocation="{{html .SigninURL}}/manage"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{{html .SigninURL}}"/>
        <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="{{html .SigninURL}}/soap"/>
    </IDPSSODescriptor>
</EntityDescriptor>
`
