package protocol

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// State is what an entry records about its integration. The lease alone decides who may act.
// An entry of another state, or of none, is free.
type State string

// The states of an entry.
const (
	// Free means that no write was announced.
	Free State = "free"
	// Creating means that a create of the integration was announced. It is about to be sent, or was.
	Creating State = "creating"
	// Pending means that the integration with IntegrationID exists, and the request with Fingerprint
	// has steps left: an update, which may have been sent, or certificates.
	Pending State = "pending"
	// Adding means that the create of a certificate was announced. It is about to be sent, or was.
	Adding State = "adding"
	// Unknown means that an announced write was sent, and its outcome is not known: the create of the
	// integration while there is no IntegrationID, else of Certificate, else an update.
	Unknown State = "unknown"
	// Completed means that the integration with IntegrationID is what the request with Fingerprint asks
	// for, or was when last read.
	Completed State = "completed"
)

// Outcome is how a request ended.
type Outcome string

// The outcomes.
const (
	// OutcomeCreated means that this request created the integration.
	OutcomeCreated Outcome = "created"
	// OutcomeUpdated means that this request changed the integration, or added certificates to it.
	OutcomeUpdated Outcome = "updated"
	// OutcomeUnchanged means that the integration is as requested already.
	OutcomeUnchanged Outcome = "unchanged"
	// OutcomeSuperseded means that a newer request was applied before. Nothing was changed.
	OutcomeSuperseded Outcome = "superseded"
	// OutcomeDisabled means that this request ended the connection: its integration is disabled.
	OutcomeDisabled Outcome = "disabled"
	// OutcomeDeleted means that an audit deleted the integration of a connection that was ended before.
	OutcomeDeleted Outcome = "deleted"
	// OutcomePlanned means that the request was a dry run. Nothing was written.
	OutcomePlanned Outcome = "planned"
	// OutcomeRejected means that it failed, and a retry cannot help.
	OutcomeRejected Outcome = "rejected"
	// OutcomeFailed means that it failed, and a retry may help.
	OutcomeFailed Outcome = "failed"
)

// Outcomes returns every outcome.
func Outcomes() []Outcome {
	return []Outcome{OutcomeCreated, OutcomeUpdated, OutcomeUnchanged, OutcomeSuperseded, OutcomeDisabled, OutcomeDeleted, OutcomePlanned, OutcomeRejected, OutcomeFailed}
}

const (
	// retention is how long an entry is remembered: longer than any queue can redeliver.
	retention = 15 * 24 * time.Hour
	// maxUnknownCreates is how many creates of one thing may have an unknown outcome, and show
	// nothing after the settling periods, before a person has to check.
	maxUnknownCreates = 3
	// maxDeliveries bounds the delivery ids that an entry remembers.
	maxDeliveries = 20
)

// Entry is what the ledger records about one integration.
type Entry struct {
	// Key identifies the integration or the teammate within all of SendGrid, hashed.
	Key string
	// EntityID and Teammate name it for people who read the table: by its entity id, or by its email
	// address. One of them is empty.
	EntityID, Teammate string
	// Revision counts the writes of the entry, from 1. Each write replaces exactly the
	// revision before it, so that a late copy of a write never takes effect.
	Revision int64
	// Owner is a token of the attempt that works on the entry, empty if none does.
	Owner string
	// Lease is until when the owner alone may act or, without an owner, until when nobody may
	// write: then a write whose outcome was once unknown settles. It is zero if anybody may act.
	Lease time.Time
	State State
	// Fingerprint is that of the request announced, or completed.
	Fingerprint string
	// Outcome is the outcome of the announced request once it is completed: created or updated.
	Outcome Outcome
	// Announced is the order of the announced request.
	Announced Order
	// Applied is the order of the newest request that was applied: one of its writes took effect,
	// or it may update and found what it asked for.
	Applied Order
	// Deliveries are the names of the deliveries that were applied.
	Deliveries []string

	// IntegrationID is empty while no integration is known. A teammate's is the email address.
	IntegrationID string
	// Gone is the integration that was recorded before, and was deleted. Reads that lag may still
	// show it.
	Gone string
	// Settles is when the settling period ends. Until then, an integration or a certificate in Added
	// that is not shown does not count as missing, because reads lag.
	Settles time.Time
	// Stale is until when SendGrid may show what the integration was before its last update, or a teammate
	// that was deleted.
	Stale time.Time
	// Baseline is what SendGrid showed after the last write, as package provision describes it;
	// empty if that was never recorded.
	Baseline string
	// Kept is the newest request of the connection, as package provision encodes it, and
	// KeptIdentity that request's identity. They are empty while the connection is not managed.
	Kept, KeptIdentity string
	// Ended is when the connection was ended, zero if it was not, and EndedBy who ended it, if that is known.
	// DeleteAfter is the time after which an audit deletes the integration, zero if none does.
	Ended       time.Time
	EndedBy     string
	DeleteAfter time.Time
	// Deleting is the integration whose deletion was announced, or took effect and is not reported yet:
	// then IntegrationID is empty.
	Deleting string
	// Removing is the SHA-256 of the certificate whose deletion was announced. Removed are those that were
	// deleted; until Settles, SendGrid may still show them.
	Removing string
	Removed  []string
	// Audited is when the last audit of the connection began, and Findings what it found, as package
	// audit describes it.
	Audited  time.Time
	Findings string
	// Renewing reports whether an audit announced the write, to renew the kept request. That request
	// has no steps left then.
	Renewing bool
	// Added are the SHA-256 of the certificates that were added to the integration.
	Added []string
	// Bare reports whether SendGrid confirmed the create of the integration, and since then nothing was
	// announced for it except certificates of requests that may not update, and not all of those are
	// there. So no other certificate is this function's.
	Bare bool
	// Trusted reports whether the create of the integration was requested by a caller who may update. Then
	// others do not complete it with its first certificates.
	Trusted bool

	// Update is the digest of the fields that an announced update asks for, empty once its outcome
	// is known.
	Update string
	// Certificate is the SHA-256 of the certificate whose create was announced.
	Certificate string
	// UnknownCreates counts the creates of what is announced whose outcome was never known.
	// UnknownCertificates has the same count for each certificate, by SHA-256.
	UnknownCreates      int
	UnknownCertificates map[string]int
	// Rechecked reports whether, after such a create, nothing was found and one more settling
	// period has passed since.
	Rechecked bool
	// Expires is when the entry may be forgotten. That of a managed connection stays.
	Expires time.Time
}

