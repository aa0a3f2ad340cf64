// Package okta connects an Okta org: which applications concern SendGrid, and what follows from
// an event of Okta's log.
package okta

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/saml"
)

// API is the part of *okta.Client that a Provider uses.
type API interface {
	Application(ctx context.Context, id string) (*okta.Application, error)
	Applications(ctx context.Context) iter.Seq2[*okta.Application, error]
	Metadata(ctx context.Context, id, keyID string) ([]byte, error)
	Replace(ctx context.Context, id string, document []byte) error
	User(ctx context.Context, id string) (*okta.User, error)
	AppUser(ctx context.Context, appID, userID string) (*okta.AppUser, error)
}

// Provider is an Okta org. Set its fields before the first event.
type Provider struct {
	API API
	// NamePrefix is the prefix of the names of the applications that concern SendGrid.
	NamePrefix string
	// Persona is the persona in SendGrid of people who are assigned to such an application. If it
	// is empty, nobody becomes a teammate.
	Persona string
}

// Name implements connector.Provider.
func (*Provider) Name() string { return okta.Name }

// IsAppID implements connector.Provider.
func (*Provider) IsAppID(text string) bool { return okta.IsAppID(text) }

// Survey reads every application whose name has the prefix. It also uses the credential, so that
// an API token does not expire for lack of use.
func (p *Provider) Survey(ctx context.Context) iter.Seq[connector.Announcement] {
	return func(yield func(connector.Announcement) bool) {
		for app, err := range p.API.Applications(ctx) {
			var a connector.Announcement
			switch {
			case err != nil:
				a.Err = err
			case p.ignores(app) != "":
				continue
			default:
				a = connector.Announcement{App: app.ID, At: connector.AsOf()}
				a.Request, a.Err = p.request(ctx, app, "")
			}
			if !yield(a) {
				return
			}
		}
	}
}

// request makes the request of an application. It has the id of the event, if there is one.
func (p *Provider) request(ctx context.Context, app *okta.Application, event string) (*connector.Request, error) {
	document, _, err := p.metadata(ctx, app)
	if err != nil {
		return nil, err
	}
	enabled := app.IsActive()
	return &connector.Request{
		Name: strings.TrimSpace(app.Label), Enabled: &enabled, SAMLMetadata: string(document), IfExists: connector.IfExistsUpdate,
		Metadata: metadata(app.ID, event),
	}, nil
}

// metadata is that of a request.
func metadata(app, event string) map[string]string {
	m := map[string]string{"okta_app": app}
	if event != "" {
		m["okta_event"] = event
	}
	return m
}

// Application implements connector.Provider.
func (p *Provider) Application(ctx context.Context, metadata map[string]string, lagging bool) (connector.Application, *connector.End, error) {
	app, reason, err := p.read(ctx, metadata["okta_app"], lagging)
	switch {
	case err != nil:
		return nil, nil, err
	case reason != "":
		return nil, &connector.End{Outcome: connector.Ignored, Reason: reason}, nil
	case !app.SignOn.IsCustomizable():
		reason = "the application is one of Okta's catalogue, which takes the integration's id instead of URLs"
		return nil, &connector.End{Outcome: connector.Ignored, Reason: reason}, nil
	}
	return &application{p, app}, nil, nil
}

// read reads an application. If Okta's reads may lag, an application that is not found is an error. The
// reason is why it does not concern SendGrid.
func (p *Provider) read(ctx context.Context, id string, lagging bool) (app *okta.Application, reason string, err error) {
	app, err = p.API.Application(ctx, id)
	switch {
	case idp.IsNotFound(err) && lagging:
		return nil, "", connector.NotShown(okta.Name, "the application does not exist")
	case idp.IsNotFound(err):
		return nil, "the application does not exist", nil
	case err != nil:
		return nil, "", err
	}
	if reason = p.ignores(app); reason != "" {
		return nil, reason, nil
	}
	return app, "", nil
}

// ignores returns why an application does not concern SendGrid, empty if it does.
func (p *Provider) ignores(app *okta.Application) string {
	switch {
	case app.SignOnMode != okta.SAML:
		return "the application does not use SAML 2.0"
	case !strings.HasPrefix(app.Label, p.NamePrefix):
		return reasonOtherName
	}
	return ""
}

const reasonOtherName = "the name of the application does not begin with APPLICATION_NAME_PREFIX"

// metadata reads the SAML metadata of an application, as Okta writes it and parsed. It belongs
// to the key with which the application was read, so that the two are consistent.
//
// An application that is being created may have none yet. That is an error, so that the event
// is processed again, and not a reason to wait for the event of an update, which may never
// come. The event then finds the application as it is at that time.
func (p *Provider) metadata(ctx context.Context, app *okta.Application) ([]byte, *saml.Metadata, error) {
	document, err := p.API.Metadata(ctx, app.ID, app.SigningKeyID)
	if err != nil && !idp.IsNotFound(err) {
		return nil, nil, err
	}
	if err == nil {
		var parsed *saml.Metadata
		if parsed, err = saml.ParseMetadata(document, saml.Given{}, time.Now()); err == nil {
			return document, parsed, nil
		}
		err = fmt.Errorf("the SAML metadata %w", err)
	}
	return nil, nil, &connector.Error{
		Code: connector.ApplicationNotReady, Err: err,
		Message: "The application has no usable SAML metadata yet. If it stays so, complete its SAML settings in Okta.",
	}
}

// application is an application as it was read.
type application struct {
	provider *Provider
	*okta.Application
}

// Has implements connector.Application.
func (a *application) Has(urls connector.URLs) bool { return a.SignOn.Equal(urls.ACS, urls.Audience) }

// EntityID implements connector.Application.
func (a *application) EntityID(ctx context.Context) (string, error) {
	_, parsed, err := a.provider.metadata(ctx, a.Application)
	if err != nil {
		return "", err
	}
	return parsed.EntityID, nil
}

// Write implements connector.Application.
func (a *application) Write(ctx context.Context, urls connector.URLs) error {
	document, err := a.WithServiceProvider(urls.ACS, urls.Audience)
	if err != nil {
		return err
	}
	return a.provider.API.Replace(ctx, a.ID, document)
}
