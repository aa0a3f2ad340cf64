package okta

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/secret"
)

// Credential authenticates to Okta: by an API token, or as an OAuth service application.
type Credential struct {
	// APIToken is empty for a service application.
	APIToken secret.String
	// ClientID and KeyID name the service application and its key.
	ClientID, KeyID string
	// PrivateKey is an RSA key as PEM.
	PrivateKey secret.String
}

// CredentialSource supplies the credential. A *secret.Cache[Credential] is one.
type CredentialSource interface {
	// Get returns the credential to use now, and a name for this version of it.
	Get(ctx context.Context) (Credential, string, error)
	// Refresh is called after Okta refused that version. It returns the newest credential;
	// another version means another credential.
	Refresh(ctx context.Context, version string) (Credential, string, error)
}

// These are the reasons why the secret is unusable. They are fixed texts, so that none can
// quote it, and continue the sentence that begins with the name of the secret.
var (
	errNotObject = errors.New(`is not a JSON object; store {"api_token": "..."} or {"client_id": "...", "key_id": "...", "private_key": "..."}`)
	errNotOne    = errors.New(`must have either "api_token", or "client_id", "key_id" and "private_key", each as a text without white space around it`)
	errNoHeader  = errors.New(`contains white space, a control or a non-ASCII character in "api_token", "client_id" or "key_id"`)
	errNotRSA    = errors.New(`has a "private_key" that is not an unencrypted RSA key as PEM with line breaks (in JSON: \n)`)
)

// ParseCredential reads the content of the secret.
func ParseCredential(text string) (Credential, error) {
	var fields struct {
		APIToken   string `json:"api_token"`
		ClientID   string `json:"client_id"`
		KeyID      string `json:"key_id"`
		PrivateKey string `json:"private_key"`
	}
	// No error of encoding/json is passed on, because those quote their input.
	if json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &fields) != nil {
		return Credential{}, errNotObject
	}
	hasToken, hasClient := fields.APIToken != "", fields.ClientID+fields.KeyID+fields.PrivateKey != ""
	switch {
	case hasToken == hasClient, hasClient && (fields.ClientID == "" || fields.KeyID == "" || fields.PrivateKey == ""):
		return Credential{}, errNotOne
	case strings.ContainsFunc(fields.APIToken+fields.ClientID+fields.KeyID, idp.IsUnfit):
		return Credential{}, errNoHeader
	}
	if hasClient {
		if _, err := jwt.ParseRSAPrivateKeyFromPEM([]byte(fields.PrivateKey)); err != nil {
			return Credential{}, errNotRSA
		}
	}
	return Credential{
		APIToken: secret.NewString(fields.APIToken), ClientID: fields.ClientID, KeyID: fields.KeyID,
		PrivateKey: secret.NewString(fields.PrivateKey),
	}, nil
}
