package connector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	entityID    = "http://www.okta.com/exk1"
	sendGrid    = "https://api.sendgrid.com"
	integration = "b0b98502-9408-4b24-9e3d-31ed7cb15312"
	// responseURL is both URLs of the integration.
	responseURL = sendGrid + "/v3/public/sso/saml/response/id/" + integration
)

// fakeOkta has one application or none, which nobody but the test changes.
type fakeOkta struct {
	app *okta.Application
	// others are listed with it, and have no metadata.
	others   []*okta.Application
	metadata []byte
	// user is nil if there is none, appUser if nobody is assigned.
	user     *okta.User
	appUser  *okta.AppUser
	err      error
	replaced int
	// calls counts what was read of applications and people.
	calls int
}

func notFound() error { return &idp.Error{Provider: okta.Name, Op: "GET", Status: http.StatusNotFound} }

func (f *fakeOkta) User(_ context.Context, id string) (*okta.User, error) {
	f.calls++
	if f.user == nil || id != "00u1" {
		return nil, notFound()
	}
	return f.user, f.err
}

func (f *fakeOkta) AppUser(_ context.Context, appID, userID string) (*okta.AppUser, error) {
	f.calls++
	if f.appUser == nil || appID != "0oa1" || userID != "00u1" {
		return nil, notFound()
	}
	return f.appUser, f.err
}

func (f *fakeOkta) Application(_ context.Context, id string) (*okta.Application, error) {
	f.calls++
	if f.app == nil || id != f.app.ID {
		return nil, notFound()
	}
	return f.app, f.err
}

func (f *fakeOkta) Metadata(_ context.Context, id, keyID string) ([]byte, error) {
	if f.app == nil || id != f.app.ID || keyID != f.app.SigningKeyID {
		return nil, notFound()
	}
	return f.metadata, f.err
}

func (f *fakeOkta) Applications(context.Context) iter.Seq2[*okta.Application, error] {
	return func(yield func(*okta.Application, error) bool) {
		if f.err != nil {
			yield(nil, f.err)
			return
		}
		for _, app := range append([]*okta.Application{f.app}, f.others...) {
			if app != nil && !yield(app, nil) {
				return
			}
		}
	}
}

func (f *fakeOkta) Replace(context.Context, string, []byte) error {
	f.replaced++
	return f.err
}

type fakeBus struct {
	at      time.Time
	details []string
	err     error
}

func (b *fakeBus) Put(_ context.Context, at time.Time, detail []byte) error {
	if b.err != nil {
		return b.err
	}
	b.at, b.details = at, append(b.details, string(detail))
	return nil
}

func newOkta(t *testing.T) *fakeOkta {
	t.Helper()
	shapes := samltest.Shapes()
	i := slices.IndexFunc(shapes, func(s samltest.Shape) bool { return s.Name == "Okta" })
	require.GreaterOrEqual(t, i, 0)
	return &fakeOkta{
		app: &okta.Application{
			ID: "0oa1", Label: "SendGrid", Status: "ACTIVE", SignOnMode: okta.SAML, SigningKeyID: "akm1",
			SignOn: signOn(responseURL, responseURL),
		},
		metadata: shapes[i].Build(samltest.Params{EntityID: entityID, SigninURL: "https://example.okta.com/sso"}),
	}
}

// signOn are the settings of an application that has these URLs.
func signOn(acsURL, audience string) okta.SignOn {
	return okta.SignOn{ACSURL: &acsURL, Recipient: &acsURL, Destination: &acsURL, Audience: &audience}
}

// fixture is a connector with what it is connected to.
type fixture struct {
	okta *fakeOkta
	bus  *fakeBus
	logs bytes.Buffer
	*connector.Connector
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{okta: newOkta(t), bus: &fakeBus{}}
	f.Connector = &connector.Connector{
		Providers: []connector.Provider{&oktaadapter.Provider{API: f.okta, NamePrefix: "SendGrid"}}, Bus: f.bus,
		SendGridRoots: []string{sendGrid, "https://api.eu.sendgrid.com"},
		Logger:        slog.New(slog.NewJSONHandler(&f.logs, nil)),
	}
	return f
}

// invoke returns the outcome of an event, or the code of its failure, and the reason.
func (f *fixture) invoke(t *testing.T, event string) (outcome, reason string) {
	t.Helper()
	body, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		var failure messages.InvokeResponse_Error
		require.ErrorAs(t, err, &failure)
		return failure.Type, ""
	}
	var response struct{ Outcome, Reason string }
	require.NoError(t, json.Unmarshal(body, &response))
	return response.Outcome, response.Reason
}
