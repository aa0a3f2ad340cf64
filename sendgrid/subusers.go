package sendgrid

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// subusersPath is the collection of the account's subusers.
const subusersPath = "/v3/subusers"

const (
	// maxSubuserPages bounds the pages that are read of the subusers whose name is like another.
	maxSubuserPages = 20
	// accessPage is the page that SendGrid documents as its default. An entry has up to 10 KiB of
	// scopes. maxAccessPages bounds the list.
	accessPage, maxAccessPages = 100, 100
)

// The values of SubuserGrant.PermissionType. What is restricted has only the scopes that are given.
const (
	PermissionAdmin      = "admin"
	PermissionRestricted = "restricted"
)

// Subuser is an account below the account, as SendGrid reports it.
//
// https://www.twilio.com/docs/sendgrid/api-reference/subusers-api
type Subuser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	Email    string `json:"email,omitempty"`
	Disabled bool   `json:"disabled"`
}

// UnmarshalJSON reads a subuser as object describes it.
func (s *Subuser) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*s = o.subuser()
	return nil
}

func (o object) subuser() Subuser {
	id, _ := strconv.ParseInt(o.id("id"), 10, 64) // It is 0 where there is none.
	return Subuser{
		ID:       max(0, id),
		Username: o.text("username", maxIDBytes),
		Email:    o.text("email", maxIDBytes),
		Disabled: o.is("disabled"),
	}
}

// identified reports whether SendGrid sent what makes a subuser one.
func (s Subuser) identified() bool { return s.ID != 0 || s.Username != "" }

var (
	errNoSubuser   = errors.New("the response has neither an id nor a username")
	errNoSubuserID = errors.New("the subuser has no id")
)

// subuserList is the response to a list.
type subuserList []Subuser

func (l *subuserList) UnmarshalJSON(data []byte) error {
	return parseList(data, (*[]Subuser)(l), Subuser.identified, errNoSubuser)
}

// FindSubuser returns the subuser with a username, and whether there is one. SendGrid's filter may
// find others as well.
//
// https://www.twilio.com/docs/sendgrid/api-reference/subusers-api/list-all-subusers
func (c *Client) FindSubuser(ctx context.Context, username string) (found Subuser, exists bool, err error) {
	if username == "" { // Without a filter it would be a list of all.
		return Subuser{}, false, &Error{Op: OpFindSubuser, Err: errNoID}
	}
	offset := 0
	for range maxSubuserPages {
		path := subusersPath + "?username=" + url.QueryEscape(username)
		if offset > 0 {
			path += "&offset=" + strconv.Itoa(offset)
		}
		var page subuserList
		if err := c.do(ctx, OpFindSubuser, path, nil, &page); err != nil {
			return Subuser{}, false, err
		}
		if len(page) == 0 { // The size of a page is not documented.
			return Subuser{}, false, nil
		}
		for _, s := range page {
			switch {
			case s.Username != username:
			case s.ID == 0:
				return Subuser{}, false, unfinished(OpFindSubuser, errNoSubuserID)
			default:
				return s, true, nil
			}
		}
		offset += len(page)
	}
	return Subuser{}, false, unfinished(OpFindSubuser, errTooLarge)
}

// SubuserGrant gives a teammate access to a subuser.
type SubuserGrant struct {
	// ID is the subuser's. FindSubuser finds it.
	ID int64 `json:"id"`
	// PermissionType is PermissionAdmin, which takes no scopes, or PermissionRestricted.
	PermissionType string   `json:"permission_type"`
	Scopes         []string `json:"scopes,omitempty"`
}

// SubuserAccess is the access of a teammate to a subuser, as SendGrid reports it. Any field may be
// empty; where PermissionType is PermissionAdmin, Scopes are.
type SubuserAccess struct {
	Subuser
	PermissionType string `json:"permission_type,omitempty"`
	// Scopes contain some that SendGrid adds by itself.
	Scopes []string `json:"scopes,omitempty"`
}

// UnmarshalJSON reads an access as object describes it.
func (a *SubuserAccess) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*a = o.access()
	return nil
}

func (o object) access() SubuserAccess {
	return SubuserAccess{
		Subuser:        o.subuser(),
		PermissionType: o.text("permission_type", maxIDBytes),
		Scopes:         o.texts("scopes", maxIDBytes),
	}
}

// subuserAccess reads the access to subusers, without the entries that name none.
func (o object) subuserAccess() []SubuserAccess {
	var all []SubuserAccess
	for _, raw := range o.list("subuser_access") {
		if row, err := parseObject(raw); err == nil && row.subuser().identified() {
			all = append(all, row.access())
		}
	}
	return all
}

// SubuserAccessList is all of a teammate's access to subusers.
type SubuserAccessList struct {
	// Restricted teammates have access to the subusers of the list, and to nothing else.
	Restricted bool
	// Subusers is empty for a teammate that is not restricted: SendGrid then lists all that there
	// are, which says nothing about the teammate.
	Subusers []SubuserAccess
}

// ListSubuserAccess returns a teammate's access to subusers. It reads page by page; a page that
// cannot be read makes all of it fail. IsNotFound reports whether its error means that SendGrid
// does not know the username.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/get-teammate-subuser-access
func (c *Client) ListSubuserAccess(ctx context.Context, username string) (*SubuserAccessList, error) {
	if username == "" {
		return nil, &Error{Op: OpListSubuserAccess, Err: errNoID}
	}
	all := SubuserAccessList{Restricted: true}
	after := ""
	for range maxAccessPages {
		path := fmt.Sprintf("%s/subuser_access?limit=%d", teammatePath(username), accessPage)
		if after != "" {
			path += "&after_subuser_id=" + url.QueryEscape(after)
		}
		var page subuserAccessPage
		err := c.do(ctx, OpListSubuserAccess, path, nil, &page)
		switch {
		case IsNotFound(err) && after != "": // The teammate was there.
			return nil, unfinished(OpListSubuserAccess, fmt.Errorf("a later page: %w", err))
		case err != nil:
			return nil, err
		case !page.restricted && after == "":
			return &SubuserAccessList{}, nil
		}
		all.Subusers = append(all.Subusers, page.rows...)
		switch page.after {
		case "":
			return &all, nil
		case after:
			return nil, unfinished(OpListSubuserAccess, errRepeats)
		}
		after = page.after
	}
	return nil, unfinished(OpListSubuserAccess, errTooLarge)
}

// errNoAccess: a response of another kind must not count as the absence of any access.
var errNoAccess = errors.New("the response has neither has_restricted_subuser_access nor subuser_access")

// subuserAccessPage is the response to a list.
type subuserAccessPage struct {
	restricted bool
	rows       []SubuserAccess
	after      string // where the next page begins, empty on the last one
}

func (p *subuserAccessPage) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	restricted := o.flag("has_restricted_subuser_access")
	if restricted == nil && o.list("subuser_access") == nil {
		return errNoAccess
	}
	metadata, _ := parseObject(o["_metadata"]) // What is no object has no fields.
	next, _ := parseObject(metadata["next_params"])
	*p = subuserAccessPage{rows: o.subuserAccess(), after: next.id("after_subuser_id")}
	if p.after == "0" {
		p.after = ""
	}
	if restricted != nil {
		p.restricted = *restricted
	} else { // It is documented to be true where there is an entry.
		p.restricted = len(p.rows) > 0
	}
	return nil
}
