package publish_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

const (
	resultsDir = "../../events/results/"
	trace      = "Root=1-6b0454f1-4b1d5e0c9a7f43c2b8e61d90;Parent=53995c3f42cd8ad8;Sampled=1"
)

// fakeBus is an event bus made of a function.
type fakeBus func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)

func (b fakeBus) PutEvents(_ context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return b(in)
}

// entryOf publishes an outcome and returns the entry that the bus gets.
func entryOf(t *testing.T, d *delivery.Delivery) types.PutEventsRequestEntry {
	t.Helper()
	var entries []types.PutEventsRequestEntry
	p := &publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		entries = append(entries, in.Entries...)
		return &eventbridge.PutEventsOutput{}, nil
	})}
	require.NoError(t, p.Publish(t.Context(), d))
	require.Len(t, entries, 1)
	return entries[0]
}

// detailOf publishes an outcome and returns the detail, which agrees with the schema.
func detailOf(t *testing.T, d *delivery.Delivery) string {
	t.Helper()
	text := aws.ToString(entryOf(t, d).Detail)
	require.NoError(t, validate(t, text), text)
	return text
}

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) { return compile("schema.json") })

// compile returns a schema that checks formats as well.
func compile(name string) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	return c.Compile(resultsDir + name)
}

// validate checks a detail against the schema.
func validate(t *testing.T, detail string) error {
	t.Helper()
	s, err := schema()
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
	require.NoError(t, err)
	return s.Validate(document)
}

// sample is a sample event, as EventBridge delivers it.
type sample struct {
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Detail     json.RawMessage `json:"detail"`
}

// sampleNames are the names of the samples of results: an outcome, and after a hyphen the code, or
// what the request is about if it is no connection.
var sampleNames = []string{
	"created", "updated", "unchanged", "superseded", "disabled", "rejected", "rejected-forbidden", "rejected-gone", "failed",
	"created-teammate", "updated-teammate", "unchanged-teammate", "superseded-teammate", "deleted-teammate", "rejected-teammate", "failed-teammate",
}

func readSample(t *testing.T, name string) (s sample) {
	t.Helper()
	text, err := os.ReadFile(resultsDir + name + ".json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

// fullRequest is a request with every field.
func fullRequest() *request.Request {
	return &request.Request{
		Name: "Müller & Söhne", Enabled: true, SigninURL: "https://idp.example/in?a=1&b=2", SignoutURL: "https://idp.example/out",
		EntityID: "urn:idp:1", CompletedIntegration: aws.Bool(true), Metadata: map[string]string{"ticket": "OPS-1", "empty": ""},
	}
}

// success is a delivery that succeeded.
func success(outcome protocol.Outcome, r *request.Request) *delivery.Delivery {
	return &delivery.Delivery{
		Trigger: "direct", IDs: delivery.IDs{TraceHeader: trace}, Request: r, Duration: 12 * time.Millisecond,
		Result: &provision.Result{Outcome: outcome, Integration: sendgrid.Integration{
			ID: "id-1", Name: r.Name, Enabled: r.Enabled, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID,
			SingleSignOnURL: "https://api.sendgrid.com/id-1", AudienceURL: "https://api.sendgrid.com/id-1",
			CompletedIntegration: r.CompletedIntegration,
		}},
	}
}

// ended is a delivery of a request that ends a connection.
func ended(outcome protocol.Outcome) *delivery.Delivery {
	d := success(outcome, &request.Request{Name: "Okta", SigninURL: "https://idp.example/in", EntityID: "urn:idp:1"})
	d.Request = &request.Request{Kind: request.Absent, EntityID: "urn:idp:1"}
	return d
}

// failing is a delivery that failed.
func failing(failure *problem.Error, r *request.Request) *delivery.Delivery {
	return &delivery.Delivery{Trigger: "direct", Request: r, Failure: failure}
}

// everyWarning returns a warning of each kind.
func everyWarning() (all []provision.Warning) {
	for _, code := range provision.WarningCodes() {
		all = append(all, provision.Warning{Code: code, Message: "A sentence."})
	}
	return all
}

func sha256Of(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }
