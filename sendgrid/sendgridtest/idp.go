package sendgridtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// IDP is a SAML 2.0 identity provider with one signing key. A second one with the same entity
// id is the provider after a rotation of its key.
type IDP struct {
	// Certificate is the self-signed certificate of the signing key.
	Certificate *x509.Certificate
	provider    saml.IdentityProvider
}

// NewIDP returns an identity provider with a new key, whose certificate is valid from notBefore
// to notAfter. The entity id has to be a URL.
func NewIDP(entityID string, notBefore, notAfter time.Time) (*IDP, error) {
	address, err := url.Parse(entityID)
	if err != nil {
		return nil, fmt.Errorf("read the entity id: %w", err)
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "IdP for tests"},
		NotBefore:    notBefore,
		NotAfter:     notAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &IDP{Certificate: certificate, provider: saml.IdentityProvider{
		Key:             key,
		Certificate:     certificate,
		MetadataURL:     *address, // It is the entity id.
		SignatureMethod: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
	}}, nil
}

// PEM returns the certificate as one PEM block.
func (p *IDP) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate.Raw}))
}

// Metadata returns the SAML metadata of a provider with this key and entity id, where people sign in
// at a URL.
func (p *IDP) Metadata(entityID, signin url.URL) (described *saml.EntityDescriptor) {
	provider := &saml.IdentityProvider{Certificate: p.Certificate, MetadataURL: entityID, SSOURL: signin}
	withClock(time.Now(), func() { described = provider.Metadata() })
	return described
}

// Respond returns the SAML response, in XML, that logs a person in at the service provider with
// the entity id audience, for its assertion consumer service at consumer.
func (p *IDP) Respond(audience, consumer, nameID string) (response []byte, err error) {
	withClock(time.Now(), func() { response, err = p.respond(audience, consumer, nameID) })
	return response, err
}

func (p *IDP) respond(audience, consumer, nameID string) ([]byte, error) {
	service := saml.IndexedEndpoint{Binding: saml.HTTPPostBinding, Location: consumer}
	descriptor := saml.SPSSODescriptor{AssertionConsumerServices: []saml.IndexedEndpoint{service}}
	request := &saml.IdpAuthnRequest{
		IDP:                     &p.provider,
		HTTPRequest:             &http.Request{},
		Now:                     saml.TimeNow(),
		ServiceProviderMetadata: &saml.EntityDescriptor{EntityID: audience, SPSSODescriptors: []saml.SPSSODescriptor{descriptor}},
		SPSSODescriptor:         &descriptor,
		ACSEndpoint:             &service,
	}
	session := &saml.Session{
		CreateTime: saml.TimeNow(), Index: "1",
		NameID: nameID, NameIDFormat: string(saml.EmailAddressNameIDFormat), UserEmail: nameID,
	}
	if err := (saml.DefaultAssertionMaker{}).MakeAssertion(request, session); err != nil {
		return nil, err
	}
	form, err := request.PostBinding()
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(form.SAMLResponse)
}

// Sign returns a copy of an element of a SAML response with the provider's signature. Tests forge
// responses with it.
func (p *IDP) Sign(element *etree.Element) (*etree.Element, error) {
	keys := dsig.TLSCertKeyStore(tls.Certificate{Certificate: [][]byte{p.Certificate.Raw}, PrivateKey: p.provider.Key})
	signing := dsig.NewDefaultSigningContext(keys)
	signing.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	return signing.SignEnveloped(element)
}
