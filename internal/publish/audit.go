package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// The detail types of the events of an audit. A renewal is published as an update.
const (
	expiringDetailType = "SSO Certificate Expiring"
	driftedDetailType  = "SSO Integration Drifted"
	findingDetailType  = "SSO Integration Finding"
)

// maxEntries is how many entries PutEvents takes at once. Ten of these events are smaller than
// what it takes, because each of their fields is bounded by the audit.
const maxEntries = 10

// expiringDetail is the detail of the event about an integration whose last certificate has expired, or
// will soon; events/results/certificate-expiring.schema.json describes it.
type expiringDetail struct {
	Version      string                  `json:"version"`
	DaysLeft     int                     `json:"days_left"`
	Integration  auditedIntegration      `json:"integration"`
	Certificates []provision.Certificate `json:"certificates"`
	Metadata     map[string]string       `json:"metadata,omitempty"`
	Origin       origin                  `json:"origin"`
}

// findingDetail is the detail of the events about a finding; events/results/finding.schema.json describes
// it.
type findingDetail struct {
	Version     string                `json:"version"`
	Code        provision.WarningCode `json:"code"`
	Message     string                `json:"message"`
	Changes     []problem.Change      `json:"changes,omitempty"`
	EntityID    string                `json:"entity_id,omitempty"`
	Integration *auditedIntegration   `json:"integration,omitempty"`
	Metadata    map[string]string     `json:"metadata,omitempty"`
	Origin      origin                `json:"origin"`
}

type auditedIntegration struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	EntityID string `json:"entity_id"`
	Enabled  bool   `json:"enabled"`
}

// PublishAudit publishes what the audit of a delivery found about a connection. It returns an error if the
// bus has not taken all events by the end of ctx; some may have been published then.
func (p *Publisher) PublishAudit(ctx context.Context, d *delivery.Delivery, n audit.Notice) error {
	var entries []types.PutEventsRequestEntry
	add := func(detailType string, detail any) error {
		text, err := json.Marshal(detail)
		if err != nil {
			return fmt.Errorf("encode the event: %w", err)
		}
		entries = append(entries, p.entry(d, detailType, string(text)))
		return nil
	}
	for _, e := range noticed(d, n) {
		if err := add(e.detailType, e.detail); err != nil {
			return err
		}
	}
	for some := range slices.Chunk(entries, maxEntries) {
		if err := p.send(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

type event struct {
	detailType string
	detail     any
}

// noticed returns the events of a notice.
func noticed(d *delivery.Delivery, n audit.Notice) (events []event) {
	c, from := n.Connection, originOf(d)
	from.Caller = n.Kept.By
	integration := auditedIntegration{ID: c.IntegrationID, Name: c.Name, EntityID: c.EntityID, Enabled: c.Enabled}
	if len(n.Renewed) > 0 && n.Integration != nil {
		events = append(events, event{detailTypes[protocol.OutcomeUpdated], renewalOf(c, n, from)})
	}
	findings := n.Findings()
	if f := n.Drifted(); f != nil {
		findings = append([]audit.Finding{*f}, findings...)
	}
	for _, f := range findings {
		detail := findingDetail{Version: version, Code: f.Code, Message: f.Message, Changes: f.Changes, EntityID: c.EntityID, Metadata: n.Kept.Metadata, Origin: from}
		if id := f.IntegrationID; id != "" {
			about := integration
			if about.ID = id; id != c.IntegrationID { // One of several with the entity id, of which no more is known.
				about.Name = ""
			}
			detail.Integration = &about
		}
		detailType := findingDetailType
		if f.Code == provision.Drifted {
			detailType = driftedDetailType
		}
		events = append(events, event{detailType, detail})
	}
	if c.Expiring() {
		events = append(events, event{expiringDetailType, expiringDetail{
			Version: version, DaysLeft: *c.DaysLeft, Certificates: c.Certificates, Integration: integration, Metadata: n.Kept.Metadata, Origin: from,
		}})
	}
	return events
}

// renewalOf returns the detail of the event about a renewal, which is that of an updated integration.
func renewalOf(c audit.Connection, n audit.Notice, from origin) detail {
	k := n.Kept
	out := detail{
		Version: version, Outcome: protocol.OutcomeUpdated, Integration: n.Integration, Changes: n.Renewed, Metadata: k.Metadata, Origin: from,
		Request: &sendgrid.IntegrationRequest{
			Name: k.Name, Enabled: k.Enabled, SigninURL: k.SigninURL, SignoutURL: k.SignoutURL, EntityID: k.EntityID, CompletedIntegration: k.CompletedIntegration,
		},
	}
	if c.DaysLeft != nil {
		out.Certificates, out.DaysLeft = c.Certificates, c.DaysLeft
	}
	return out
}
