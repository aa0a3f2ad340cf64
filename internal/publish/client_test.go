package publish_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
)

const (
	taken = `{"FailedEntryCount":0,"Entries":[{"EventId":"11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}`
	// plainEntry is the body of a call, byte by byte, up to the trace header.
	plainEntry = `{"Entries":[{"Detail":"{\"version\":\"1\",\"outcome\":\"created\",` +
		`\"integration\":{\"id\":\"id-1\",\"name\":\"Müller \\u0026 Söhne\",\"enabled\":true,` +
		`\"signin_url\":\"https://idp.example/in?a=1\\u0026b=2\",\"signout_url\":\"https://idp.example/out\",\"entity_id\":\"urn:idp:1\",` +
		`\"single_signon_url\":\"https://api.sendgrid.com/id-1\",\"audience_url\":\"https://api.sendgrid.com/id-1\",\"completed_integration\":true},` +
		`\"request\":{\"name\":\"Müller \\u0026 Söhne\",\"enabled\":true,` +
		`\"signin_url\":\"https://idp.example/in?a=1\\u0026b=2\",\"signout_url\":\"https://idp.example/out\",\"entity_id\":\"urn:idp:1\",` +
		`\"completed_integration\":true},\"metadata\":{\"empty\":\"\",\"ticket\":\"OPS-1\"},` +
		`\"origin\":{\"trigger\":\"direct\"},\"duration_ms\":12}",` +
		`"DetailType":"SSO Integration Created","EventBusName":"sso-results","Source":"sendgrid.sso"`
)

// answer is what the endpoint answers once.
type answer struct {
	status int
	body   string
}

// endpoint is an EventBridge that answers as it is told, the last answer for good, and
// keeps what it gets.
type endpoint struct {
	url     string
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func newEndpoint(t *testing.T, answers ...answer) *endpoint {
	t.Helper()
	e := &endpoint{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bodies, e.headers = append(e.bodies, string(body)), append(e.headers, r.Header)
		a := answers[min(len(e.bodies), len(answers))-1]
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body) // If the client is gone, its test fails by itself.
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

// publisher publishes to the endpoint with the SDK's own client, which repeats a call as
// often as it does by default, but without waiting.
func (e *endpoint) publisher(bus string) *publish.Publisher {
	return &publish.Publisher{Bus: bus, API: eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(e.url),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "SECRETTEST", "TOKENTEST"),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})}
}

func (e *endpoint) calls() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.bodies)
}

