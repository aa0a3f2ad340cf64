package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
)

// SSO teammates are created and updated below one path. They are read and deleted below the
// other, which has the password teammates and the owner of the account, too.
const (
	ssoTeammatesPath = "/v3/sso/teammates"
	teammatesPath    = "/v3/teammates"
)

// UserTypeOwner is the Teammate.UserType of the account's owner, who is no SSO teammate. The
// others are "admin" and "teammate".
const UserTypeOwner = "owner"

// Personas returns the values of TeammateAccess.Persona.
//
// https://www.twilio.com/docs/sendgrid/ui/account-and-settings/teammate-permissions#persona-scopes
func Personas() []string { return []string{"accountant", "developer", "marketer", "observer"} }

// TeammateAccess is what a teammate may do. Exactly one of the fields is set.
type TeammateAccess struct {
	// IsAdmin gives all scopes.
	IsAdmin bool
	// Persona gives the scopes of one of the Personas. No response names it.
	Persona string
	// Scopes are those of the account itself, without its subusers.
	Scopes []string
	// SubuserAccess gives access to these subusers and to nothing else. An update replaces all
	// that the teammate had.
	SubuserAccess []SubuserGrant
}

// errAccess: what SendGrid makes of such a request is not documented.
var errAccess = errors.New("exactly one of is_admin, persona, scopes and subuser_access has to be set")

func (a TeammateAccess) check() error {
	set := 0
	for _, given := range []bool{a.IsAdmin, a.Persona != "", len(a.Scopes) > 0, len(a.SubuserAccess) > 0} {
		if given {
			set++
		}
	}
	if set != 1 {
		return errAccess
	}
	return nil
}

// teammateBody is the body of a create or an update request.
type teammateBody struct {
	Email         string         `json:"email,omitempty"`
	FirstName     string         `json:"first_name"`
	LastName      string         `json:"last_name"`
	IsAdmin       *bool          `json:"is_admin,omitempty"`
	Persona       string         `json:"persona,omitempty"`
	Scopes        []string       `json:"scopes,omitempty"`
	Restricted    *bool          `json:"has_restricted_subuser_access,omitempty"`
	SubuserAccess []SubuserGrant `json:"subuser_access,omitempty"`
}

// TeammateRequest describes an SSO teammate to create.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-teammates/create-sso-teammate
type TeammateRequest struct {
	// Email is the address that the IdP has, and the username from then on.
	Email     string
	FirstName string
	LastName  string
	Access    TeammateAccess
}

// MarshalJSON returns the body of the request, which has nothing but what is set.
func (r TeammateRequest) MarshalJSON() ([]byte, error) {
	body := teammateBody{
		Email: r.Email, FirstName: r.FirstName, LastName: r.LastName,
		Persona: r.Access.Persona, Scopes: r.Access.Scopes, SubuserAccess: r.Access.SubuserAccess,
	}
	if r.Access.IsAdmin {
		body.IsAdmin = &r.Access.IsAdmin
	}
	if restricted := len(body.SubuserAccess) > 0; restricted {
		body.Restricted = &restricted
	}
	return json.Marshal(body)
}

// TeammateUpdate describes what an SSO teammate is to be. The email address cannot change.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-teammates/edit-an-sso-teammate
type TeammateUpdate struct {
	FirstName string
	LastName  string
	Access    TeammateAccess
}

// MarshalJSON returns the body of the request. It always says whether the teammate is an
// administrator, and restricted to subusers: what it left out would stay as it is, and an
// administrator would remain one.
func (u TeammateUpdate) MarshalJSON() ([]byte, error) {
	restricted := len(u.Access.SubuserAccess) > 0
	return json.Marshal(teammateBody{
		FirstName: u.FirstName, LastName: u.LastName,
		IsAdmin: &u.Access.IsAdmin, Persona: u.Access.Persona, Scopes: u.Access.Scopes,
		Restricted: &restricted, SubuserAccess: u.Access.SubuserAccess,
	})
}

