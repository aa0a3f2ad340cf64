package handler_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// notes is a provisioner that notes what it is given.
type notes struct {
	resolved request.Resolved
	delivery provision.Delivery
}

// fetched is a fetcher that gets the same SAML metadata from every URL, or fails.
type fetched struct{ err error }

func (f fetched) CheckURL(string) error { return nil }

func (f fetched) Fetch(context.Context, string) ([]byte, error) {
	return document(), f.err
}

var document = sync.OnceValue(func() []byte {
	_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	return samltest.Shapes()[0].Build(samltest.Params{
		EntityID: "urn:resolved", SigninURL: "https://idp.example.com/sso", SignoutURL: "https://idp.example.com/out", Certificates: [][]byte{der},
	})
})

func (p *notes) Ensure(ctx context.Context, r request.Resolved, d provision.Delivery) (*provision.Result, error) {
	p.resolved, p.delivery = r, d
	return created(ctx, r)
}

const requestWithURL = `{"name":"Okta","enabled":true,"saml_metadata_url":"https://idp.example.com/metadata"}`

// What the metadata supplies is what is provisioned, logged and published. Metadata that
// cannot be fetched or used gets its code, and nothing is provisioned.
func TestMetadataIsResolved(t *testing.T) {
	t.Parallel()
	for _, code := range []problem.Code{"", problem.MetadataUnavailable, problem.InvalidMetadata} {
		t.Run("code "+string(code), func(t *testing.T) {
			t.Parallel()
			p, published := &notes{}, &recordingPublisher{}
			f := newFixture(nil)
			f.Provisioner, f.Publisher, f.SAMLMetadata = p, published, fetched{}
			if code != "" {
				f.SAMLMetadata = fetched{&saml.FetchError{Retryable: code == problem.MetadataUnavailable, Message: "could not be fetched"}}
			}
			a := f.call(t, gateways["HTTP API"](httpCall{body: requestWithURL}))
			if code == "" {
				require.Equal(t, 201, a.StatusCode, a.Body)
				require.Equal(t, "urn:resolved", f.log.line(t)["entity_id"])
				require.Equal(t, "urn:resolved", published.published[0].Request.EntityID)
				require.Equal(t, "urn:resolved", p.resolved.EntityID)
				return
			}
			require.Equal(t, string(code), a.problem(t).Code)
			require.Equal(t, code == problem.MetadataUnavailable, a.Headers["Retry-After"] != "")
			require.Zero(t, p.resolved)
		})
	}
}

// Requests are ordered by the time at which they were sent, where it is known; and a repeated
// delivery is known by the ids that its sender repeats.
func TestDeliveryHasItsOrderAndIDs(t *testing.T) {
	t.Parallel()
	envelope := `{"id":"event-1","time":"2026-11-23T15:00:00Z","detail-type":"x","source":"x","detail":` + goodRequest + `}`
	at := func(time string) string { return strings.Replace(envelope, `"2026-11-23T15:00:00Z"`, time, 1) }
	message := func(body string) []byte {
		return mustEncode(events.SQSEvent{Records: []events.SQSMessage{{
			MessageId: "message-1", EventSource: "aws:sqs", Body: body, Attributes: map[string]string{"SentTimestamp": "1795446001500"},
		}}})
	}
	webhook := func(name, id string) []byte {
		return gateways["HTTP API"](httpCall{body: goodRequest, header: map[string][]string{"content-type": {"application/json"}, name: {id}}})
	}
	event, sent := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), time.UnixMilli(1795446001500).UTC()
	for name, tt := range map[string]struct {
		payload []byte
		time    time.Time // Zero is the arrival.
		queued  bool      // Whether the queue's time breaks ties.
		ids     []string
	}{
		"EventBridge":             {[]byte(envelope), event, false, []string{"event:event-1"}},
		"SQS":                     {message(goodRequest), sent, true, []string{"message:message-1"}},
		"EventBridge through SQS": {message(envelope), event, true, []string{"event:event-1"}},
		"no time, SQS":            {message(strings.Replace(envelope, `"time"`, `"at"`, 1)), sent, true, []string{"event:event-1"}},
		"null as time, SQS":       {message(at("null")), sent, true, []string{"event:event-1"}},
		"Go's zero time, SQS":     {message(at(`"0001-01-01T00:00:00Z"`)), sent, true, []string{"event:event-1"}},
		"direct":                  {[]byte(goodRequest), time.Time{}, false, nil},
		"HTTP":                    {gateways["HTTP API"](httpCall{body: goodRequest}), time.Time{}, false, nil},
		"Standard Webhooks":       {webhook("webhook-id", "msg_1"), time.Time{}, false, []string{"sender:msg_1"}},
		"Svix":                    {webhook("svix-id", "msg_1"), time.Time{}, false, []string{"sender:msg_1"}},
		"GitHub":                  {webhook("X-GitHub-Delivery", "72d3162e"), time.Time{}, false, []string{"sender:72d3162e"}},
		"Jira":                    {webhook("X-Atlassian-Webhook-Identifier", "17"), time.Time{}, false, []string{"sender:17"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, before := &notes{}, time.Now()
			f := newFixture(nil)
			f.Provisioner = p
			require.Empty(t, f.code(t, tt.payload))
			require.Equal(t, tt.ids, p.delivery.IDs)
			received := p.delivery.Order.Received
			if tt.queued {
				require.Equal(t, sent, received.UTC())
			} else {
				require.WithinRange(t, received, before.Truncate(time.Millisecond), time.Now())
			}
			if tt.time.IsZero() {
				tt.time = received.UTC()
			}
			require.Equal(t, tt.time, p.delivery.Order.Sent.UTC())
		})
	}
}
