package saml

import "fmt"

// fault is what is wrong with the text of a certificate, and what to do about it.
type fault struct {
	// problem is a predicate, like the Message of an [Error].
	problem string
	// advice is for whoever sends the certificate itself.
	advice string
	// converts reports whether advice helps whoever sends it within SAML metadata, too.
	converts bool
}

const signingCertificate = "send the identity provider's signing certificate"

var (
	isPrivateKey = &fault{problem: "contains a private key: never send one, and replace this one if it is in use",
		advice: "send the identity provider's certificate"}
	isRequest   = &fault{problem: "is a certificate request, not a certificate", advice: signingCertificate}
	isPublicKey = &fault{problem: "is a public key, not a certificate", advice: signingCertificate}
	isNeither   = &fault{problem: "must be PEM (-----BEGIN CERTIFICATE-----) or the base64 text of certificates, and nothing else",
		advice: "copy the whole certificate from the identity provider"}
	isMarkup = &fault{problem: "is XML", advice: "send SAML metadata as saml_metadata, or only the text of its X509Certificate element"}
	isPKCS7  = &fault{problem: "is a PKCS #7 bundle, not a certificate", converts: true,
		advice: "convert it with openssl pkcs7 -print_certs -in bundle.p7b -out idp.pem (-inform DER if the file is binary)"}
	isCMS = &fault{problem: "is a CMS bundle, not a certificate", converts: true,
		advice: "convert it with openssl cms -cmsout -inform PEM -in bundle.pem -noout -certsout idp.pem"}
	isTrusted = &fault{problem: "is a TRUSTED CERTIFICATE of OpenSSL, which has more in it than the certificate", converts: true,
		advice: "convert it with openssl x509 -in trusted.pem -out idp.pem"}
)

// error returns the error for whoever sends the certificate itself.
func (f *fault) error() *Error {
	if f.advice == "" {
		return &Error{Message: f.problem}
	}
	return &Error{Message: f.problem + "; " + f.advice, PrivateKey: f.isSecret()}
}

// within returns the error for whoever sends it in SAML metadata.
func (f *fault) within(c *element) *Error {
	text := fmt.Sprintf("has an X509Certificate %s that %s; ", c.at, f.problem)
	switch {
	case f.isSecret():
		return &Error{Message: text + "take it out", PrivateKey: true}
	case f.converts:
		text += f.advice + "; "
	}
	return &Error{Message: text + orCertificate}
}

func (f *fault) isSecret() bool { return f.problem == isPrivateKey.problem }

// numbered returns the fault of item i of count, naming its number where there are several.
func (f *fault) numbered(i, count int) *fault {
	if count <= 1 || f.isSecret() {
		return f
	}
	return &fault{fmt.Sprintf("number %d %s", i+1, f.problem), f.advice, f.converts}
}
