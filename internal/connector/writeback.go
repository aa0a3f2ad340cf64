package connector

import (
	"context"
	"slices"
	"strings"
)

// URLs are where SendGrid takes the SAML responses of an integration, and the audience for which
// they have to be.
type URLs struct{ ACS, Audience string }

// writeBack puts SendGrid's URLs, from a result event, into the application that the request was
// about. Whoever may put events on the bus, or send requests, chooses what a result has. So it is
// checked here, for every provider, that the URLs are SendGrid's own, that ids have their form,
// and that the integration is that of the application.
//
// No provider has a conditional write, so the application is read and written in direct
// succession, and a change by somebody else within that second is lost.
func (c *Connector) writeBack(ctx context.Context, d *delivery) error {
	var e resultEvent
	if err := d.event.DecodeDetail(&e, ""); err != nil {
		return err
	}
	provider := c.providerOf(e.Metadata)
	if !slices.Contains(resultTypes, d.event.DetailType) || provider == nil {
		d.end(Ignored, "the result is not about an integration of an application of an identity provider that is configured")
		return nil
	}
	d.provider, d.appEvent = prefix(provider), e.Metadata[prefix(provider)+"_event"]
	app, urls := e.Metadata[d.provider+"_app"], URLs{e.Integration.SingleSignOnURL, e.Integration.AudienceURL}
	switch {
	case !provider.IsAppID(app):
		d.end(Refused, d.provider+"_app is not the id of an application")
		return nil
	case !isIntegrationID(e.Integration.ID):
		d.app = app
		d.end(Refused, "integration.id is not the id of an integration")
		return nil
	case !c.isResponseURL(urls.ACS, e.Integration.ID) || !c.isResponseURL(urls.Audience, e.Integration.ID):
		d.app = app
		d.end(Refused, "single_signon_url or audience_url is not where SendGrid takes the SAML responses of this integration")
		return nil
	}
	d.app = app
	return c.put(ctx, d, provider, e, urls)
}

// providerOf returns the provider of whose application the metadata has the id, nil if there is
// none. No connector sends a request with two such ids.
func (c *Connector) providerOf(metadata map[string]string) Provider {
	i := slices.IndexFunc(c.Providers, func(p Provider) bool { return metadata[prefix(p)+"_app"] != "" })
	if i < 0 {
		return nil
	}
	return c.Providers[i]
}

// put writes SendGrid's URLs into the application, if it is that of the integration and has
// others, and reads it back. If the function ends in between, the event is delivered again and
// finds nothing to change.
func (c *Connector) put(ctx context.Context, d *delivery, p Provider, e resultEvent, urls URLs) error {
	app, end, err := p.Application(ctx, e.Metadata, MayLag(d.event.Time))
	switch {
	case err != nil:
		return err
	case end != nil:
		d.end(end.Outcome, end.Reason)
		return nil
	case app.Has(urls):
		d.outcome = Unchanged
		return nil
	}
	// The entity id is the one fact that the sender of a request cannot choose for an application
	// that is not theirs. Without this check, a request with another application's id would send
	// the logins of that one to SendGrid.
	entityID, err := app.EntityID(ctx)
	if err != nil {
		return err
	}
	if entityID != e.Integration.EntityID {
		d.end(Refused, "the integration has another entity_id than the application")
		return nil
	}
	if err := app.Write(ctx, urls); err != nil {
		return err
	}
	written, end, err := p.Application(ctx, e.Metadata, false)
	switch {
	case err != nil:
		return err
	case end != nil || !written.Has(urls):
		return &Error{
			Code: WriteUnconfirmed,
			Message: p.Name() + " accepted SendGrid's URLs, but the application does not show them. If that stays so, put them in by hand and " +
				"send the event again.",
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
// another way by a provider or a browser.
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
