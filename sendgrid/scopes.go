package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
)

// scopesPath lists the scopes of the key that is sent.
const scopesPath = "/v3/scopes"

// ListScopes returns the scopes of the API key. Every key may read its own.
//
// https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access
func (c *Client) ListScopes(ctx context.Context) ([]string, error) {
	var out scopeList
	if err := c.do(ctx, OpListScopes, scopesPath, nil, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// errNoScopes: a response of another kind, such as an error with the status 200, must not count as a key
// without scopes.
var errNoScopes = errors.New("the response has no scopes")

// scopeList is the response to a list of the scopes.
type scopeList []string

// UnmarshalJSON takes the scopes out of the object around them.
func (l *scopeList) UnmarshalJSON(data []byte) error {
	var object struct {
		Scopes []string `json:"scopes"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return err
	}
	if object.Scopes == nil {
		return errNoScopes
	}
	*l = object.Scopes
	return nil
}
