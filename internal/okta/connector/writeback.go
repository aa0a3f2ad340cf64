package connector

import (
	"context"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/okta"
)

// writeBack puts SendGrid's URLs, from a result event, into the application that the request
// was about. Okta has no conditional write, so the application is read and written in direct
// succession, and a change by somebody else within that second is lost.
func (c *Connector) writeBack(ctx context.Context, d *delivery) error {
	var e resultEvent
	if err := decodeDetail(d.event, &e); err != nil {
		return err
	}
	d.app, d.oktaEvent = e.Metadata.OktaApp, e.Metadata.OktaEvent
	acsURL, audience := e.Integration.SingleSignOnURL, e.Integration.AudienceURL
	switch {
	case !slices.Contains(resultTypes, d.event.DetailType) || d.app == "":
		d.end(Ignored, "the result is not about an integration of an Okta application")
		return nil
	// Whoever sends a request chooses its metadata.
	case !okta.IsAppID(d.app):
		d.app = ""
		d.end(Refused, "okta_app is not the id of an application")
		return nil
	case !isIntegrationID(e.Integration.ID):
		d.end(Refused, "integration.id is not the id of an integration")
		return nil
	case !c.isResponseURL(acsURL, e.Integration.ID) || !c.isResponseURL(audience, e.Integration.ID):
		d.end(Refused, "single_signon_url or audience_url is not where SendGrid takes the SAML responses of this integration")
		return nil
	}
	app, reason, err := c.application(ctx, d.app, mayLag(d.event.Time))
	if err != nil || reason != "" {
		d.end(Ignored, reason)
		return err
	}
	switch {
	case !app.SignOn.IsCustomizable():
		d.end(Ignored, "the application is one of Okta's catalogue, which takes the integration's id instead of URLs")
		return nil
	case app.SignOn.Equal(acsURL, audience):
		d.outcome = Unchanged
		return nil
	}
	belongs, err := c.belongs(ctx, app, e.Integration.EntityID)
	if err != nil {
		return err
	}
	if !belongs {
		d.end(Refused, "the integration has another entity_id than the application")
		return nil
	}
	return c.write(ctx, d, app, acsURL, audience)
}

// belongs reports whether an integration is that of an application: the one fact that the
// sender of a request cannot choose for an application that is not theirs. Without this check,
// a request with another application's id would send the log-ins of that one to SendGrid.
func (c *Connector) belongs(ctx context.Context, app *okta.Application, entityID string) (bool, error) {
	_, metadata, err := c.metadata(ctx, app)
	if err != nil {
		return false, err
	}
	return metadata.EntityID == entityID, nil
}

// write writes the application and reads it back. If the function ends in between, the event
// is delivered again and finds nothing to change.
func (c *Connector) write(ctx context.Context, d *delivery, app *okta.Application, acsURL, audience string) error {
	document, err := app.WithServiceProvider(acsURL, audience)
	if err != nil {
		return err
	}
	if err := c.Okta.Replace(ctx, d.app, document); err != nil {
		return err
	}
	written, err := c.Okta.Application(ctx, d.app)
	if err != nil {
		return err
	}
	if !written.SignOn.Equal(acsURL, audience) {
		return &Error{
			Code:    WriteUnconfirmed,
			Message: "Okta accepted SendGrid's URLs, but the application does not show them. If that stays so, put them in by hand and send the event again.",
		}
	}
	d.outcome = Updated
	return nil
}

// responsePath is where SendGrid takes SAML responses, below a root of its API; the id of the
// integration follows.
//
// https://www.twilio.com/docs/sendgrid/api-reference/single-sign-on-settings
const responsePath = "/v3/public/sso/saml/response/id/"

// isResponseURL reports whether text is where SendGrid takes the SAML responses of an
// integration. Whoever may put events on the bus chooses it, and with another host would get
// the responses. Text is compared as a whole: no user, port or path in it can be read in
// another way by Okta or a browser.
func (c *Connector) isResponseURL(text, integrationID string) bool {
	root, found := strings.CutSuffix(text, responsePath+integrationID)
	return found && slices.Contains(c.SendGridRoots, root)
}

// isIntegrationID reports whether text has the form of SendGrid's ids, which are UUIDs.
func isIntegrationID(text string) bool {
	const maxID = 64
	isForeign := func(r rune) bool {
		return r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}
	return text != "" && len(text) <= maxID && !strings.ContainsFunc(text, isForeign)
}
