package publish

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	teammateDetailType = "SSO Teammate Finding"
)

const (
	// maxEntries is how many entries PutEvents takes at once, and maxBytes how large they may be together.
	//
	// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
	maxEntries = 10
	maxBytes   = 256 << 10
	// maxChanges bounds the changes of an event. Each of its other fields is bounded by the audit.
	maxChanges = 100
)

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
	Email       string                `json:"email,omitempty"`
	Integration *foundIntegration     `json:"integration,omitempty"`
	Metadata    map[string]string     `json:"metadata,omitempty"`
	Origin      origin                `json:"origin"`
}

type auditedIntegration struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	EntityID string `json:"entity_id"`
	Enabled  bool   `json:"enabled"`
}

// foundIntegration is the integration that a finding is about. What is not known of it is left out: it may
// have been deleted, or be another one with the entity id.
type foundIntegration struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	EntityID string `json:"entity_id,omitempty"`
	Enabled  *bool  `json:"enabled,omitempty"`
}

// PublishAudit publishes what the audit of a delivery found about a connection. It returns an error if the
// bus has not taken all events by the end of ctx; some may have been published then.
func (p *Publisher) PublishAudit(ctx context.Context, d *delivery.Delivery, n audit.Notice) error {
	var entries []types.PutEventsRequestEntry
	for _, e := range noticed(d, n) {
		text, err := json.Marshal(e.detail)
		if err != nil {
			return fmt.Errorf("encode the event: %w", err)
		}
		entries = append(entries, p.entry(d, e.detailType, string(text)))
	}
	for _, some := range batches(entries) {
		if err := p.send(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// batches divides entries into those that PutEvents takes at once.
func batches(entries []types.PutEventsRequestEntry) (all [][]types.PutEventsRequestEntry) {
	free := 0 // Bytes, in the last batch.
	for _, e := range entries {
		size := len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType)) + len(aws.ToString(e.Detail))
		last := len(all) - 1
		if last < 0 || len(all[last]) == maxEntries || size > free {
			all, last, free = append(all, nil), last+1, maxBytes
		}
		all[last], free = append(all[last], e), free-size
	}
	return all
}

type event struct {
	detailType string
	detail     any
}

// noticed returns the events of a notice.
func noticed(d *delivery.Delivery, n audit.Notice) (events []event) {
	c, from := n.Connection, originOf(d)
	from.Caller = n.Kept.By
	if len(n.Renewed) > 0 && n.Integration != nil {
		events = append(events, event{integration.detailType(protocol.OutcomeUpdated), renewalOf(c, n, from)})
	}
	if n.Deleted != "" {
		ended := from
		ended.Caller = n.EndedBy
		events = append(events, event{integration.detailType(protocol.OutcomeDeleted), detail{
			Version: version, Outcome: protocol.OutcomeDeleted, EntityID: c.EntityID, IntegrationID: n.Deleted, Metadata: n.Kept.Metadata, Origin: ended,
		}})
	}
	if f := n.Drifted(); f != nil {
		events = append(events, event{driftedDetailType, findingOf(*f, n, from)})
	}
	for _, f := range n.Findings() {
		if f.Email != "" {
			events = append(events, event{teammateDetailType, teammateFindingOf(f, from)})
			continue
		}
		events = append(events, event{findingDetailType, findingOf(f, n, from)})
	}
	if c.Expiring() {
		events = append(events, event{expiringDetailType, expiringDetail{
			Version: version, DaysLeft: *c.DaysLeft, Certificates: c.Certificates, Metadata: n.Kept.Metadata, Origin: from,
			Integration: auditedIntegration{ID: c.IntegrationID, Name: c.Name, EntityID: c.EntityID, Enabled: c.Enabled},
		}})
	}
	return events
}

// findingOf returns the detail of the event about a finding.
func findingOf(f audit.Finding, n audit.Notice, from origin) findingDetail {
	c := n.Connection
	out := findingDetail{
		Version: version, Code: f.Code, Message: f.Message, Changes: f.Changes[:min(len(f.Changes), maxChanges)], EntityID: c.EntityID, Metadata: n.Kept.Metadata, Origin: from,
	}
	if f.IntegrationID == "" {
		return out
	}
	out.Integration = &foundIntegration{ID: f.IntegrationID, EntityID: c.EntityID}
	if c.IntegrationID == "" || c.IntegrationID == f.IntegrationID {
		out.Integration.Name = c.Name
	}
	if n.Integration != nil && n.Integration.ID == f.IntegrationID {
		out.Integration.Enabled = &n.Integration.Enabled
	}
	return out
}

// teammateFindingOf returns the detail of the event about a finding about a teammate.
func teammateFindingOf(f audit.Finding, from origin) findingDetail {
	out := findingDetail{Version: version, Code: f.Code, Message: f.Message, Changes: f.Changes, Email: f.Email, Origin: from}
	if f.Kept != nil {
		out.Metadata, out.Origin.Caller = f.Kept.Metadata, f.Kept.By
	}
	return out
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
