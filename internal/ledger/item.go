package ledger

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sendgrid-sso-integration/internal/protocol"
)

// The attributes of an item. Times are in milliseconds since the epoch, except expires,
// which is in seconds as DynamoDB's TTL needs it. The zero time is 0.
const (
	attrKey            = "key"
	attrEntityID       = "entity_id"
	attrTeammate       = "teammate"
	attrRevision       = "revision"
	attrOwner          = "owner"
	attrLease          = "lease"
	attrState          = "state"
	attrFingerprint    = "fingerprint"
	attrOutcome        = "outcome"
	attrIntegrationID  = "integration_id"
	attrCertificate    = "certificate"
	attrAdded          = "added"
	attrBare           = "bare"
	attrTrusted        = "trusted"
	attrSettles        = "settles"
	attrStale          = "stale"
	attrDeliveries     = "deliveries"
	attrApplied        = "applied"
	attrAppliedTie     = "applied_received"
	attrAnnounced      = "announced"
	attrAnnouncedTie   = "announced_received"
	attrGone           = "gone"
	attrBaseline       = "baseline"
	attrKept           = "kept"
	attrKeptIdentity   = "kept_identity"
	attrEnded          = "ended"
	attrEndedBy        = "ended_by"
	attrDeleteAfter    = "delete_after"
	attrDeleting       = "deleting"
	attrRemoving       = "removing"
	attrRemoved        = "removed"
	attrAudited        = "audited"
	attrFindings       = "findings"
	attrRenewing       = "renewing"
	attrUpdate         = "update"
	attrUnknownCerts   = "unknown_certificates"
	attrUnknownCreates = "unknown_creates"
	attrRechecked      = "rechecked"
	attrExpires        = "expires"
)

func encode(e protocol.Entry) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		attrKey:            text(e.Key),
		attrEntityID:       text(e.EntityID),
		attrTeammate:       text(e.Teammate),
		attrRevision:       number(e.Revision),
		attrOwner:          text(e.Owner),
		attrLease:          millis(e.Lease),
		attrState:          text(string(e.State)),
		attrFingerprint:    text(e.Fingerprint),
		attrOutcome:        text(string(e.Outcome)),
		attrIntegrationID:  text(e.IntegrationID),
		attrCertificate:    text(e.Certificate),
		attrAdded:          texts(e.Added),
		attrBare:           &types.AttributeValueMemberBOOL{Value: e.Bare},
		attrTrusted:        &types.AttributeValueMemberBOOL{Value: e.Trusted},
		attrSettles:        millis(e.Settles),
		attrStale:          millis(e.Stale),
		attrDeliveries:     texts(e.Deliveries),
		attrApplied:        millis(e.Applied.Sent),
		attrAppliedTie:     millis(e.Applied.Received),
		attrAnnounced:      millis(e.Announced.Sent),
		attrAnnouncedTie:   millis(e.Announced.Received),
		attrGone:           text(e.Gone),
		attrBaseline:       text(e.Baseline),
		attrKept:           text(e.Kept),
		attrKeptIdentity:   text(e.KeptIdentity),
		attrEnded:          millis(e.Ended),
		attrEndedBy:        text(e.EndedBy),
		attrDeleteAfter:    millis(e.DeleteAfter),
		attrDeleting:       text(e.Deleting),
		attrRemoving:       text(e.Removing),
		attrRemoved:        texts(e.Removed),
		attrAudited:        millis(e.Audited),
		attrFindings:       text(e.Findings),
		attrRenewing:       &types.AttributeValueMemberBOOL{Value: e.Renewing},
		attrUpdate:         text(e.Update),
		attrUnknownCerts:   counts(e.UnknownCertificates),
		attrUnknownCreates: number(int64(e.UnknownCreates)),
		attrRechecked:      &types.AttributeValueMemberBOOL{Value: e.Rechecked},
		attrExpires:        number(e.Expires.Unix()),
	}
}

