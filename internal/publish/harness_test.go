package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/pb33f/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/sendgrid"
)

const (
	resultsDir = "../../events/results/"
	busName    = "sso-results"
	trace      = "Root=1-6b0454f1-4b1d5e0c9a7f43c2b8e61d90;Parent=53995c3f42cd8ad8;Sampled=1"
)

// fakeBus is an event bus. A call of a function that is not set panics.
type fakeBus struct {
	putEvents func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error)
}

func (b *fakeBus) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return b.putEvents(ctx, in)
}

// entryOf publishes an event and returns the entry that the bus gets.
func entryOf(tb testing.TB, e publish.Event) types.PutEventsRequestEntry {
	tb.Helper()
	var entries []types.PutEventsRequestEntry
	bus := &fakeBus{putEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		entries = append(entries, in.Entries...)
		return &eventbridge.PutEventsOutput{}, nil
	}}
	p := &publish.Publisher{API: bus, Bus: busName}
	require.NoError(tb, p.Publish(tb.Context(), e, ""))
	require.Len(tb, entries, 1)
	require.Equal(tb, busName, aws.ToString(entries[0].EventBusName))
	require.Equal(tb, publish.Source, aws.ToString(entries[0].Source))
	require.Nil(tb, entries[0].Time, "EventBridge knows the time itself")
	return entries[0]
}

// detailOf publishes an event and returns its detail, which has to agree with the schema.
func detailOf(tb testing.TB, e publish.Event) string {
	tb.Helper()
	text := aws.ToString(entryOf(tb, e).Detail)
	require.NoError(tb, validate(tb, text), text)
	return text
}

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	return jsonschema.NewCompiler().Compile(resultsDir + "schema.json")
})

// validate holds a detail against the schema.
func validate(tb testing.TB, detail string) error {
	tb.Helper()
	s, err := schema()
	require.NoError(tb, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
	require.NoError(tb, err)
	return s.Validate(document)
}

// sample is an event as EventBridge delivers it.
type sample struct {
	Version    string          `json:"version"`
	ID         string          `json:"id"`
	DetailType string          `json:"detail-type"`
	Source     string          `json:"source"`
	Account    string          `json:"account"`
	Time       string          `json:"time"`
	Region     string          `json:"region"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

func readSample(t *testing.T, name string) sample {
	t.Helper()
	text, err := os.ReadFile(resultsDir + name + ".json")
	require.NoError(t, err)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var s sample
	require.NoError(t, decoder.Decode(&s))
	return s
}

// constants returns the constants of a type that a file declares, in their order.
func constants(tb testing.TB, path, typeName string) []string {
	tb.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(tb, err)
	var found []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typed, ok := spec.Type.(*ast.Ident); ok && typed.Name == typeName {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(tb, err)
			found = append(found, text)
		}
		return true
	})
	require.NotEmpty(tb, found)
	return found
}

func codes(tb testing.TB) []string {
	tb.Helper()
	return constants(tb, "../provision/errors.go", "Code")
}

func triggers(tb testing.TB) []string {
	tb.Helper()
	return constants(tb, "../../handler/recognise.go", "Trigger")
}

// plainRequest is a request without anything that is optional.
func plainRequest() *provision.Request {
	return &provision.Request{Name: "Okta", SigninURL: "https://idp.example/in", EntityID: "urn:idp:1"}
}

// fullRequest is a request with everything.
func fullRequest() *provision.Request {
	return &provision.Request{
		Name: "Müller & Söhne", Enabled: true, SigninURL: "https://idp.example/in?a=1&b=2", SignoutURL: "https://idp.example/out",
		EntityID: "urn:idp:1", CompletedIntegration: aws.Bool(true), Metadata: map[string]string{"ticket": "OPS-1", "empty": ""},
	}
}

// integration returns what SendGrid holds for a request.
func integration(r *provision.Request) sendgrid.Integration {
	return sendgrid.Integration{
		ID: "id-1", Name: r.Name, Enabled: r.Enabled, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID,
		SingleSignOnURL: "https://api.sendgrid.com/id-1", AudienceURL: "https://api.sendgrid.com/id-1",
		CompletedIntegration: r.CompletedIntegration,
	}
}

// success is the event of a request that has been fulfilled.
func success(outcome provision.Outcome, r *provision.Request) publish.Event {
	return publish.Event{
		Result:  &provision.Result{Outcome: outcome, Integration: integration(r), Metadata: r.Metadata},
		Request: r, Origin: publish.Origin{Trigger: "direct"}, DurationMS: 12,
	}
}

// failing is the event of a request that has not.
func failing(failure *problem.Error, r *provision.Request) publish.Event {
	return publish.Event{Failure: failure, Request: r, Origin: publish.Origin{Trigger: "direct"}, DurationMS: 12}
}
