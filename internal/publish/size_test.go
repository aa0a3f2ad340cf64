package publish_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/sendgrid"
)

// limit is EventBridge's, in the smaller reading of "256 KB".
const limit = 256_000

// huge is too long for an event: JSON makes six bytes of each of its characters.
var huge = strings.Repeat("<", 64<<10)

// entrySize is what EventBridge is documented to count.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func entrySize(e types.PutEventsRequestEntry) int {
	size := len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
	if e.Time != nil {
		size += 14
	}
	for _, resource := range e.Resources {
		size += len(resource)
	}
	return size
}

// requireFits publishes an event, and requires that it is below the limit by every measure:
// the documented one, as it is sent, and as it is delivered. It returns the detail.
func requireFits(t *testing.T, e publish.Event) (d fitted) {
	t.Helper()
	entry := entryOf(t, e)
	counted := entrySize(entry)
	require.Less(t, counted, limit)
	sent, err := json.Marshal(entry)
	require.NoError(t, err)
	require.Less(t, len(sent), limit)
	text := aws.ToString(entry.Detail)
	delivered := fmt.Sprintf(
		`{"version":"0","id":"%036d","detail-type":%q,"source":%q,"account":"%012d","time":"2026-11-23T15:00:02Z","region":"ap-southeast-2","resources":[],"detail":%s}`,
		0, aws.ToString(entry.DetailType), publish.Source, 0, text)
	require.Less(t, len(delivered), limit)
	t.Logf("EventBridge counts %d bytes; %d are sent and %d delivered", counted, len(sent), len(delivered))
	require.NoError(t, validate(t, text))
	require.NoError(t, json.Unmarshal([]byte(text), &d))
	return d
}

type fitted struct {
	Integration map[string]any
	Error       struct {
		Message string
		Errors  []problem.FieldError
	}
	Request   *sendgrid.IntegrationRequest
	Metadata  map[string]string
	Origin    publish.Origin
	Truncated bool
}