// never is when the entry of a managed connection expires: it needs a time that every version can
// read.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// Managed reports whether the entry keeps the request of its connection.
func (e Entry) Managed() bool { return e.Kept != "" }

// Keep returns the entry with the request that it keeps from now on.
func (e Entry) Keep(kept, identity string) Entry {
	e.Kept, e.KeptIdentity, e.Expires = kept, identity, never
	return e
}

// NewEntry returns the entry of an integration that was never requested. Its key is made of the account,
// which is the host and the subuser acted for, and the entity id. It is hashed because an entity id may be
// longer than a database's keys.
func NewEntry(account []string, entityID string) Entry {
	return Entry{Key: entryKey(account, entityID), EntityID: entityID}
}

// NewTeammateEntry returns the entry of a teammate that was never requested. Its key is never that of an
// entity id, which has no control characters.
func NewTeammateEntry(account []string, email string) Entry {
	return Entry{Key: entryKey(account, "teammate\x00"+email), Teammate: email}
}

// NewAdministratorsEntry returns the entry that orders the writes that end an administrator. It is about no teammate,
// and has no names.
func NewAdministratorsEntry(account []string) Entry {
	return Entry{Key: entryKey(account, "administrators\x00")}
}

func entryKey(account []string, name string) string {
	sum := sha256.Sum256([]byte(strings.Join(account, "\x00") + "\x00\x00" + name))
	return hex.EncodeToString(sum[:])
}

// Named returns the entry with the names of another one: what is stored may lack them.
func (e Entry) Named(as Entry) Entry {
	e.Key, e.EntityID, e.Teammate = as.Key, as.EntityID, as.Teammate
	return e
}

// Availability is whether an attempt may take an entry.
type Availability int

const (
	_ Availability = iota
	// Available means that the entry may be taken.
	Available
	// Leased means that another attempt works on the entry, and its lease runs.
	Leased
	// Settling means that a write settles. Anybody may read, and nobody may write.
	Settling
)

// Availability is the one rule of who may take an entry.
func (e Entry) Availability(now time.Time) Availability {
	switch {
	case e.expired(now), !e.Lease.After(now):
		return Available
	case e.Owner != "":
		return Leased
	default:
		return Settling
	}
}

func (e Entry) expired(now time.Time) bool { return e.Expires.Before(now) }

// Readable reports whether reading may suffice for a request, so that it need not take the entry,
// which would keep others waiting. The plan takes it if that turns out wrong.
func (e Entry) Readable(asked Asked, now time.Time) bool {
	known := e.IntegrationID != "" && !e.awaitsCreate() && !e.hasStepsLeft() && (e.Baseline != "" || e.State != Completed) && !e.mayKeep(asked)
	return known && !e.expired(now) && (!asked.Updates || e.remembers(asked) || asked.Order.Before(e.Applied) ||
		e.Completes(asked) && !asked.Restores && !e.Applied.Before(asked.Order))
}

// Completes reports whether the entry records this very request as completed. An entry that keeps no
// request is of a version that had fingerprints only, or of a caller that may not update.
func (e Entry) Completes(asked Asked) bool {
	same := e.Fingerprint == asked.Fingerprint
	if e.Managed() {
		same = e.KeptIdentity == asked.Identity
	}
	return (e.State == Completed || e.Renewing) && same && !e.IsEnded()
}

// IsEnded reports whether the connection was ended. Only a request that restores brings it back.
func (e Entry) IsEnded() bool { return !e.Ended.IsZero() }

// MayComplete reports whether a request may add the first certificates to an integration that was created
// without any. A caller who may not update may do so only if the create came from such a caller, too.
func (e Entry) MayComplete(asked Asked) bool { return e.Bare && (asked.MayUpdate || !e.Trusted) }

// mayKeep reports whether the connection becomes managed if a request finds what it asks for.
func (e Entry) mayKeep(asked Asked) bool { return !e.Managed() && asked.MayUpdate }

// remembers reports whether this very delivery was applied.
func (e Entry) remembers(asked Asked) bool {
	return slices.ContainsFunc(asked.Deliveries, func(id string) bool { return slices.Contains(e.Deliveries, id) })
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

// changing returns until when reads may not show the last write about the integration, zero if there was
// none.
func (e Entry) changing() time.Time {
	if e.Stale.After(e.Settles) {
		return e.Stale
	}
	return e.Settles
}
