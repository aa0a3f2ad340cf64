package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
)

// integrationsPath is the collection of SSO integrations.
const integrationsPath = "/v3/sso/integrations"

// IntegrationRequest is the body of a create request.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/create-an-sso-integration
type IntegrationRequest struct {
	// Name is a label; anything that makes sense to people.
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
	// SigninURL is the IdP's SAML POST endpoint, "Embed Link" in SendGrid's UI.
	SigninURL string `json:"signin_url"`
	// SignoutURL is where a user returns to on logging out.
	SignoutURL string `json:"signout_url"`
	// EntityID is the IdP's name for SendGrid, "SAML Issuer ID" in SendGrid's UI.
	EntityID string `json:"entity_id"`
	// CompletedIntegration is left out where nil: a false would be a statement.
	CompletedIntegration *bool `json:"completed_integration,omitempty"`
}

// Integration is an SSO integration as SendGrid reports it. The answer to a create
// may lack ID and the two URLs; those of list and get are documented to have them.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings
type Integration struct {
	ID         string `json:"id,omitempty"`
	Name       string `json:"name"`
	Enabled    bool   `json:"enabled"`
	SigninURL  string `json:"signin_url"`
	SignoutURL string `json:"signout_url"`
	EntityID   string `json:"entity_id"`
	// SingleSignOnURL and AudienceURL are what the IdP needs to know of SendGrid.
	SingleSignOnURL      string `json:"single_signon_url,omitempty"`
	AudienceURL          string `json:"audience_url,omitempty"`
	CompletedIntegration *bool  `json:"completed_integration,omitempty"`
	// LastUpdated is a time in seconds since the epoch, as SendGrid wrote it.
	LastUpdated Timestamp `json:"last_updated,omitempty"`
}

// Timestamp is a number of seconds since the epoch, in SendGrid's own digits. What is no
// number reads as empty: nobody needs it, so it must not make an answer unreadable.
type Timestamp string

// UnmarshalJSON reads a number.
func (t *Timestamp) UnmarshalJSON(data []byte) error {
	*t = ""
	var number json.Number
	if data[0] != '"' && json.Unmarshal(data, &number) == nil {
		*t = Timestamp(number)
	}
	return nil
}

// MarshalJSON writes the number as it was read.
func (t Timestamp) MarshalJSON() ([]byte, error) { return json.Marshal(json.Number(t)) }

// fillURLs lets the single sign-on URL and the audience URL stand in for each other:
// SendGrid documents them to be the same, and leaves out the one or the other in some
// answers.
func (i *Integration) fillURLs() {
	if i.SingleSignOnURL == "" {
		i.SingleSignOnURL = i.AudienceURL
	}
	if i.AudienceURL == "" {
		i.AudienceURL = i.SingleSignOnURL
	}
}

// CreateIntegration creates an SSO integration. SendGrid has no idempotency key, and
// a second call makes a second integration: on an *Error with Sent set and no clear
// refusal in its StatusCode, the caller has to look before calling again.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/create-an-sso-integration
func (c *Client) CreateIntegration(ctx context.Context, in IntegrationRequest) (*Integration, error) {
	var out Integration
	if err := c.do(ctx, OpCreateIntegration, integrationsPath, in, &out); err != nil {
		return nil, err
	}
	out.fillURLs()
	return &out, nil
}

// ListIntegrations returns all integrations of the account. The API has no paging and
// no filter. An answer of null counts as none, as a server in Go may write an empty list.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/get-all-sso-integrations
func (c *Client) ListIntegrations(ctx context.Context) ([]Integration, error) {
	var out []Integration
	if err := c.do(ctx, OpListIntegrations, integrationsPath+"?si=true", nil, &out); err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].EntityID == "" { // It is documented to be there. What lacks it is no integration.
			return nil, &Error{Op: OpListIntegrations, StatusCode: http.StatusOK, Sent: true, Err: errors.New("the answer lists something without an entity_id")}
		}
		out[i].fillURLs()
	}
	return out, nil
}

// GetIntegration returns one integration; an unknown id is an *Error with StatusCode 404.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/get-an-sso-integration
func (c *Client) GetIntegration(ctx context.Context, id string) (*Integration, error) {
	if id == "" {
		return nil, &Error{Op: OpGetIntegration, Err: errors.New("the id is empty")}
	}
	var out Integration
	if err := c.do(ctx, OpGetIntegration, integrationPath(id)+"?si=true", nil, &out); err != nil {
		return nil, err
	}
	out.fillURLs()
	return &out, nil
}

// IntegrationURL returns the address of an integration in the API.
func (c *Client) IntegrationURL(id string) string { return c.baseURL() + integrationPath(id) }

func integrationPath(id string) string { return integrationsPath + "/" + url.PathEscape(id) }