// Teammate is a person who may use the account, as SendGrid reports it. Any field may be empty:
// a list has no scopes, and only the responses to a create and an update have SubuserAccess.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates
type Teammate struct {
	// Username identifies the teammate. It is the email address of an SSO teammate.
	Username  string `json:"username,omitempty"`
	Email     string `json:"email"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	// UserType is "admin", "owner" or "teammate".
	UserType string `json:"user_type,omitempty"`
	IsAdmin  bool   `json:"is_admin"`
	// IsSSO is nil where the response does not say how the teammate logs in. See SSO.
	IsSSO      *bool `json:"is_sso,omitempty"`
	IsReadOnly bool  `json:"is_read_only,omitempty"`
	// Scopes contain some that SendGrid adds by itself.
	Scopes                     []string        `json:"scopes,omitempty"`
	HasRestrictedSubuserAccess bool            `json:"has_restricted_subuser_access,omitempty"`
	SubuserAccess              []SubuserAccess `json:"subuser_access,omitempty"`
}

// SSO reports whether SendGrid says that the teammate logs in by SSO. Who does not may have a
// password.
func (t Teammate) SSO() bool { return t.IsSSO != nil && *t.IsSSO }

// UnmarshalJSON reads a teammate as object describes it.
func (t *Teammate) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*t = Teammate{
		Username:                   o.text("username", maxIDBytes),
		Email:                      o.text("email", maxIDBytes),
		FirstName:                  o.text("first_name", maxTextBytes),
		LastName:                   o.text("last_name", maxTextBytes),
		UserType:                   o.text("user_type", maxIDBytes),
		IsAdmin:                    o.is("is_admin"),
		IsSSO:                      o.flag("is_sso"),
		IsReadOnly:                 o.is("is_read_only"),
		Scopes:                     o.texts("scopes", maxIDBytes),
		HasRestrictedSubuserAccess: o.is("has_restricted_subuser_access"),
		SubuserAccess:              o.subuserAccess(),
	}
	return nil
}

// identified reports whether SendGrid sent what makes a teammate one.
func (t Teammate) identified() bool { return t.Username != "" || t.Email != "" }

var errNoTeammate = errors.New("the response has neither a username nor an email")

// CreateTeammate creates an SSO teammate. SendGrid refuses, with 400, an email that a teammate has,
// so after an error of the class Ambiguous the caller has to find out what happened before it
// calls again: the second call could not tell the teammate of the first from another's.
//
// The response may lack any field. What was asked for and is not in it was not granted: where one
// scope within SubuserAccess is not valid, SendGrid creates the teammate without any access to a
// subuser, and reports success.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-teammates/create-sso-teammate
func (c *Client) CreateTeammate(ctx context.Context, in TeammateRequest) (*Teammate, error) {
	if err := in.Access.check(); err != nil {
		return nil, &Error{Op: OpCreateTeammate, Err: err}
	}
	var out Teammate
	if err := c.do(ctx, OpCreateTeammate, ssoTeammatesPath, in, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// UpdateTeammate changes the names and replaces all of the access of an SSO teammate, whom the
// email address identifies. A scope within SubuserAccess that is not valid makes it fail.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-teammates/edit-an-sso-teammate
func (c *Client) UpdateTeammate(ctx context.Context, email string, in TeammateUpdate) (*Teammate, error) {
	if email == "" {
		return nil, &Error{Op: OpUpdateTeammate, Err: errNoID}
	}
	if err := in.Access.check(); err != nil {
		return nil, &Error{Op: OpUpdateTeammate, Err: err}
	}
	var out identifiedTeammate
	if err := c.do(ctx, OpUpdateTeammate, ssoTeammatesPath+"/"+url.PathEscape(email), in, &out); err != nil {
		return nil, err
	}
	return &out.Teammate, nil
}

// identifiedTeammate is the response to a request for one teammate.
type identifiedTeammate struct{ Teammate }

func (t *identifiedTeammate) UnmarshalJSON(data []byte) error {
	if err := t.Teammate.UnmarshalJSON(data); err != nil {
		return err
	}
	if !t.identified() {
		return errNoTeammate
	}
	return nil
}

// GetTeammate returns one teammate with its scopes. IsNotFound reports whether its error means that
// SendGrid does not know the username.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/retrieve-specific-teammate
func (c *Client) GetTeammate(ctx context.Context, username string) (*Teammate, error) {
	if username == "" {
		return nil, &Error{Op: OpGetTeammate, Err: errNoID}
	}
	var out identifiedTeammate
	if err := c.do(ctx, OpGetTeammate, teammatePath(username), nil, &out); err != nil {
		return nil, err
	}
	return &out.Teammate, nil
}

// DeleteTeammate deletes a teammate, whoever it is. One that is not there is deleted. The username
// of an SSO teammate is the email address.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/delete-teammate
func (c *Client) DeleteTeammate(ctx context.Context, username string) error {
	if username == "" {
		return &Error{Op: OpDeleteTeammate, Err: errNoID}
	}
	return gone(c.do(ctx, OpDeleteTeammate, teammatePath(username), nil, nil))
}

// TeammateURL returns the address of a teammate in the API.
func (c *Client) TeammateURL(username string) string { return c.baseURL() + teammatePath(username) }

func teammatePath(username string) string { return teammatesPath + "/" + url.PathEscape(username) }
