// Package entra connects a tenant of Microsoft Entra ID: the applications in it that an operator
// has named. Entra sends no events, so it is read by the schedule.
package entra

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/saml"
)

// API is the part of *entra.Client that a Provider uses.
type API interface {
	Application(ctx context.Context, appID string) (*entra.Application, error)
	ServicePrincipal(ctx context.Context, appID string) (*entra.ServicePrincipal, error)
	Metadata(ctx context.Context, appID string) ([]byte, error)
	MetadataURL(appID string) string
	AddURLs(ctx context.Context, app *entra.Application, identifier, reply string) error
}

// Provider is a tenant. Set its fields before the first event.
type Provider struct {
	API API
	// ApplicationIDs are the ids of the applications that concern SendGrid, in lower case. They
	// are named one by one: everybody in a tenant may make applications, with any name and tag.
	ApplicationIDs []string
}

// Name implements connector.Provider.
func (*Provider) Name() string { return entra.Name }

// IsAppID implements connector.Provider.
func (*Provider) IsAppID(text string) bool { return entra.IsGUID(text) }

// Sends implements connector.Provider: Entra sends no events.
func (*Provider) Sends(connector.Event) bool { return false }

// Announce implements connector.Provider.
func (*Provider) Announce(context.Context, connector.Event) connector.Announcement {
	return connector.Announcement{Reason: "Entra sends no events"}
}

// found is a named application as it was read.
type found struct {
	connector.Announcement
	// entityID is empty if the application is not sent anyway.
	entityID string
}

// Survey reads every named application, and only then announces them: two with one entity id
// would both be the same integration in SendGrid, so neither is sent. A failure that is not
// about one application ends the survey, because which ones share is not known then.
func (p *Provider) Survey(ctx context.Context) iter.Seq[connector.Announcement] {
	return func(yield func(connector.Announcement) bool) {
		at := connector.AsOf()
		var apps []found
		for _, id := range p.ApplicationIDs {
			app, err := p.read(ctx, id)
			if err != nil {
				yield(connector.Announcement{Err: fmt.Errorf("read the application %s: %w", id, err)})
				return
			}
			app.At = at
			apps = append(apps, app)
		}
		for _, app := range apps {
			if others := sharing(apps, app); len(others) > 0 {
				app.Request, app.Err = nil, shared(app.entityID, others)
			}
			if !yield(app.Announcement) {
				return
			}
		}
	}
}

// sharing returns the ids of the other applications with the same entity id.
func sharing(apps []found, app found) (ids []string) {
	for _, other := range apps {
		if other.App != app.App && app.entityID != "" && other.entityID == app.entityID {
			ids = append(ids, other.App)
		}
	}
	return ids
}

func shared(entityID string, others []string) error {
	return &connector.Error{
		Code: connector.SharedEntityID,
		Message: "The application has the entity id of " + strings.Join(others, " and ") + ", " + entityID + ", so that SendGrid could not tell " +
			"their logins apart, and none of them was sent. In Entra switch on \"Append application ID to issuer\" for each of them " +
			"(Single sign-on, Attributes & Claims, Advanced SAML claims options), or name only one.",
	}
}

// read reads an application. What is wrong with it is in its announcement; the error is one that
// is not about it.
func (p *Provider) read(ctx context.Context, id string) (found, error) {
	f := found{Announcement: connector.Announcement{App: id}}
	app, err := p.API.Application(ctx, id)
	if err == nil {
		var principal *entra.ServicePrincipal
		if principal, err = p.API.ServicePrincipal(ctx, id); err == nil {
			return p.describe(ctx, f, app, principal)
		}
	}
	if idp.IsNotFound(err) {
		f.Err = &connector.Error{
			Code: connector.ApplicationGone, Err: err,
			Message: "The application is not in Entra, or has no enterprise application. Its integration was left as it is. If it was deleted, " +
				"end the connection and remove the id from ENTRA_APPLICATION_IDS.",
		}
		return f, nil
	}
	return f, withCode(err)
}

// describe makes the request of an application.
func (p *Provider) describe(ctx context.Context, f found, app *entra.Application, principal *entra.ServicePrincipal) (found, error) {
	if principal.PreferredSingleSignOnMode != entra.SAML {
		f.Reason = "the application does not use SAML single sign-on"
		return f, nil
	}
	var err error
	var notReady *connector.Error
	if f.entityID, err = p.entityID(ctx, f.App); errors.As(err, &notReady) {
		f.Err = notReady
		return f, nil
	}
	enabled := principal.AccountEnabled
	f.Request = &connector.Request{
		Name: strings.TrimSpace(principal.DisplayName), Enabled: &enabled, SAMLMetadataURL: p.API.MetadataURL(f.App),
		IfExists: connector.IfExistsUpdate, Metadata: map[string]string{"entra_app": f.App, "entra_object_id": app.ObjectID},
	}
	return f, err
}

