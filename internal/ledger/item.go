package ledger

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sendgrid-sso-integration/internal/provision"
)

// The attributes of an item. Leases are in milliseconds since the epoch; expires is in
// seconds, as DynamoDB's TTL wants it.
const (
	attrKey           = "key"
	attrEntityID      = "entity_id"
	attrOwner         = "owner"
	attrState         = "state"
	attrLease         = "lease"
	attrFingerprint   = "fingerprint"
	attrIntegrationID = "integration_id"
	attrExpires       = "expires"
)

func encode(e provision.Entry) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		attrKey:           text(e.Key),
		attrEntityID:      text(e.EntityID),
		attrOwner:         text(e.Owner),
		attrState:         text(string(e.State)),
		attrLease:         millis(e.Lease),
		attrFingerprint:   text(e.Fingerprint),
		attrIntegrationID: text(e.IntegrationID),
		attrExpires:       seconds(e.Expires),
	}
}

// decode reads an item; no item is the zero entry.
func decode(item map[string]types.AttributeValue) provision.Entry {
	return provision.Entry{
		Key:           textOf(item[attrKey]),
		EntityID:      textOf(item[attrEntityID]),
		Owner:         textOf(item[attrOwner]),
		State:         provision.State(textOf(item[attrState])),
		Lease:         timeOf(item[attrLease], time.UnixMilli),
		Fingerprint:   textOf(item[attrFingerprint]),
		IntegrationID: textOf(item[attrIntegrationID]),
		Expires:       timeOf(item[attrExpires], func(n int64) time.Time { return time.Unix(n, 0) }),
	}
}

func key(k string) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{attrKey: text(k)}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// millis and seconds write a time; the zero time is 0.
func millis(t time.Time) types.AttributeValue { return number(t, t.UnixMilli()) }

func seconds(t time.Time) types.AttributeValue { return number(t, t.Unix()) }

func number(t time.Time, n int64) types.AttributeValue {
	if t.IsZero() {
		n = 0
	}
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func timeOf(v types.AttributeValue, from func(int64) time.Time) time.Time {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if value, err := strconv.ParseInt(n.Value, 10, 64); err == nil && value != 0 {
			return from(value)
		}
	}
	return time.Time{}
}
