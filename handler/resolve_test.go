package handler_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
)

// resolver is a provisioner that notes what it is given.
type resolver struct {
	err      error
	resolved provision.Request
	delivery provision.Delivery
}

func (p *resolver) Resolve(_ context.Context, r provision.Request) (provision.Request, error) {
	r.EntityID = "urn:resolved"
	return r, p.err
}

func (p *resolver) Ensure(ctx context.Context, r provision.Request, d provision.Delivery) (*provision.Result, error) {
	p.resolved, p.delivery = r, d
	return created(ctx, r)
}

const requestWithURL = `{"name":"Okta","enabled":true,"saml_metadata_url":"https://idp.example.com/metadata"}`

// What the metadata supplies is what is provisioned, logged and published. Metadata that
// cannot be had or used is answered with its code, and nothing is provisioned.
func TestMetadataIsResolved(t *testing.T) {
	t.Parallel()
	for _, code := range []problem.Code{"", problem.MetadataUnavailable, problem.InvalidMetadata} {
		t.Run("code "+string(code), func(t *testing.T) {
			t.Parallel()
			p, published := &resolver{}, &recordingPublisher{}
			if code != "" {
				p.err = failure(code)
			}
			f := newFixture(nil)
			f.Provisioner, f.Publisher = p, published
			a := f.call(t, gateways["HTTP API"](request{body: requestWithURL}))
			require.Equal(t, "urn:resolved", f.log.line(t)["entity_id"])
			require.Equal(t, "urn:resolved", published.published[0].Request.EntityID)
			if code == "" {
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
		return gateways["HTTP API"](request{body: goodRequest, header: map[string][]string{"content-type": {"application/json"}, name: {id}}})
	}
	event, sent := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), time.UnixMilli(1795446001500).UTC()
	for name, tt := range map[string]struct {
		payload []byte
		time    time.Time // Zero is the arrival.
		ids     []string
	}{
		"EventBridge":             {[]byte(envelope), event, []string{"event:event-1"}},
		"SQS":                     {message(goodRequest), sent, []string{"message:message-1"}},
		"EventBridge through SQS": {message(envelope), event, []string{"event:event-1", "message:message-1"}},
		"no time, SQS":            {message(strings.Replace(envelope, `"time"`, `"at"`, 1)), sent, []string{"event:event-1", "message:message-1"}},
		"null as time, SQS":       {message(at("null")), sent, []string{"event:event-1", "message:message-1"}},
		"Go's zero time, SQS":     {message(at(`"0001-01-01T00:00:00Z"`)), sent, []string{"event:event-1", "message:message-1"}},
		"direct":                  {[]byte(goodRequest), time.Time{}, nil},
		"HTTP":                    {gateways["HTTP API"](request{body: goodRequest}), time.Time{}, nil},
		"Standard Webhooks":       {webhook("webhook-id", "msg_1"), time.Time{}, []string{"sender:msg_1"}},
		"Svix":                    {webhook("svix-id", "msg_1"), time.Time{}, []string{"sender:msg_1"}},
		"GitHub":                  {webhook("X-GitHub-Delivery", "72d3162e"), time.Time{}, []string{"sender:72d3162e"}},
		"Jira":                    {webhook("X-Atlassian-Webhook-Identifier", "17"), time.Time{}, []string{"sender:17"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, before := &resolver{}, time.Now()
			f := newFixture(nil)
			f.Provisioner = p
			require.Empty(t, f.code(t, tt.payload))
			require.Equal(t, tt.ids, p.delivery.IDs)
			if tt.time.IsZero() {
				require.WithinRange(t, p.delivery.Time, before, time.Now())
				return
			}
			require.Equal(t, tt.time, p.delivery.Time.UTC())
		})
	}
}
