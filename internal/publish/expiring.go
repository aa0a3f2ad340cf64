package publish

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/provision"
)

// expiringDetailType is the detail type of the event about an integration whose last
// certificate has expired, or will soon.
const expiringDetailType = "SSO Certificate Expiring"

// maxEntries is how many entries PutEvents takes at once. Ten of these events are smaller than
// what it takes, because each of their fields is bounded by the audit.
const maxEntries = 10

// expiringDetail is the detail of that event; events/results/certificate-expiring.schema.json
// describes it.
type expiringDetail struct {
	Version      string                  `json:"version"`
	DaysLeft     int                     `json:"days_left"`
	Integration  auditedIntegration      `json:"integration"`
	Certificates []provision.Certificate `json:"certificates"`
	Origin       origin                  `json:"origin"`
}

type auditedIntegration struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	EntityID string `json:"entity_id"`
	Enabled  bool   `json:"enabled"`
}

// PublishExpiring publishes an event about each of these integrations, which have a number of
// days left. The delivery started the audit. It returns an error if the bus has not taken all
// events by the end of ctx; some may have been published then.
func (p *Publisher) PublishExpiring(ctx context.Context, d *delivery.Delivery, expiring []audit.Integration) error {
	for some := range slices.Chunk(expiring, maxEntries) {
		var entries []types.PutEventsRequestEntry
		for _, i := range some {
			detail, err := json.Marshal(expiringDetail{
				Version: version, DaysLeft: *i.DaysLeft, Certificates: i.Certificates, Origin: originOf(d),
				Integration: auditedIntegration{ID: i.ID, Name: i.Name, EntityID: i.EntityID, Enabled: i.Enabled},
			})
			if err != nil {
				return fmt.Errorf("encode the event: %w", err)
			}
			entries = append(entries, p.entry(d, expiringDetailType, string(detail)))
		}
		if err := p.send(ctx, entries); err != nil {
			return err
		}
	}
	return nil
}
