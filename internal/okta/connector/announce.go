package connector

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/saml"
)

// request is the request that the SendGrid SSO integration function gets.
type request struct {
	Name         string            `json:"name"`
	Enabled      bool              `json:"enabled"`
	SAMLMetadata string            `json:"saml_metadata"`
	IfExists     string            `json:"if_exists"`
	Metadata     map[string]string `json:"metadata"`
}

// maxDetailBytes leaves room in an event's 256 KiB for its other fields.
const maxDetailBytes = 250 << 10

// announce turns an event of Okta's log into a request event. The request has the state of the
// application at this moment, and the time of the log event: of two requests about one
// application, the function lets the later time win. An event that announces something else
// than Okta shows is processed again, as long as Okta may lag.
func (c *Connector) announce(ctx context.Context, d *delivery) error {
	var e logEvent
	if err := decodeDetail(d.event, &e); err != nil {
		return err
	}
	d.oktaEvent = e.UUID
	if okta.IsAppID(e.target().ID) {
		d.app = e.target().ID
	}
	if !e.concerns() || e.target().ID == "" {
		d.end(Ignored, "the event announces no change of an application")
		return nil
	}
	if d.app == "" {
		return &Error{Code: InvalidEvent, Message: "The target of the log event has an id that is not that of an application."}
	}
	at := e.Published
	if at.IsZero() {
		at = d.event.Time
	}
	lagging := mayLag(at)
	app, reason, err := c.application(ctx, d.app, lagging && e.mayBeNamed(c.NamePrefix))
	if err != nil || reason != "" {
		d.end(Ignored, reason)
		return err
	}
	if missing := e.missingStatus(app); missing != "" && lagging {
		return notShownYet(missing)
	}
	metadata, _, err := c.metadata(ctx, app)
	if err != nil {
		return err
	}
	detail, err := encodeRequest(request{
		Name: strings.TrimSpace(app.Label), Enabled: app.IsActive(), SAMLMetadata: string(metadata), IfExists: "update",
		Metadata: map[string]string{"okta_app": d.app, "okta_event": cmp.Or(d.oktaEvent, d.event.ID)},
	})
	if err != nil {
		return err
	}
	d.outcome = Announced
	if err := c.Bus.Put(ctx, at, detail); err != nil {
		return err
	}
	// The request was sent all the same: until SendGrid has the certificate of a new key nobody
	// can log in, and an event need not name the key.
	if lagging && e.missesKey(d.event.Detail, app) {
		return notShownYet("the event does not name the key with which the application signs")
	}
	return nil
}

// application reads an application, of which Okta may not know yet if its reads may be lagging.
// The reason is why it does not concern SendGrid.
func (c *Connector) application(ctx context.Context, id string, lagging bool) (app *okta.Application, reason string, err error) {
	app, err = c.Okta.Application(ctx, id)
	var failure *okta.Error
	switch {
	case errors.As(err, &failure) && failure.IsNotFound() && lagging:
		return nil, "", notShownYet("the application does not exist")
	case errors.As(err, &failure) && failure.IsNotFound():
		return nil, "the application does not exist", nil
	case err != nil:
		return nil, "", err
	case app.SignOnMode != okta.SAML:
		return nil, "the application does not use SAML 2.0", nil
	case !strings.HasPrefix(app.Label, c.NamePrefix):
		return nil, "the name of the application does not begin with APPLICATION_NAME_PREFIX", nil
	}
	return app, "", nil
}

// metadata reads the SAML metadata of an application, as Okta writes it and parsed. It is that
// of the key that the application was read with, so that both belong together.
//
// An application that is being created may have none yet. That is an error, so that the event
// is processed again, and not a reason to wait for the event of an update: there need not be
// one. What the event finds then is the application as it is then.
func (c *Connector) metadata(ctx context.Context, app *okta.Application) ([]byte, *saml.Metadata, error) {
	document, err := c.Okta.Metadata(ctx, app.ID, app.SigningKeyID)
	var failure *okta.Error
	if err != nil && (!errors.As(err, &failure) || !failure.IsNotFound()) {
		return nil, nil, err
	}
	if err == nil {
		var parsed *saml.Metadata
		if parsed, err = saml.ParseMetadata(document, saml.Given{}, time.Now()); err == nil {
			return document, parsed, nil
		}
		err = fmt.Errorf("the SAML metadata %w", err)
	}
	return nil, nil, &Error{
		Code: ApplicationNotReady, Err: err,
		Message: "The application has no usable SAML metadata yet. If it stays so, complete its SAML settings in Okta.",
	}
}

// encodeRequest encodes a request as the detail of an event. XML has many of the characters
// that encoding/json escapes for HTML, with six bytes each.
func encodeRequest(r request) ([]byte, error) {
	var detail bytes.Buffer
	encoder := json.NewEncoder(&detail)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	if detail.Len() > maxDetailBytes {
		return nil, &Error{
			Code:    MetadataTooLarge,
			Message: "The SAML metadata of the application does not fit into an event. Remove signing certificates that are not used any more.",
		}
	}
	return bytes.TrimSuffix(detail.Bytes(), []byte("\n")), nil
}