func TestEntryOnTheWire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ trace, want string }{
		"traced":     {trace, plainEntry + `,"TraceHeader":"` + trace + `"}]}`},
		"not traced": {"", plainEntry + `}]}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, answer{200, taken})
			require.NoError(t, e.publisher(busName).Publish(t.Context(), success(provision.OutcomeCreated, fullRequest()), tt.trace))
			require.Equal(t, 1, e.calls())
			require.Equal(t, tt.want, e.bodies[0])
			require.Equal(t, "AWSEvents.PutEvents", e.headers[0].Get("X-Amz-Target"))
			require.Equal(t, "application/x-amz-json-1.1", e.headers[0].Get("Content-Type"))
			require.Contains(t, e.headers[0].Get("Authorization"), "/us-east-1/events/aws4_request")
		})
	}
}

// Every outcome goes out under the source and the detail type of its sample.
func TestEveryDetailTypeOnTheWire(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:events:us-east-1:123456789012:event-bus/sso-results"
	events := map[string]publish.Event{
		"created":   success(provision.OutcomeCreated, plainRequest()),
		"unchanged": success(provision.OutcomeUnchanged, plainRequest()),
		"rejected":  failing(&problem.Error{Code: problem.Conflict, Message: "M."}, plainRequest()),
		"failed":    failing(&problem.Error{Code: problem.OutcomeUnknown, Message: "M."}, nil),
	}
	for _, name := range sampleNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, answer{200, taken})
			require.NoError(t, e.publisher(arn).Publish(t.Context(), events[name], trace))
			var sent struct {
				Entries []struct{ Source, DetailType, Detail, EventBusName, TraceHeader string }
			}
			require.NoError(t, json.Unmarshal([]byte(e.bodies[0]), &sent))
			require.Len(t, sent.Entries, 1)
			like := readSample(t, name)
			require.Equal(t, like.Source, sent.Entries[0].Source)
			require.Equal(t, like.DetailType, sent.Entries[0].DetailType)
			require.Equal(t, arn, sent.Entries[0].EventBusName)
			require.Equal(t, trace, sent.Entries[0].TraceHeader)
			require.NoError(t, validate(t, sent.Entries[0].Detail))
			require.Contains(t, sent.Entries[0].Detail, `"outcome":"`+name+`"`)
		})
	}
}

func TestEndpointInTrouble(t *testing.T) {
	t.Parallel()
	partial := func(code string) answer {
		return answer{200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"Not taken."}]}`}
	}
	failure := func(status int, code string) answer {
		return answer{status, `{"__type":"` + code + `","message":"No."}`}
	}
	ok := answer{200, taken}
	const name = "publish to the event bus sso-results: "
	tests := map[string]struct {
		answers []answer
		calls   int
		err     string // Empty where the event gets published.
	}{
		"a refused entry":               {[]answer{partial("InternalFailure"), ok}, 2, ""},
		"a throttled entry":             {[]answer{partial("ThrottlingException"), partial("ThrottlingException"), ok}, 3, ""},
		"a throttled call":              {[]answer{failure(400, "ThrottlingException"), failure(400, "ThrottlingException"), ok}, 3, ""},
		"too many requests":             {[]answer{failure(429, "TooManyRequestsException"), ok}, 2, ""},
		"an internal error":             {[]answer{failure(500, "InternalException"), {502, "<html>"}, ok}, 3, ""},
		"an error, then a refusal":      {[]answer{failure(503, "ServiceUnavailable"), partial("InternalFailure"), ok}, 3, ""},
		"internal errors":               {[]answer{failure(500, "InternalException")}, 3, name + "operation error EventBridge: PutEvents, exceeded maximum number of attempts, 3"},
		"throttled for long":            {[]answer{failure(400, "ThrottlingException")}, 3, "ThrottlingException"},
		"a malformed detail":            {[]answer{partial("MalformedDetail"), ok}, 1, name + "the entry was not taken: MalformedDetail: Not taken."},
		"an entry of no source":         {[]answer{partial("NotAuthorizedForSourceException"), ok}, 1, name + "the entry was not taken: NotAuthorizedForSourceException"},
		"no permission":                 {[]answer{failure(400, "AccessDeniedException"), ok}, 1, name + "operation error EventBridge: PutEvents"},
		"no such bus":                   {[]answer{failure(400, "ResourceNotFoundException"), ok}, 1, "ResourceNotFoundException"},
		"an answer that is not JSON":    {[]answer{{200, "<html>"}}, 1, name},
		"an error that is not JSON":     {[]answer{{403, "<html>"}}, 1, name},
		"an entry refused, no reason":   {[]answer{{200, `{"FailedEntryCount":1}`}, ok}, 2, ""},
		"an entry refused, then no bus": {[]answer{partial("InternalFailure"), failure(400, "ResourceNotFoundException")}, 2, "ResourceNotFoundException"},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, tt.answers...)
			err := e.publisher(busName).Publish(t.Context(), success(provision.OutcomeCreated, fullRequest()), trace)
			require.Equal(t, tt.calls, e.calls())
			for _, body := range e.bodies {
				require.Equal(t, e.bodies[0], body, "the entry is the same every time")
			}
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, name)
			require.ErrorContains(t, err, tt.err)
			for _, secret := range []string{"SECRETTEST", "TOKENTEST", "OPS-1"} {
				require.NotContains(t, err.Error(), secret)
			}
		})
	}
}

// What the function's role may not do is told with the name of the bus.
func TestDeniedByIAM(t *testing.T) {
	t.Parallel()
	e := newEndpoint(t, answer{400, `{"__type":"AccessDeniedException","Message":"User: x is not authorized to perform: events:PutEvents"}`})
	err := e.publisher("another-bus").Publish(t.Context(), anEvent(), "")
	var denied smithy.APIError
	require.ErrorAs(t, err, &denied)
	require.Equal(t, "AccessDeniedException", denied.ErrorCode())
	require.ErrorContains(t, err, "another-bus")
	require.ErrorContains(t, err, "events:PutEvents")
}

// A bus that does not answer is waited for no longer than there is time.
func TestSilentEndpoint(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // Or else the server does not notice that the client went away.
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	e := &endpoint{url: server.URL}
	err := e.publisher(busName).Publish(ctx, anEvent(), "")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, busName)
}