// largestRequest returns the JSON of a request in which every field is as long as it may
// be, or one character longer, and becomes as long in JSON as it can.
func largestRequest(t *testing.T, longer string) []byte {
	t.Helper()
	fill := func(field, prefix string, length int) string {
		if field == longer {
			length++
		}
		return prefix + strings.Repeat("<", length-len(prefix))
	}
	metadata := map[string]string{}
	for i := range 20 {
		metadata[fill("key", fmt.Sprintf("%02d", i), 64)] = fill("value", "", 256)
	}
	if longer == "pairs" {
		metadata["one more"] = ""
	}
	text, err := json.Marshal(map[string]any{
		"name": fill("name", "", 256), "enabled": false, "completed_integration": false, "metadata": metadata,
		"signin_url":  strings.ReplaceAll(fill("signin_url", "https://a/?", 2048), "<", "&"),
		"signout_url": strings.ReplaceAll(fill("signout_url", "https://a/?", 2048), "<", "&"),
		"entity_id":   fill("entity_id", "", 1024),
	})
	require.NoError(t, err)
	// A request may have 64 KiB, in which these characters need not be escaped.
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u0026`, "&").Replace(string(text)))
}

func largest(t *testing.T) *provision.Request {
	t.Helper()
	r, err := provision.ParseRequest(largestRequest(t, ""))
	require.NoError(t, err)
	return &r
}

func TestLargestRequestIsTheLargest(t *testing.T) {
	t.Parallel()
	require.NotNil(t, largest(t))
	for _, longer := range []string{"name", "signin_url", "signout_url", "entity_id", "key", "value", "pairs"} {
		_, err := provision.ParseRequest(largestRequest(t, longer))
		require.Error(t, err, longer)
	}
}

func TestLargestRequestFits(t *testing.T) {
	t.Parallel()
	r := largest(t)
	for _, outcome := range []provision.Outcome{provision.OutcomeCreated, provision.OutcomeUnchanged} {
		d := requireFits(t, success(outcome, r))
		require.False(t, d.Truncated)
		require.Equal(t, r.Integration(), *d.Request)
		require.Equal(t, r.Metadata, d.Metadata)
	}
}

// An integration can be edited at SendGrid into anything, after this very request made it.
func TestEditedIntegrationFits(t *testing.T) {
	t.Parallel()
	edits := map[string]func(i *sendgrid.Integration, text string){
		"id":                func(i *sendgrid.Integration, text string) { i.ID = text },
		"name":              func(i *sendgrid.Integration, text string) { i.Name = text },
		"signin_url":        func(i *sendgrid.Integration, text string) { i.SigninURL = text },
		"signout_url":       func(i *sendgrid.Integration, text string) { i.SignoutURL = text },
		"entity_id":         func(i *sendgrid.Integration, text string) { i.EntityID = text },
		"single_signon_url": func(i *sendgrid.Integration, text string) { i.SingleSignOnURL = text },
		"audience_url":      func(i *sendgrid.Integration, text string) { i.AudienceURL = text },
		"last_updated": func(i *sendgrid.Integration, text string) {
			i.LastUpdated = sendgrid.Timestamp(strings.Repeat("1", 6*len(text)))
		},
	}
	for name, edit := range edits {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := success(provision.OutcomeUnchanged, largest(t))
			edit(&e.Result.Integration, huge)
			d := requireFits(t, e)
			require.True(t, d.Truncated)
			require.NotContains(t, d.Integration, name, "half of it would be wrong")
			require.Contains(t, d.Integration, "enabled")
			if name != "id" {
				require.Equal(t, "id-1", d.Integration["id"])
			}
			require.Equal(t, e.Request.Integration(), *d.Request, "the request stays whole")
			require.Equal(t, e.Request.Metadata, d.Metadata)
		})
	}
	t.Run("all", func(t *testing.T) {
		t.Parallel()
		e := success(provision.OutcomeUnchanged, largest(t))
		e.Origin = hugeOrigin()
		for _, edit := range edits {
			edit(&e.Result.Integration, strings.Repeat(huge, 8)) // Together, all that is read of an answer.
		}
		d := requireFits(t, e)
		require.Equal(t, map[string]any{"enabled": false, "completed_integration": false}, d.Integration)
		require.Equal(t, publish.Origin{Trigger: "sqs"}, d.Origin)
	})
	t.Run("all, just short enough to stay", func(t *testing.T) {
		t.Parallel()
		long := strings.Repeat("<", (2048-2)/6)
		e := success(provision.OutcomeUnchanged, largest(t))
		e.Result.Integration = sendgrid.Integration{
			ID: long, Name: huge, SigninURL: long, SignoutURL: long, EntityID: long, SingleSignOnURL: long, AudienceURL: long,
		}
		d := requireFits(t, e)
		require.True(t, d.Truncated)
		require.Len(t, d.Integration, 7)
	})
}

// hugeOrigin is what a sender can make of the ids, and more.
func hugeOrigin() publish.Origin {
	return publish.Origin{Trigger: "sqs", RequestID: huge, TraceID: huge, GatewayRequestID: huge, EventID: huge, MessageID: huge}
}

func TestMadeUpIDsFit(t *testing.T) {
	t.Parallel()
	e := success(provision.OutcomeCreated, fullRequest())
	e.Origin = publish.Origin{Trigger: "sqs", EventID: huge, MessageID: "m"}
	d := requireFits(t, e)
	require.True(t, d.Truncated)
	require.Equal(t, publish.Origin{Trigger: "sqs", MessageID: "m"}, d.Origin)
	require.Len(t, d.Integration, 9, "what is not long stays")
}

// The most that SendGrid can be quoted with, which its client and the provisioner let through.
func TestLargestRejectionBySendGridFits(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("<", 600)
	said := strings.Repeat(fmt.Sprintf(`{"field":%q,"message":%[1]q},`, text), 30)
	upstream := &sendgrid.Client{Keys: oneKey{}, HTTP: &http.Client{Transport: roundTripper(func(r *http.Request) *http.Response {
		if r.Method == http.MethodGet {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("[]"))}
		}
		return &http.Response{StatusCode: http.StatusBadRequest, Body: io.NopCloser(strings.NewReader("[" + strings.TrimSuffix(said, ",") + "]"))}
	})}}
	synctest.Test(t, func(t *testing.T) {
		e := ensure(t, upstream, *largest(t))
		require.Equal(t, problem.SendGridRejected, e.Failure.Code)
		d := requireFits(t, e)
		require.False(t, d.Truncated)
		require.Len(t, d.Error.Errors, 20)
		require.Equal(t, e.Failure.Fields, d.Error.Errors)
	})
}

func TestLargestInvalidRequestFits(t *testing.T) {
	t.Parallel()
	members := map[string]int{}
	for i := range 100 {
		members[fmt.Sprintf("%02d", i)+strings.Repeat("\U0010ffff", 100)] = i
	}
	text, err := json.Marshal(members)
	require.NoError(t, err)
	_, err = provision.ParseRequest(text)
	d := requireFits(t, failing(problem.From(err), nil))
	require.False(t, d.Truncated)
	require.Len(t, d.Error.Errors, 31)
}

// A conflict names the id of an integration, and ids are SendGrid's.
func TestLargestConflictFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := largest(t)
		there := integration(r)
		there.ID, there.Name = huge, huge
		e := ensure(t, holds(there), *r)
		require.Equal(t, problem.Conflict, e.Failure.Code)
		d := requireFits(t, e)
		require.True(t, d.Truncated)
		require.True(t, strings.HasPrefix(d.Error.Message, "The integration <<<"))
		require.True(t, strings.HasSuffix(d.Error.Message, "<…"))
		require.Equal(t, []problem.FieldError{{Field: "name", Message: "differs"}}, d.Error.Errors)
	})
}

// Whatever else an error may come to hold: the event about it stays within the limit.
func TestAnyErrorFits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"escaped":              strings.Repeat("<", 5000),
		"quotes":               strings.Repeat(`\"`, 5000),
		"no Unicode":           strings.Repeat("\x80", 5000),
		"cut in a character":   strings.Repeat("é", 5000),
		"cut in another place": "x" + strings.Repeat("é", 5000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := &problem.Error{Code: problem.Internal, Message: text}
			for range 50 {
				failure.Fields = append(failure.Fields, problem.FieldError{Field: text, Message: text})
			}
			e := failing(failure, largest(t))
			e.Origin = hugeOrigin()
			d := requireFits(t, e)
			require.True(t, d.Truncated)
			require.Len(t, d.Error.Errors, 31)
			require.True(t, strings.HasSuffix(d.Error.Message, "…"))
			if utf8.ValidString(text) {
				require.NotContains(t, d.Error.Message, "\ufffd", "it is cut between two characters")
			}
			require.Len(t, failure.Fields, 50, "the caller's error stays as it is")
			require.Equal(t, text, failure.Fields[0].Field)
		})
	}
}

// What is small enough as JSON may be too large as a string of JSON in a request.
func TestQuotesCountTwice(t *testing.T) {
	t.Parallel()
	d := requireFits(t, failing(&problem.Error{Code: problem.Internal, Message: strings.Repeat(`"`, 80_000)}, nil))
	require.True(t, d.Truncated)
}

// Should a request ever come without its bounds, nothing is sent that cannot be taken.
func TestBoundlessRequestIsAnError(t *testing.T) {
	t.Parallel()
	r := fullRequest()
	r.Metadata["huge"] = huge
	p := &publish.Publisher{API: &fakeBus{}, Bus: busName}
	require.ErrorContains(t, p.Publish(t.Context(), success(provision.OutcomeCreated, r), ""), "encode the event: it has")
}
