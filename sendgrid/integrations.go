package sendgrid

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
)

// integrationsPath is the collection of SSO integrations.
const integrationsPath = "/v3/sso/integrations"

// IntegrationRequest is the body of a create or an update request.
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
	// CompletedIntegration is left out where nil: a false that is sent is applied.
	CompletedIntegration *bool `json:"completed_integration,omitempty"`
}

// IntegrationUpdate is the body of an update request, which has the fields of a create request.
type IntegrationUpdate = IntegrationRequest

// Integration is an SSO integration as SendGrid reports it. The response to a create
// may lack ID and the two URLs; any field of a half-configured integration may be empty.
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
	// LastUpdated is when the configuration was last modified.
	LastUpdated Timestamp `json:"last_updated,omitempty"`
}

// Timestamp is a number of seconds since the epoch, in SendGrid's own digits.
type Timestamp = json.Number

// UnmarshalJSON reads an integration as object describes it: a field that cannot be used
// reads as if SendGrid had left it out.
func (i *Integration) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	enabled := o.flag("enabled")
	*i = Integration{
		ID:                   o.id("id"),
		Name:                 o.text("name", maxTextBytes),
		Enabled:              enabled != nil && *enabled,
		SigninURL:            o.text("signin_url", maxURLBytes),
		SignoutURL:           o.text("signout_url", maxURLBytes),
		EntityID:             o.text("entity_id", maxTextBytes),
		SingleSignOnURL:      o.text("single_signon_url", maxURLBytes),
		AudienceURL:          o.text("audience_url", maxURLBytes),
		CompletedIntegration: o.flag("completed_integration"),
		LastUpdated:          o.number("last_updated"),
	}
	i.fillURLs()
	return nil
}

// fillURLs completes the two URLs from each other. They are documented to be the same, and
// some responses lack the one or the other.
func (i *Integration) fillURLs() {
	i.SingleSignOnURL = cmp.Or(i.SingleSignOnURL, i.AudienceURL)
	i.AudienceURL = cmp.Or(i.AudienceURL, i.SingleSignOnURL)
}

// wellFormed is an integration whose fields all have their documented types. Decoding it
// takes a third of the time, which counts in a list of hundreds.
type wellFormed Integration

// bounded reports whether every field is within its bound, and the integration is identified.
func (w wellFormed) bounded() bool {
	return (w.ID != "" || w.EntityID != "") && len(w.ID) <= maxIDBytes &&
		len(w.Name) <= maxTextBytes && len(w.EntityID) <= maxTextBytes && len(w.LastUpdated) <= maxNumberBytes &&
		len(w.SigninURL) <= maxURLBytes && len(w.SignoutURL) <= maxURLBytes &&
		len(w.SingleSignOnURL) <= maxURLBytes && len(w.AudienceURL) <= maxURLBytes
}

// identified reports whether SendGrid sent what makes an integration one.
func (i Integration) identified() bool { return i.ID != "" || i.EntityID != "" }

// errNoIntegration: a response of another kind, such as an error with the status 200, must not
// count as the absence of the integration that is asked for.
var errNoIntegration = errors.New("the response has neither an id nor an entity_id")

// integrationList is the response to a list.
type integrationList []Integration

// UnmarshalJSON accepts rows that are half configured, as people leave them behind in
// SendGrid's UI, but not a list of something else.
func (l *integrationList) UnmarshalJSON(data []byte) error {
	var rows []wellFormed
	if json.Unmarshal(data, &rows) == nil && rows != nil && !slices.ContainsFunc(rows, func(w wellFormed) bool { return !w.bounded() }) {
		*l = make(integrationList, len(rows))
		for i, w := range rows {
			(*l)[i] = Integration(w)
			(*l)[i].fillURLs()
		}
		return nil
	}
	return parseList(data, (*[]Integration)(l), Integration.identified, errNoIntegration)
}

// CreateIntegration creates an SSO integration. SendGrid has no idempotency key, and a
// second call makes a second integration: after an error of the class Ambiguous the caller
// has to find out what happened before it calls again. The response may lack any field.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/create-an-sso-integration
func (c *Client) CreateIntegration(ctx context.Context, in IntegrationRequest) (*Integration, error) {
	var out Integration
	if err := c.do(ctx, OpCreateIntegration, integrationsPath, in, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ListIntegrations returns all integrations of the account, half-configured ones included:
// any of their fields may be empty. The API has no paging and no filter. A response of null
// counts as none.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/get-all-sso-integrations
func (c *Client) ListIntegrations(ctx context.Context) ([]Integration, error) {
	var out integrationList
	if err := c.do(ctx, OpListIntegrations, integrationsPath+"?si=true", nil, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// GetIntegration returns one integration. IsNotFound reports whether its error means that
// SendGrid does not know the id.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/get-an-sso-integration
func (c *Client) GetIntegration(ctx context.Context, id string) (*Integration, error) {
	if id == "" {
		return nil, &Error{Op: OpGetIntegration, Err: errNoID}
	}
	var out identifiedIntegration
	if err := c.do(ctx, OpGetIntegration, integrationPath(id)+"?si=true", nil, &out); err != nil {
		return nil, err
	}
	return &out.Integration, nil
}

// identifiedIntegration is the response to a request for one integration.
type identifiedIntegration struct{ Integration }

func (i *identifiedIntegration) UnmarshalJSON(data []byte) error {
	if err := i.Integration.UnmarshalJSON(data); err != nil {
		return err
	}
	if !i.identified() {
		return errNoIntegration
	}
	return nil
}

// UpdateIntegration replaces the fields of an integration; SendGrid requires all five. What
// the caller does not want to change has to be read before, and sent as it is: a zero value
// that is sent is applied. CompletedIntegration in particular is left out where it is nil,
// and a false in it takes back that the integration is set up.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/update-an-sso-integration
func (c *Client) UpdateIntegration(ctx context.Context, id string, in IntegrationUpdate) (*Integration, error) {
	if id == "" {
		return nil, &Error{Op: OpUpdateIntegration, Err: errNoID}
	}
	var out identifiedIntegration
	if err := c.do(ctx, OpUpdateIntegration, integrationPath(id)+"?si=true", in, &out); err != nil {
		return nil, err
	}
	return &out.Integration, nil
}

// DeleteIntegration deletes an integration. One that is not there is deleted.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings/delete-an-sso-integration
func (c *Client) DeleteIntegration(ctx context.Context, id string) error {
	if id == "" { // The collection has no DELETE, but an empty id is still a mistake.
		return &Error{Op: OpDeleteIntegration, Err: errNoID}
	}
	return gone(c.do(ctx, OpDeleteIntegration, integrationPath(id), nil, nil))
}

// gone returns nil for the error of a delete which means that there is nothing to delete.
func gone(err error) error {
	if IsNotFound(err) {
		return nil
	}
	return err
}

// IntegrationURL returns the address of an integration in the API.
func (c *Client) IntegrationURL(id string) string { return c.baseURL() + integrationPath(id) }

func integrationPath(id string) string { return integrationsPath + "/" + url.PathEscape(id) }

// errNoID: without an id the path is that of the collection.
var errNoID = errors.New("the id is empty")
