package sendgrid

import "context"

// scopesPath lists the scopes of the key that is sent.
const scopesPath = "/v3/scopes"

// maxScopes bounds what is read of the list. A key with full access has some hundreds.
const maxScopes = 2000

// ListScopes returns the scopes of the API key. Every key may read its own.
//
// https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions/retrieve-a-list-of-scopes-for-which-this-user-has-access
func (c *Client) ListScopes(ctx context.Context) ([]string, error) {
	var out struct {
		Scopes []string `json:"scopes"`
	}
	if err := c.do(ctx, OpListScopes, scopesPath, nil, &out); err != nil {
		return nil, err
	}
	return out.Scopes[:min(len(out.Scopes), maxScopes)], nil
}
