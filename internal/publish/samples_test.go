package publish_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/sendgrid"
)

var sampleNames = []string{"created", "unchanged", "rejected", "failed"}

// fakeSendGrid is SendGrid. A call of a function that is not set panics.
type fakeSendGrid struct {
	list   func() ([]sendgrid.Integration, error)
	create func(sendgrid.IntegrationRequest) (*sendgrid.Integration, error)
	get    func(id string) (*sendgrid.Integration, error)
}

func (f *fakeSendGrid) ListIntegrations(context.Context) ([]sendgrid.Integration, error) {
	return f.list()
}

func (f *fakeSendGrid) CreateIntegration(_ context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
	return f.create(in)
}

func (f *fakeSendGrid) GetIntegration(_ context.Context, id string) (*sendgrid.Integration, error) {
	return f.get(id)
}

// roundTripper stands in for the network, and oneKey for a secret that is never renewed.
type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

type oneKey struct{}

func (oneKey) Key(context.Context) (key, version string, err error)              { return "SG.key", "1", nil }
func (oneKey) RenewKey(context.Context, string) (key, version string, err error) { panic("not set") }

// holds returns a SendGrid that holds these integrations.
func holds(integrations ...sendgrid.Integration) *fakeSendGrid {
	return &fakeSendGrid{list: func() ([]sendgrid.Integration, error) { return integrations, nil }}
}

// ensure has a request fulfilled, and returns the event about it.
func ensure(t *testing.T, upstream provision.SendGrid, r provision.Request) publish.Event {
	t.Helper()
	p := &provision.Provisioner{SendGrid: upstream, Ledger: &ledger.Memory{}, Logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithTimeout(t.Context(), 28*time.Second)
	defer cancel()
	e := publish.Event{Request: &r, Origin: publish.Origin{Trigger: "direct"}}
	result, err := p.Ensure(ctx, r, provision.Delivery{})
	if err != nil {
		e.Failure = problem.From(err)
		return e
	}
	e.Result = result
	return e
}

// sampleDetail is the detail of a sample, as far as it is known before the outcome is.
type sampleDetail struct {
	Integration sendgrid.Integration
	Request     sendgrid.IntegrationRequest
	Metadata    map[string]string
	Origin      publish.Origin
	DurationMS  int64 `json:"duration_ms"`
}

// The samples are what the function publishes, to the letter: each is made again, by the
// provisioner and from what SendGrid would have to hold.
func TestSamplesAreWhatIsPublished(t *testing.T) {
	t.Parallel()
	worlds := map[string]func(d sampleDetail) *fakeSendGrid{
		"created": func(d sampleDetail) *fakeSendGrid {
			s := holds()
			s.create = func(in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
				require.Equal(t, d.Request, in)
				return &d.Integration, nil
			}
			return s
		},
		"unchanged": func(d sampleDetail) *fakeSendGrid { return holds(d.Integration) },
		"rejected": func(d sampleDetail) *fakeSendGrid {
			return holds(sendgrid.Integration{
				ID: "7e2d9f41-3b6a-4c58-9d0e-8a1f5c7b2e63", Name: "Okta", Enabled: d.Request.Enabled,
				SigninURL: "https://idp.example/in", SignoutURL: d.Request.SignoutURL, EntityID: d.Request.EntityID,
				SingleSignOnURL: "https://api.sendgrid.com/", AudienceURL: "https://api.sendgrid.com/",
			})
		},
		"failed": func(sampleDetail) *fakeSendGrid {
			return &fakeSendGrid{list: func() ([]sendgrid.Integration, error) {
				return nil, &sendgrid.Error{Op: sendgrid.OpListIntegrations, StatusCode: 503, Sent: true}
			}}
		},
	}
	require.Len(t, worlds, len(sampleNames))
	for _, name := range sampleNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSample(t, name)
			require.NoError(t, validate(t, string(s.Detail)))
			var d sampleDetail
			require.NoError(t, json.Unmarshal(s.Detail, &d))
			request := provision.Request{
				Name: d.Request.Name, Enabled: d.Request.Enabled, SigninURL: d.Request.SigninURL, SignoutURL: d.Request.SignoutURL,
				EntityID: d.Request.EntityID, CompletedIntegration: d.Request.CompletedIntegration, Metadata: d.Metadata,
			}
			synctest.Test(t, func(t *testing.T) {
				e := ensure(t, worlds[name](d), request)
				e.Origin, e.DurationMS = d.Origin, d.DurationMS
				entry := entryOf(t, e)
				require.Equal(t, s.DetailType, aws.ToString(entry.DetailType))
				require.Equal(t, s.Source, aws.ToString(entry.Source))
				require.JSONEq(t, string(s.Detail), aws.ToString(entry.Detail))
			})
		})
	}
}

// The envelopes are as EventBridge makes them.
func TestSampleEnvelopes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(resultsDir + "*.json")
	require.NoError(t, err)
	require.Len(t, files, len(sampleNames)+1, "the samples and the schema")
	ids := map[string]bool{}
	for _, name := range sampleNames {
		s := readSample(t, name)
		require.Equal(t, "0", s.Version)
		require.Equal(t, publish.Source, s.Source)
		require.Len(t, s.Account, 12)
		require.NotEmpty(t, s.Region)
		require.NotNil(t, s.Resources)
		_, err := time.Parse("2006-01-02T15:04:05Z", s.Time)
		require.NoError(t, err)
		require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, s.ID)
		require.False(t, ids[s.ID], "%s is there twice", s.ID)
		ids[s.ID] = true
	}
}
