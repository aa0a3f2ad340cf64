package publish_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
)

const (
	taken = `{"FailedEntryCount":0,"Entries":[{"EventId":"11710aed-b79e-4468-a20b-bb3c0c3b4860"}]}`
	// wholeCall is the body of a call, byte by byte.
	wholeCall = `{"Entries":[{"Detail":"{\"version\":\"1\",\"outcome\":\"created\",` +
		`\"integration\":{\"id\":\"id-1\",\"name\":\"Müller \\u0026 Söhne\",\"enabled\":true,` +
		`\"signin_url\":\"https://idp.example/in?a=1\\u0026b=2\",\"signout_url\":\"https://idp.example/out\",\"entity_id\":\"urn:idp:1\",` +
		`\"single_signon_url\":\"https://api.sendgrid.com/id-1\",\"audience_url\":\"https://api.sendgrid.com/id-1\",\"completed_integration\":true},` +
		`\"request\":{\"name\":\"Müller \\u0026 Söhne\",\"enabled\":true,` +
		`\"signin_url\":\"https://idp.example/in?a=1\\u0026b=2\",\"signout_url\":\"https://idp.example/out\",\"entity_id\":\"urn:idp:1\",` +
		`\"completed_integration\":true},\"metadata\":{\"empty\":\"\",\"ticket\":\"OPS-1\"},` +
		`\"origin\":{\"trigger\":\"direct\"},\"duration_ms\":12}",` +
		`"DetailType":"SSO Integration Created","EventBusName":"results","Source":"sendgrid.sso","TraceHeader":"` + trace + `"}]}`
)

// answer is what the endpoint answers once.
type answer struct {
	status int
	body   string
}

// endpoint is an EventBridge that gives these answers, the last one repeatedly, and keeps
// what it gets.
type endpoint struct {
	url    string
	mu     sync.Mutex
	bodies []string
}

func newEndpoint(t *testing.T, answers ...answer) *endpoint {
	t.Helper()
	e := &endpoint{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(err)
		}
		if len(answers) == 0 {
			<-r.Context().Done()
			return
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.bodies = append(e.bodies, string(body))
		a := answers[min(len(e.bodies), len(answers))-1]
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body) // If the client is gone, its test fails.
	}))
	t.Cleanup(server.Close)
	e.url = server.URL
	return e
}

// publisher publishes to the endpoint with the SDK's own client, which repeats a call as
// often as it does by default, but without waiting.
func (e *endpoint) publisher() *publish.Publisher {
	return &publish.Publisher{Bus: "results", API: eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(e.url),
		Credentials: credentials.NewStaticCredentialsProvider("AKIDTEST", "SECRETTEST", "TOKENTEST"),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})}
}

func anOutcome() *delivery.Delivery { return success(provision.OutcomeCreated, fullRequest()) }

