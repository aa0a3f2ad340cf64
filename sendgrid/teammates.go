package sendgrid

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// SSO teammates are created and updated below one path. They are read and deleted below the
// other, which has the password teammates and the owner of the account, too.
const (
	ssoTeammatesPath = "/v3/sso/teammates"
	teammatesPath    = "/v3/teammates"
)

const (
	// teammatesPage is the largest page that SendGrid documents.
	teammatesPage = 500
	// teammatesOverlap is how many rows of a page the next one has again: where somebody is deleted meanwhile, all
	// who come later move up, and nobody must be left out.
	teammatesOverlap = 50
	// maxTeammates bounds a list; SendGrid's plans have up to 1,000.
	maxTeammates = 10_000
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

// key is equal for two rows about the same teammate.
func (t Teammate) key() string { return strings.ToLower(t.Username + " " + t.Email) }

var (
	errNoTeammate  = errors.New("the response has neither a username nor an email")
	errNoTeammates = errors.New("the response has no list of teammates")
	// errRepeats: without an end, the list is not known to be complete.
	errRepeats  = errors.New("the list does not end: a page repeats another")
	errTooLarge = errors.New("the list has more entries than anybody needs")
)

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

// ListTeammates returns all teammates of the account, each once: SSO and password teammates, and
// the owner. It has none whose invitation is pending. It reads page by page; a page that cannot
// be read makes all of it fail.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/retrieve-all-teammates
func (c *Client) ListTeammates(ctx context.Context) ([]Teammate, error) {
	all, known := []Teammate{}, map[string]bool{}
	for offset := 0; offset < maxTeammates; {
		var page teammatePage
		if err := c.do(ctx, OpListTeammates, fmt.Sprintf("%s?limit=%d&offset=%d", teammatesPath, teammatesPage, offset), nil, &page); err != nil {
			return nil, err
		}
		before := len(all)
		for _, t := range page {
			if key := t.key(); !known[key] || !t.identified() {
				known[key] = true
				all = append(all, t)
			}
		}
		if len(page) < teammatesPage {
			return all, nil
		}
		if len(all) == before {
			return nil, unfinished(OpListTeammates, errRepeats)
		}
		offset += len(page) - teammatesOverlap
	}
	return nil, unfinished(OpListTeammates, errTooLarge)
}

// PendingTeammate is somebody who is invited to be a teammate with a password, and has not accepted yet.
// The token of the invitation is left out: whoever has it may accept.
type PendingTeammate struct {
	Email   string
	IsAdmin bool
}

// UnmarshalJSON reads an invitation as object describes it.
func (p *PendingTeammate) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*p = PendingTeammate{Email: o.text("email", maxIDBytes), IsAdmin: o.is("is_admin")}
	return nil
}

// identified reports whether SendGrid sent who is invited.
func (p PendingTeammate) identified() bool { return p.Email != "" }

// ListPendingTeammates returns all invitations that are pending, which SendGrid lists without pages.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/retrieve-all-pending-teammates
func (c *Client) ListPendingTeammates(ctx context.Context) ([]PendingTeammate, error) {
	var all pendingList
	if err := c.do(ctx, OpListPending, teammatesPath+"/pending", nil, &all); err != nil {
		return nil, err
	}
	return all, nil
}

// unfinished is the error of a list that was read, but is not known to be complete. Like a
// response that cannot be read, it is of the class Unavailable.
func unfinished(op Op, err error) *Error {
	return &Error{Op: op, StatusCode: http.StatusOK, Sent: true, Err: err}
}

// teammatePage is the response to a list. The document's schema calls the rows "result", as SendGrid
// does, and its example calls them "results".
type teammatePage []Teammate

func (p *teammatePage) UnmarshalJSON(data []byte) error {
	return parseResult(data, (*[]Teammate)(p), Teammate.identified)
}

// pendingList is the response to a list of invitations.
type pendingList []PendingTeammate

func (p *pendingList) UnmarshalJSON(data []byte) error {
	return parseResult(data, (*[]PendingTeammate)(p), PendingTeammate.identified)
}

// parseResult reads the rows of a list that has an object around it.
func parseResult[T any](data []byte, list *[]T, identified func(T) bool) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	rows, listed := o["result"]
	if !listed {
		rows, listed = o["results"]
	}
	if !listed {
		return errNoTeammates
	}
	return parseList(rows, list, identified, errNoTeammate)
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