// entityID reads the entity id with which an application signs. Graph does not show whether the
// application id is appended to it, so it is that of the SAML metadata.
func (p *Provider) entityID(ctx context.Context, id string) (string, error) {
	document, err := p.API.Metadata(ctx, id)
	if err == nil {
		var parsed *saml.Metadata
		if parsed, err = saml.ParseMetadata(document, saml.Given{}, time.Now()); err == nil {
			return parsed.EntityID, nil
		}
		err = fmt.Errorf("the SAML metadata %w", err)
	} else if failure := (*idp.Error)(nil); !errors.As(err, &failure) || failure.Retryable() {
		return "", err
	}
	return "", &connector.Error{
		Code: connector.ApplicationNotReady, Err: err,
		Message: "The application has no usable SAML metadata. Give it a signing certificate in Entra (Single sign-on, SAML Certificates).",
	}
}

// Application implements connector.Provider.
func (p *Provider) Application(ctx context.Context, metadata map[string]string, _ bool) (connector.Application, *connector.End, error) {
	id := strings.ToLower(metadata["entra_app"])
	switch {
	case !slices.Contains(p.ApplicationIDs, id):
		return nil, &connector.End{Outcome: connector.Ignored, Reason: "the application is not one of ENTRA_APPLICATION_IDS"}, nil
	case !entra.IsGUID(metadata["entra_object_id"]):
		return nil, &connector.End{Outcome: connector.Refused, Reason: "entra_object_id is not the id of an application object"}, nil
	}
	app, err := p.API.Application(ctx, id)
	switch {
	case idp.IsNotFound(err):
		return nil, &connector.End{Outcome: connector.Ignored, Reason: "the application does not exist"}, nil
	case err != nil:
		return nil, nil, withCode(err)
	case !strings.EqualFold(app.ObjectID, metadata["entra_object_id"]):
		return nil, &connector.End{Outcome: connector.Refused, Reason: "entra_object_id is that of another application"}, nil
	}
	return &application{p, app}, nil, nil
}

// application is an application as it was read.
type application struct {
	provider *Provider
	*entra.Application
}

// Has implements connector.Application.
func (a *application) Has(urls connector.URLs) bool {
	return a.Application.Has(urls.Audience, urls.ACS)
}

// EntityID implements connector.Application.
func (a *application) EntityID(ctx context.Context) (string, error) {
	return a.provider.entityID(ctx, strings.ToLower(a.AppID))
}

// Write implements connector.Application.
func (a *application) Write(ctx context.Context, urls connector.URLs) error {
	err := a.provider.API.AddURLs(ctx, a.Application, urls.Audience, urls.ACS)
	if failure := (*idp.Error)(nil); errors.As(err, &failure) && failure.Status == http.StatusBadRequest && !failure.Token {
		return &connector.Error{
			Code: connector.IdentifierRefused, Err: err,
			Message: "Entra refused SendGrid's URL as an identifier of the application; the log has its reason. HostNameNotOnVerifiedDomain: " +
				"Entra takes a URL outside of the tenant's domains only for a SAML application, so make it from the template for applications " +
				"that are not in the gallery, with SAML single sign-on, and except SAML applications from a policy of the tenant that restricts " +
				"identifiers. If another application has the same identifier, remove it there. Or enter it by hand; then the event succeeds.",
		}
	}
	return withCode(err)
}

// withCode sets the code of failures that only Entra has: a 403 of Graph, if the credential is valid and a
// permission is missing, and an identity for which AWS issues no token.
func withCode(err error) error {
	var (
		noIdentity *entra.IdentityError
		failure    *idp.Error
	)
	switch {
	case errors.As(err, &noIdentity):
		return &connector.Error{
			Code: connector.IdentityUnavailable, Err: err,
			Message: "AWS gave the function no token of its identity; the log has the reason. If it is OutboundWebIdentityFederationDisabled, an " +
				"administrator runs `aws iam enable-outbound-web-identity-federation` once in the account.",
		}
	case errors.As(err, &failure) && failure.Status == http.StatusForbidden && !failure.Token:
		return &connector.Error{
			Code: connector.NotOwner, Err: err,
			Message: "Entra refused access to the application. Make the app registration ENTRA_CLIENT_ID an owner of it, and give its permission " +
				"Application.ReadWrite.OwnedBy admin consent.",
		}
	}
	return err
}
