package okta

import (
	"cmp"
	"context"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/okta"
)

// Announce turns an event of Okta's log into a request. That of an application has its state at
// this moment, and the time of the log event: of two requests about one
// application, the function lets the later time win. An event that announces something else
// than Okta shows is processed again, as long as Okta may lag.
func (p *Provider) Announce(ctx context.Context, event connector.Event) (a connector.Announcement) {
	var e logEvent
	if a.Err = event.DecodeDetail(&e, "published"); a.Err != nil {
		return a
	}
	a.Event, a.At = e.UUID, e.Published
	if a.At.IsZero() {
		a.At = event.Time
	}
	if okta.IsAppID(e.target().ID) {
		a.App = e.target().ID
	}
	id := cmp.Or(e.UUID, event.ID)
	switch {
	case !e.concerns() || e.target().ID == "":
		a.Reason = "the event announces neither a change of an application nor an assignment to one"
	case a.App == "":
		a.Err = &connector.Error{Code: connector.InvalidEvent, Message: "The target of the log event has an id that is not that of an application."}
	case e.EventType == eventAssign:
		p.announceAssignment(ctx, &a, e, id)
	case e.EventType == eventDelete:
		a.Request = end(a.App, id)
	default:
		p.announceChange(ctx, &a, e, event.Detail, id)
	}
	return a
}

// end is the request that ends the connection of a deleted application. Nothing can be read of
// the application any more, not even whether its name had the prefix: the function ends what it
// keeps with this id, which is nothing for an application that never concerned SendGrid.
func end(app, event string) *connector.Request {
	return &connector.Request{State: connector.StateAbsent, Match: map[string]string{"okta_app": app}, Metadata: metadata(app, event)}
}

func (p *Provider) announceChange(ctx context.Context, a *connector.Announcement, e logEvent, detail []byte, id string) {
	lagging := connector.MayLag(a.At)
	var app *okta.Application
	if app, a.Reason, a.Err = p.read(ctx, a.App, lagging && e.mayBeNamed(p.NamePrefix)); app == nil {
		return
	}
	if missing := e.missingStatus(app); missing != "" && lagging {
		a.Err = connector.NotShown(okta.Name, missing)
		return
	}
	a.Request, a.Err = p.request(ctx, app, id)
	// The request is still sent: until SendGrid has the certificate of a new key nobody
	// can log in, and an event need not name the key.
	if a.Err == nil && lagging && e.missesKey(detail, app) {
		a.Err = connector.NotShown(okta.Name, "the event does not name the key with which the application signs")
	}
}