func TestEndpoint(t *testing.T) {
	t.Parallel()
	partial := func(code string) answer {
		return answer{200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"Not taken."}]}`}
	}
	failure := func(status int, code string) answer {
		return answer{status, `{"__type":"` + code + `","message":"No."}`}
	}
	ok := answer{200, taken}
	tests := map[string]struct {
		answers []answer
		calls   int
		err     string // Empty where the event gets published.
	}{
		"taken":                         {[]answer{ok}, 1, ""},
		"a refused entry":               {[]answer{partial("InternalFailure"), partial("ThrottlingException"), ok}, 3, ""},
		"a throttled call":              {[]answer{failure(400, "ThrottlingException"), failure(429, "TooManyRequestsException"), ok}, 3, ""},
		"an error, then a refusal":      {[]answer{failure(503, "ServiceUnavailable"), partial("InternalFailure"), ok}, 3, ""},
		"internal errors":               {[]answer{failure(500, "InternalException")}, 3, "exceeded maximum number of attempts, 3"},
		"no permission":                 {[]answer{failure(400, "AccessDeniedException"), ok}, 1, "operation error EventBridge: PutEvents"},
		"an answer that is not JSON":    {[]answer{{200, "<html>"}}, 1, "PutEvents"},
		"an entry refused, no reason":   {[]answer{{200, `{"FailedEntryCount":1}`}, ok}, 2, ""},
		"an entry refused, then no bus": {[]answer{partial("InternalFailure"), failure(400, "ResourceNotFoundException")}, 2, "ResourceNotFoundException"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndpoint(t, tt.answers...)
			err := e.publisher().Publish(t.Context(), anOutcome())
			require.Len(t, e.bodies, tt.calls)
			for _, body := range e.bodies {
				require.Equal(t, wholeCall, body)
			}
			if tt.err == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "publish to the event bus results: ")
			require.ErrorContains(t, err, tt.err)
			require.NotRegexp(t, "SECRETTEST|TOKENTEST|OPS-1", err.Error())
		})
	}
}

// A bus that does not answer is waited for until the context ends.
func TestSilentEndpoint(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, newEndpoint(t).publisher().Publish(ctx, anOutcome()), context.DeadlineExceeded)
}

// refusing is a bus that refuses the entry so many times, and counts the calls.
func refusing(code string, times int) (bus fakeBus, calls *int) {
	calls = new(int)
	return func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		if *calls++; *calls > times {
			return &eventbridge.PutEventsOutput{}, nil
		}
		return &eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{
			{ErrorCode: aws.String(code), ErrorMessage: aws.String("Rate exceeded.")},
		}}, nil
	}, calls
}

// What the bus refuses for a moment is sent again, at most five times, with growing waits.
func TestRetry(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		code        string
		times       int
		limit       time.Duration
		calls       int
		least, most time.Duration
		err         string
	}{
		"internal":         {"InternalFailure", 2, time.Minute, 3, 75 * ms, 225 * ms, ""},
		"throttled":        {"ThrottlingException", 2, time.Minute, 3, 75 * ms, 225 * ms, ""},
		"unavailable":      {"ServiceUnavailable", 2, time.Minute, 3, 75 * ms, 225 * ms, ""},
		"no code":          {"", 2, time.Minute, 3, 75 * ms, 225 * ms, ""},
		"for ever":         {"ThrottlingException", 99, time.Minute, 6, 775 * ms, 2400 * ms, "the entry was not taken: ThrottlingException: Rate exceeded."},
		"longer than time": {"ThrottlingException", 99, 200 * ms, 3, 200 * ms, 200 * ms, "ThrottlingException"},
		"denied":           {"AccessDeniedException", 1, time.Minute, 1, 0, 0, "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bus, calls := refusing(tt.code, tt.times)
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				start := time.Now()
				err := (&publish.Publisher{API: bus, Bus: "results"}).Publish(ctx, anOutcome())
				require.GreaterOrEqual(t, time.Since(start), tt.least)
				require.LessOrEqual(t, time.Since(start), tt.most)
				require.InDelta(t, tt.calls, *calls, 1)
				if tt.err == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tt.err)
				}
				if tt.limit < time.Second {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				} else {
					require.Equal(t, tt.calls, *calls)
				}
			})
		})
	}
}

// A call that fails has been repeated by the SDK already.
func TestFailedCallIsNotRetried(t *testing.T) {
	t.Parallel()
	broken, calls := errors.New("the connection is broken"), 0
	bus := fakeBus(func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		calls++
		return nil, broken
	})
	require.ErrorIs(t, (&publish.Publisher{API: bus, Bus: "results"}).Publish(t.Context(), anOutcome()), broken)
	require.Equal(t, 1, calls)
}

// EventBridge refuses a long trace header; the event is published without it.
func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", trace: trace, strings.Repeat("x", 500): strings.Repeat("x", 500), strings.Repeat("x", 501): "",
	} {
		d := anOutcome()
		d.TraceHeader = header
		require.Equal(t, want, aws.ToString(entryOf(t, d).TraceHeader))
	}
}
