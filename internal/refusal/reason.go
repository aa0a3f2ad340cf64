package refusal

// Code names a reason for a refusal.
type Code string

// The reasons, in the order in which they are reported.
const (
	// NotReadable means that the text is neither XML nor XML in base64.
	NotReadable Code = "NotReadable"
	// NotAResponse means that it is another XML document.
	NotAResponse Code = "NotAResponse"
	// IntegrationDisabled means that nobody can log in with the integration.
	IntegrationDisabled Code = "IntegrationDisabled"
	// StatusNotSuccess means that the identity provider did not log the person in.
	StatusNotSuccess Code = "StatusNotSuccess"
	// NoAssertion means that the response says nothing about a person.
	NoAssertion Code = "NoAssertion"
	// AssertionEncrypted means that the assertion is encrypted, which SendGrid does not support.
	AssertionEncrypted Code = "AssertionEncrypted"
	// SeveralAssertions means that there is more than one assertion.
	SeveralAssertions Code = "SeveralAssertions"
	// AssertionIncomplete means that the assertion lacks a part that SAML wants in a login.
	AssertionIncomplete Code = "AssertionIncomplete"
	// IssuerDiffers means that the issuer is not the integration's entity_id.
	IssuerDiffers Code = "IssuerDiffers"
	// RecipientDiffers means that the response is for another URL than the integration's.
	RecipientDiffers Code = "RecipientDiffers"
	// AudienceDiffers means that the assertion is for another audience than the integration.
	AudienceDiffers Code = "AudienceDiffers"
	// NotSigned means that neither the response nor the assertion is signed.
	NotSigned Code = "NotSigned"
	// NoCertificate means that the integration has no certificate.
	NoCertificate Code = "NoCertificate"
	// CertificateUnreadable means that SendGrid returned only certificates in a form that is not one.
	CertificateUnreadable Code = "CertificateUnreadable"
	// CertificateUnknown means that the response is signed with a certificate that the integration lacks.
	CertificateUnknown Code = "CertificateUnknown"
	// CertificateExpired means that the certificate is not valid any more.
	CertificateExpired Code = "CertificateExpired"
	// CertificateNotYetValid means that the certificate is valid only later.
	CertificateNotYetValid Code = "CertificateNotYetValid"
	// SignatureWrong means that the signature does not fit the content or the certificate.
	SignatureWrong Code = "SignatureWrong"
	// ResponseNotYetValid means that the response is valid only later.
	ResponseNotYetValid Code = "ResponseNotYetValid"
	// ResponseExpired means that the response is not valid any more.
	ResponseExpired Code = "ResponseExpired"
	// NoNameID means that the assertion does not name the person.
	NoNameID Code = "NoNameID"
	// NameIDNotEmail means that it names the person by something else than an email address.
	NameIDNotEmail Code = "NameIDNotEmail"
	// Refused means that the simulator refuses the response for a reason that has no code.
	Refused Code = "Refused"
)

// Codes returns every code.
func Codes() []Code {
	return []Code{
		NotReadable, NotAResponse, IntegrationDisabled, StatusNotSuccess, NoAssertion, AssertionEncrypted, SeveralAssertions, AssertionIncomplete,
		IssuerDiffers, RecipientDiffers, AudienceDiffers, NotSigned, NoCertificate, CertificateUnreadable, CertificateUnknown,
		CertificateExpired, CertificateNotYetValid, SignatureWrong, ResponseNotYetValid, ResponseExpired, NoNameID, NameIDNotEmail, Refused,
	}
}

// Reason is why a response is refused: one sentence on what is wrong, and one on what to do.
type Reason struct {
	Code  Code
	Wrong string
	Do    string
}
