package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
)

// Finding is something about a connection, or a teammate, that a person should know.
type Finding struct {
	Code provision.WarningCode `json:"code,omitempty"`
	// IntegrationID is SendGrid's id of the integration, empty if the finding is about none.
	IntegrationID string `json:"integration_id,omitempty"`
	// Email is that of the teammate whom the finding is about, empty if it is about none.
	Email string `json:"email,omitempty"`
	// Message says what was found and what to do, for people.
	Message string `json:"message,omitempty"`
	// Changes are what somebody changed, with the code Drifted.
	Changes []problem.Change `json:"changes,omitempty"`
	// Kept is the declaration of the teammate, nil if the ledger keeps none, or the finding comes from it.
	Kept *request.KeptTeammate `json:"-"`

	// known is the identity of a finding from the ledger, which may lack the fields that the identity is made of.
	known string
}

// The findings of an audit, in addition to the warnings that a result may also have.
const (
	// CertificatesExpired means that every certificate has expired.
	CertificatesExpired provision.WarningCode = "CertificatesExpired"
	// CertificateUnreadable means that SendGrid returned a certificate in a form that is not
	// one. If it reports the dates of it, they count.
	CertificateUnreadable provision.WarningCode = "CertificateUnreadable"
	// CertificatesUnknown means that the connection could not be audited.
	CertificatesUnknown provision.WarningCode = "CertificatesUnknown"
	// CertificateMissing means that SendGrid lacks a certificate that was requested, or supplied.
	CertificateMissing provision.WarningCode = "CertificateMissing"
	// CertificateRetirable means that SendGrid accepts a certificate that the SAML metadata has lacked for a
	// week.
	CertificateRetirable provision.WarningCode = "CertificateRetirable"
	// UnknownCertificate means that SendGrid has a certificate that nobody requested.
	UnknownCertificate provision.WarningCode = "UnknownCertificate"
	// DuplicateEntityID means that several integrations have the entity id.
	DuplicateEntityID provision.WarningCode = "DuplicateEntityID"
	// MetadataChanged means that the SAML metadata at the URL is not what may be applied.
	MetadataChanged provision.WarningCode = "MetadataChanged"
	// MetadataUnavailable means that it could not be read for three days.
	MetadataUnavailable provision.WarningCode = "MetadataUnavailable"
	// RequestUnfinished means that a request stopped before its last step.
	RequestUnfinished provision.WarningCode = "RequestUnfinished"
	// PasswordTeammate means that somebody can log in without SSO.
	PasswordTeammate provision.WarningCode = "PasswordTeammate"
)

// Codes returns every code of a finding.
func Codes() []provision.WarningCode {
	return []provision.WarningCode{
		provision.Drifted, UnknownCertificate, provision.Missing, DuplicateEntityID,
		provision.NoCertificate, CertificatesExpired, provision.CertificateExpiresSoon, CertificateMissing, CertificateUnreadable, CertificateRetirable,
		MetadataChanged, MetadataUnavailable, RequestUnfinished, CertificatesUnknown, provision.IntegrationDisabled, provision.IntegrationIncomplete, PasswordTeammate,
	}
}

// Alarms reports whether a finding means that somebody changed what was declared, that audits no longer
// maintain it, or that somebody can log in without SSO who is not configured to.
func (f Finding) Alarms() bool {
	return slices.Contains([]provision.WarningCode{
		provision.Drifted, UnknownCertificate, provision.Missing, DuplicateEntityID, MetadataChanged, MetadataUnavailable, RequestUnfinished, PasswordTeammate,
	}, f.Code)
}

// EndsLogin reports whether a finding means that people cannot log in, or soon cannot, because a certificate is
// missing or expires.
// It has an alarm of its own, where the integration is enabled.
func (f Finding) EndsLogin() bool {
	return slices.Contains([]provision.WarningCode{
		provision.NoCertificate, CertificatesExpired, provision.CertificateExpiresSoon, CertificateMissing,
	}, f.Code)
}

// hasOwnEvent reports whether a finding about a connection is published as another event than that of a finding.
func (f Finding) hasOwnEvent() bool {
	return f.Email == "" && slices.Contains([]provision.WarningCode{provision.Drifted, CertificatesExpired, provision.CertificateExpiresSoon}, f.Code)
}

// identity identifies a finding, so that it is published once. A failure differs from one try to another.
func (f Finding) identity() string {
	if f.known != "" {
		return f.known
	}
	text := request.Text([]any{f.Code, f.IntegrationID, f.Message, f.Changes})
	switch {
	case f.Code == CertificatesUnknown:
		text = string(f.Code)
	case f.Email != "":
		text = request.Text([]any{f.Code, f.Email, f.Changes, f.Message})
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}