// decode returns the entry in an item; no item is the zero entry. An attribute that is
// missing, or of another type, is zero: an entry of an earlier version can be read.
func decode(item map[string]types.AttributeValue) protocol.Entry {
	if len(item) == 0 {
		return protocol.Entry{}
	}
	e := protocol.Entry{
		Key:                 textOf(item[attrKey]),
		EntityID:            textOf(item[attrEntityID]),
		Teammate:            textOf(item[attrTeammate]),
		Revision:            numberOf(item[attrRevision]),
		Owner:               textOf(item[attrOwner]),
		Lease:               timeOf(item[attrLease]),
		State:               protocol.State(textOf(item[attrState])),
		Fingerprint:         textOf(item[attrFingerprint]),
		Outcome:             protocol.Outcome(textOf(item[attrOutcome])),
		IntegrationID:       textOf(item[attrIntegrationID]),
		Certificate:         textOf(item[attrCertificate]),
		Added:               textsOf(item[attrAdded]),
		Bare:                flagOf(item[attrBare]),
		Trusted:             flagOf(item[attrTrusted]),
		Settles:             timeOf(item[attrSettles]),
		Stale:               timeOf(item[attrStale]),
		Deliveries:          textsOf(item[attrDeliveries]),
		Applied:             protocol.Order{Sent: timeOf(item[attrApplied]), Received: timeOf(item[attrAppliedTie])},
		Announced:           protocol.Order{Sent: timeOf(item[attrAnnounced]), Received: timeOf(item[attrAnnouncedTie])},
		Gone:                textOf(item[attrGone]),
		Baseline:            textOf(item[attrBaseline]),
		Kept:                textOf(item[attrKept]),
		KeptIdentity:        textOf(item[attrKeptIdentity]),
		Ended:               timeOf(item[attrEnded]),
		EndedBy:             textOf(item[attrEndedBy]),
		DeleteAfter:         timeOf(item[attrDeleteAfter]),
		Deleting:            textOf(item[attrDeleting]),
		Removing:            textOf(item[attrRemoving]),
		Removed:             textsOf(item[attrRemoved]),
		Audited:             timeOf(item[attrAudited]),
		Findings:            textOf(item[attrFindings]),
		Renewing:            flagOf(item[attrRenewing]),
		Update:              textOf(item[attrUpdate]),
		UnknownCertificates: countsOf(item[attrUnknownCerts]),
		UnknownCreates:      int(numberOf(item[attrUnknownCreates])),
		Rechecked:           flagOf(item[attrRechecked]),
		Expires:             time.Unix(numberOf(item[attrExpires]), 0),
	}
	return e
}

func flagOf(v types.AttributeValue) bool {
	flag, ok := v.(*types.AttributeValueMemberBOOL)
	return ok && flag.Value
}

func counts(m map[string]int) types.AttributeValue {
	values := make(map[string]types.AttributeValue, len(m))
	for key, n := range m {
		values[key] = number(int64(n))
	}
	return &types.AttributeValueMemberM{Value: values}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func texts(list []string) types.AttributeValue {
	values := make([]types.AttributeValue, len(list))
	for i, s := range list {
		values[i] = text(s)
	}
	return &types.AttributeValueMemberL{Value: values}
}

func number(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

func millis(t time.Time) types.AttributeValue {
	if t.IsZero() {
		return number(0)
	}
	return number(t.UnixMilli())
}

func textOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func textsOf(v types.AttributeValue) []string {
	list, ok := v.(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	var texts []string
	for _, value := range list.Value {
		texts = append(texts, textOf(value))
	}
	return texts
}

func countsOf(v types.AttributeValue) map[string]int {
	m, ok := v.(*types.AttributeValueMemberM)
	if !ok || len(m.Value) == 0 {
		return nil
	}
	counts := make(map[string]int, len(m.Value))
	for key, value := range m.Value {
		counts[key] = int(numberOf(value))
	}
	return counts
}

func numberOf(v types.AttributeValue) int64 {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		if value, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return value
		}
	}
	return 0
}

func timeOf(v types.AttributeValue) time.Time {
	if ms := numberOf(v); ms != 0 {
		return time.UnixMilli(ms)
	}
	return time.Time{}
}
