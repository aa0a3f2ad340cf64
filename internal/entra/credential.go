package entra

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/secret"
)

// Credential authenticates the client, by one of the two.
type Credential struct {
	// Secret is a client secret of the app registration.
	Secret secret.String
	// Assertion is a token that another issuer has signed, whom a federated credential of the app
	// registration trusts.
	Assertion secret.String
}

// CredentialSource supplies the credential. A *secret.Cache[Credential] is one, and an *Identity.
type CredentialSource interface {
	// Get returns the credential to use now, and a name for this version of it.
	Get(ctx context.Context) (Credential, string, error)
	// Refresh is called after Entra refused that version. It returns the newest credential;
	// another version means another credential.
	Refresh(ctx context.Context, version string) (Credential, string, error)
}

// These are the reasons why the secret is unusable. They are fixed texts, so that none can
// quote it, and continue the sentence that begins with the name of the secret.
var (
	errNotObject = errors.New(`is not a JSON object; store {"client_secret": "..."}`)
	errNoSecret  = errors.New(`must have "client_secret", a text`)
)

// ParseCredential reads the content of the secret.
func ParseCredential(text string) (Credential, error) {
	var fields struct {
		ClientSecret string `json:"client_secret"`
	}
	// No error of encoding/json is passed on, because those quote their input.
	if json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &fields) != nil {
		return Credential{}, errNotObject
	}
	if strings.TrimSpace(fields.ClientSecret) == "" {
		return Credential{}, errNoSecret
	}
	return Credential{Secret: secret.NewString(strings.TrimSpace(fields.ClientSecret))}, nil
}

// Audience is that of a token for Entra.
const Audience = "api://AzureADTokenExchange"

// algorithm is the one of AWS's two that Entra takes.
const algorithm = "RS256"

// assertionSeconds is how long a token of AWS is valid: as short as AWS allows, and long enough
// for a clock that is slow.
const assertionSeconds = 300

// STS is the part of sts.Client that an Identity uses.
type STS interface {
	GetWebIdentityToken(context.Context, *sts.GetWebIdentityTokenInput, ...func(*sts.Options)) (*sts.GetWebIdentityTokenOutput, error)
}

// Identity is the AWS identity of the process. AWS signs a token about it for Entra. Nothing has
// to be stored or rotated.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
type Identity struct{ STS STS }

// IdentityError is that AWS gave no token.
type IdentityError struct{ Err error }

// Error describes the failure for a log.
func (e *IdentityError) Error() string {
	return fmt.Sprintf("entra: get a token of the AWS identity: %v", e.Err)
}

// Unwrap returns the cause.
func (e *IdentityError) Unwrap() error { return e.Err }

// Get implements CredentialSource. Errors are of type *IdentityError.
func (i *Identity) Get(ctx context.Context) (Credential, string, error) {
	out, err := i.STS.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{Audience}, SigningAlgorithm: aws.String(algorithm), DurationSeconds: aws.Int32(assertionSeconds),
	})
	if err == nil && aws.ToString(out.WebIdentityToken) == "" {
		err = errors.New("the response has no token")
	}
	if err != nil {
		return Credential{}, "", &IdentityError{err}
	}
	return Credential{Assertion: secret.NewString(*out.WebIdentityToken)}, "", nil
}

// Refresh implements CredentialSource. Another token of the same identity would be refused, too.
func (i *Identity) Refresh(context.Context, string) (Credential, string, error) {
	return Credential{}, "", nil
}

// authorize returns an access token, the cached one until it expires. If the token endpoint
// refuses the credential, it tries the newest one.
func (c *Client) authorize(ctx context.Context) (idp.Authorization, error) {
	if auth, ok := c.tokens.Get(); ok {
		return auth, nil
	}
	credential, version, err := c.Credentials.Get(ctx)
	if err != nil {
		return idp.Authorization{}, err
	}
	auth, err := c.requestToken(ctx, credential)
	var refused *idp.Error
	if !errors.As(err, &refused) || !refused.IsRefused() {
		return auth, err
	}
	credential, newest, refreshErr := c.Credentials.Refresh(ctx, version)
	if refreshErr != nil || newest == version {
		return idp.Authorization{}, errors.Join(err, refreshErr)
	}
	return c.requestToken(ctx, credential)
}

// requestToken gets an access token for Graph by the client credentials grant.
//
// https://learn.microsoft.com/en-us/entra/identity-platform/v2-oauth2-client-creds-grant-flow
func (c *Client) requestToken(ctx context.Context, credential Credential) (idp.Authorization, error) {
	form := url.Values{
		"grant_type": {"client_credentials"},
		"client_id":  {c.ClientID},
		"scope":      {strings.TrimRight(c.GraphURL, "/") + "/.default"},
	}
	proof := credential.Secret.Reveal()
	if proof != "" {
		form.Set("client_secret", proof)
	} else {
		proof = credential.Assertion.Reveal()
		form.Set("client_assertion_type", idp.AssertionType)
		form.Set("client_assertion", proof)
	}
	r := idp.Request{
		Method: http.MethodPost, Base: c.login(), Path: "/" + c.TenantID + "/oauth2/v2.0/token", Accept: idp.JSON, ContentType: idp.Form,
		Body: []byte(form.Encode()), Secret: proof, Token: true, Limit: idp.MaxTokenBytes,
	}
	response, err := c.api().Send(ctx, r, idp.Authorization{})
	if err != nil {
		return idp.Authorization{}, err
	}
	token, lifetime, err := c.api().ParseToken(r, response.Body)
	if err != nil {
		return idp.Authorization{}, err
	}
	auth := idp.Authorization{Scheme: "Bearer", Token: token}
	c.tokens.Put(auth, min(lifetime, 24*time.Hour))
	return auth, nil
}
