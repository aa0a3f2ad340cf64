package okta

import (
	"context"
	"net/mail"
	"strings"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
)

// announceAssignment turns the event of an assignment into the request of a teammate. Okta has one
// event for each person, also if a group was assigned to the application, or somebody joined such
// a group.
func (p *Provider) announceAssignment(ctx context.Context, a *connector.Announcement, e logEvent, id string) {
	if p.Persona == "" {
		a.Reason = "somebody was assigned to an application, and TEAMMATES is off"
		return
	}
	// Okta reports every assignment in the org. Those to applications with another name are not
	// looked up: thousands of them would use up the rate limit.
	if !e.mayBeNamed(p.NamePrefix) {
		a.Reason = reasonOtherName
		return
	}
	if !okta.IsUserID(e.user().ID) {
		a.Err = &connector.Error{Code: connector.InvalidEvent, Message: "The log event of an assignment has no target of the type User with an id."}
		return
	}
	a.User = e.user().ID
	lagging := connector.MayLag(a.At)
	var app *okta.Application
	if app, a.Reason, a.Err = p.read(ctx, a.App, lagging); app == nil {
		return
	}
	var teammate connector.Teammate
	if teammate, a.Reason, a.Err = p.teammate(ctx, app, a.User, lagging); a.Reason != "" || a.Err != nil {
		return
	}
	if a.Reason = incomplete(app, teammate); a.Reason != "" {
		a.Skipped = connector.TeammateIncomplete
		return
	}
	a.Request = &connector.Request{Teammate: &teammate, Metadata: metadata(app.ID, id)}
	a.Request.Metadata["okta_user"] = a.User
}

// teammate reads who was assigned. The email is the name that the person has in the application,
// not the email of their profile: the former is what Okta sends as NameID, by which SendGrid
// knows people. A teammate with another email could not log in.
func (p *Provider) teammate(ctx context.Context, app *okta.Application, userID string, lagging bool) (t connector.Teammate, reason string, err error) {
	assigned, err := p.API.AppUser(ctx, app.ID, userID)
	if err != nil {
		reason, err = gone(err, lagging, "the person is not assigned to the application")
		return t, reason, err
	}
	user, err := p.API.User(ctx, userID)
	if err != nil {
		reason, err = gone(err, lagging, "the person does not exist")
		return t, reason, err
	}
	return connector.Teammate{
		Email: strings.TrimSpace(assigned.UserName), FirstName: strings.TrimSpace(user.FirstName), LastName: strings.TrimSpace(user.LastName),
		Persona: p.Persona,
	}, "", nil
}

// gone returns what follows from a person who was not found, if that is the error: while Okta may
// lag they are read again, and then there is nobody to create.
func gone(err error, lagging bool, what string) (reason string, _ error) {
	switch {
	case !idp.IsNotFound(err):
		return "", err
	case lagging:
		return "", connector.NotShown(okta.Name, what)
	}
	return what, nil
}

// incomplete returns what is missing for a teammate who could log in, empty if nothing is. It
// names nobody, because it gets into the log.
func incomplete(app *okta.Application, t connector.Teammate) string {
	address, err := mail.ParseAddress(t.Email)
	switch {
	case !app.SendsUserName():
		return "the application does not send its username as NameID (settings.signOn.subjectNameIdTemplate); set it to ${user.userName}, then assign the person again"
	case err != nil || address.Address != t.Email:
		return "the username of the person in the application is not an email address; set Application username to Email, then assign the person again"
	case t.FirstName == "" || t.LastName == "":
		return "the profile of the person has no first name or no last name, which SendGrid needs; complete it, then assign the person again"
	}
	return ""
}
