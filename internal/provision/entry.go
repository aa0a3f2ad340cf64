package provision

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// State is what an entry records about its integration. Who may act is decided by the
// lease alone.
type State string

// The states of an entry.
const (
	// Free: nothing is known, and no write was announced.
	Free State = "free"
	// Leased: an attempt has taken the entry and announced no write.
	Leased State = "leased"
	// Creating: a create of the integration was announced. It is about to be sent, or was.
	Creating State = "creating"
	// Pending: the integration with IntegrationID exists, and the request with Fingerprint
	// has steps left: an update, or certificates.
	Pending State = "pending"
	// Adding: the create of a certificate was announced. It is about to be sent, or was.
	Adding State = "adding"
	// Unknown: an announced write was sent, and its outcome is not known: the create of the
	// integration while there is no IntegrationID, else of Certificate, else an update.
	Unknown State = "unknown"
	// Completed: the integration with IntegrationID is what the request with Fingerprint asks
	// for, or was when last read.
	Completed State = "completed"
)

const (
	// retention is how long an entry is remembered: longer than any queue can redeliver.
	retention = 15 * 24 * time.Hour
	// maxUnknownCreates is how many creates of one thing may have an unknown outcome, and show
	// nothing after the settling periods, before a person has to check.
	maxUnknownCreates = 3
)

// Entry is what the ledger records about one integration.
type Entry struct {
	// Key identifies the integration: account and entity id, hashed.
	Key string
	// EntityID is there for people who read the table.
	EntityID string
	// Revision counts the writes of the entry, from 1. Each write replaces exactly the
	// revision before it, so that a late copy of a write never takes effect.
	Revision int64
	// Owner is a token of the attempt that works on the entry, empty if none does.
	Owner string
	// Lease is until when the owner alone may act or, without an owner, until when nobody may:
	// then a write of unknown outcome settles. It is zero if anybody may act.
	Lease time.Time
	State State
	// Fingerprint is that of the request announced, or completed.
	Fingerprint string
	// Outcome is the answer to that request once it is completed: created or updated.
	Outcome Outcome
	// IntegrationID is empty while no integration is known.
	IntegrationID string
	// Certificate is the SHA-256 of the certificate whose create was announced.
	Certificate string
	// Added are the SHA-256 of the certificates that were added to the integration.
	Added []string
	// Settles is until when a missing integration is not believed gone, nor a certificate in
	// Added missing, because reads lag.
	Settles time.Time
	// Stale is until when SendGrid may show what the integration was before its last update.
	Stale time.Time
	// Deliveries are the ids of the deliveries whose creates were announced or completed.
	Deliveries []string
	// Applied is the time of the newest request that was applied.
	Applied time.Time
	// UnknownCreates counts the creates of one thing whose outcome was never known.
	UnknownCreates int
	// Rechecked reports whether, after such a create, the thing was found missing and one
	// more settling period was waited since.
	Rechecked bool
	// Expires is when the entry may be forgotten.
	Expires time.Time
}

// availability is whether an attempt may take an entry.
type availability int

const (
	// available: the entry may be taken.
	available availability = iota
	// alreadyCompleted: the entry records this very request as completed. Reading is enough.
	alreadyCompleted
	// leasedToAnother: another attempt works on the entry, and its lease runs.
	leasedToAnother
	// settling: a write of unknown outcome settles.
	settling
)

// availability is the one rule of who may take an entry. An attempt that has to act on a
// completed request all the same passes no fingerprint.
func (e Entry) availability(fingerprint string, now time.Time) availability {
	switch {
	case e.expired(now):
		return available
	case e.Lease.After(now) && e.Owner != "":
		return leasedToAnother
	case e.Lease.After(now):
		return settling
	case e.completes(fingerprint):
		return alreadyCompleted
	default:
		return available
	}
}

func (e Entry) expired(now time.Time) bool { return e.Expires.Before(now) }

// completes reports whether the entry records the request with this fingerprint as completed.
func (e Entry) completes(fingerprint string) bool {
	return e.State == Completed && fingerprint != "" && e.Fingerprint == fingerprint
}

// awaitsCreate reports whether a create of the integration was announced whose outcome is
// not recorded.
func (e Entry) awaitsCreate() bool {
	return e.State == Creating || e.State == Unknown && e.IntegrationID == ""
}

// awaitsCertificate reports whether a create of Certificate was announced whose outcome is
// not recorded.
func (e Entry) awaitsCertificate() bool {
	return e.State == Adding || e.State == Unknown && e.IntegrationID != "" && e.Certificate != ""
}

// hasStepsLeft reports whether the integration exists and the announced request is not
// completed.
func (e Entry) hasStepsLeft() bool {
	return e.State == Pending || e.State == Adding || e.State == Unknown && e.IntegrationID != ""
}

// mayBeStale reports whether what SendGrid showed at a time may be older than the last update.
func (e Entry) mayBeStale(shown sendgrid.Integration, at time.Time) bool {
	return shown.ID != "" && shown.ID == e.IntegrationID && e.Stale.After(at)
}

// createdBy reports whether d is the delivery that created the integration.
func (e Entry) createdBy(d Delivery) bool {
	return e.IntegrationID != "" &&
		slices.ContainsFunc(d.IDs, func(id string) bool { return slices.Contains(e.Deliveries, id) })
}

// taken returns the entry as the owner takes it: with its lease, and what is known unchanged.
func (e Entry) taken(owner string, lease, now time.Time) Entry {
	if e.expired(now) {
		e = Entry{Key: e.Key, EntityID: e.EntityID, Revision: e.Revision}
	}
	if e.State == "" || e.State == Free {
		e.State = Leased
	}
	e.Revision++
	e.Owner, e.Lease, e.Expires = owner, lease, now.Add(retention)
	return e
}

// released returns the entry without its lease, and what is known unchanged.
func (e Entry) released() Entry {
	if e.State == Leased {
		e.State = Free
	}
	e.Owner, e.Lease = "", time.Time{}
	return e
}

// unknown returns the entry of an attempt that ends without knowing the outcome of its
// write: nobody may act before the lease ends.
func (e Entry) unknown(lease time.Time) Entry {
	e.State, e.Owner, e.Lease = Unknown, "", lease
	return e
}

// exists returns the entry once the integration is known to exist.
func (e Entry) exists(id string, settles time.Time) Entry {
	e.State, e.IntegrationID, e.Settles, e.Stale = Pending, id, settles, time.Time{}
	e.UnknownCreates, e.Rechecked = 0, false
	return e
}

// about returns the entry of an integration that exists. If the entry recorded another one, what
// is known of that is forgotten.
func (e Entry) about(id string, settles time.Time) Entry {
	if e.IntegrationID != id {
		e = e.exists(id, settles)
		e.Added, e.Deliveries = nil, nil
	}
	return e
}

// added returns the entry once a certificate is known to be there.
func (e Entry) added(sha256 string, settles time.Time) Entry {
	e.State, e.Certificate, e.Settles = Pending, "", settles
	e.Added = append(slices.Clone(e.Added), sha256)
	e.UnknownCreates, e.Rechecked = 0, false
	return e
}

// entryKey identifies an integration within all of SendGrid: the account, which is the
// host and the subuser acted for, and the entity id. It is hashed because an entity id
// may be longer than a database's keys.
func entryKey(account []string, entityID string) string {
	sum := sha256.Sum256([]byte(strings.Join(account, "\x00") + "\x00\x00" + entityID))
	return hex.EncodeToString(sum[:])
}
