package okta

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"sendgrid-sso-integration/internal/idp"
)

// User is a person as Okta has them. Each name may be empty.
type User struct {
	FirstName, LastName string
}

// AppUser is the assignment of a user to an application.
type AppUser struct {
	// UserName is the name of the user in the application, which Okta makes by the "Application
	// username" of the application's settings, and which an administrator may set for one user.
	// It may be empty.
	UserName string
}

// IsUserID reports whether text has the form of a user's id, such as "00ub0oNGTSWTBKOLGLNR",
// which is that of an application's.
func IsUserID(text string) bool { return IsAppID(text) }

// User reads a user. A service application needs the scope okta.users.read.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/User/#tag/User/operation/getUser
func (c *Client) User(ctx context.Context, id string) (*User, error) {
	var known struct {
		ID      string
		Profile User
	}
	if err := c.read(ctx, "/api/v1/users/"+url.PathEscape(id), &known); err != nil {
		return nil, err
	}
	if known.ID == "" {
		return nil, errors.New("okta: the user is not the documented JSON: it has no id")
	}
	return &known.Profile, nil
}

// AppUser reads the assignment of a user to an application. Okta returns 404 if there is none,
// and has one for each user of a group that is assigned.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/ApplicationUsers/#tag/ApplicationUsers/operation/getApplicationUser
func (c *Client) AppUser(ctx context.Context, appID, userID string) (*AppUser, error) {
	var known struct {
		ID          string
		Credentials AppUser
	}
	if err := c.read(ctx, appsPath+"/"+url.PathEscape(appID)+"/users/"+url.PathEscape(userID), &known); err != nil {
		return nil, err
	}
	if known.ID == "" {
		return nil, errors.New("okta: the user is not the documented JSON: it has no id")
	}
	return &known.Credentials, nil
}

// read reads an object about a person. Its errors have nothing of what was read.
func (c *Client) read(ctx context.Context, path string, object any) error {
	response, err := c.do(ctx, idp.Request{Method: http.MethodGet, Path: path, Accept: idp.JSON, Limit: maxResponseBytes})
	if err != nil {
		return err
	}
	if json.Unmarshal(response.Body, object) != nil {
		return errors.New("okta: the user is not the documented JSON")
	}
	return nil
}
