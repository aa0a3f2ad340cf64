package provision

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"strings"
	"time"
)

// State says how far the holder of a ledger entry has come.
type State string

// The states of an entry. The lease decides who may act; the state says what is known.
const (
	// Held: someone looks whether there is anything to create.
	Held State = "held"
	// Creating: a create is about to be sent, or was.
	Creating State = "creating"
	// Unknown: a create was sent, and nobody could see yet what came of it.
	Unknown State = "unknown"
	// Created: the integration with IntegrationID exists, or did when last seen.
	Created State = "created"
)

// retention is how long an entry is remembered: longer than any queue can redeliver.
const retention = 15 * 24 * time.Hour

// Entry is what the ledger knows of one integration.
type Entry struct {
	// Key identifies the integration: account and entity id, hashed.
	Key string
	// EntityID is there for people who look into the ledger.
	EntityID string
	// Owner is a token of whoever took the entry last.
	Owner string
	State State
	// Lease is when the holder's right to be alone ends; zero means that nobody holds it.
	Lease time.Time
	// Fingerprint and IntegrationID remember the request that was fulfilled, and by what.
	Fingerprint   string
	IntegrationID string
	// Expires is when the entry may be forgotten.
	Expires time.Time
}

// Ledger says who is creating what, across all processes that share it.
type Ledger interface {
	// Take makes claim.Owner the holder of the entry claim.Key until claim.Lease, unless
	// a lease runs on it at now, or it remembers claim.Fingerprint. What the entry
	// remembers stays. It returns the entry as it is then, and whether it was taken.
	Take(ctx context.Context, claim Entry, now time.Time) (current Entry, taken bool, err error)
	// Update replaces the entry if its owner is still e.Owner, and tells whether it was.
	Update(ctx context.Context, e Entry) (owned bool, err error)
	// Delete forgets the entry if its owner is still owner.
	Delete(ctx context.Context, key, owner string) error
}

// ledgerKey identifies an integration within all of SendGrid: the account, which is the
// host and the subuser acted for, and the entity id. It is hashed because an entity id
// may be longer than a database's keys.
func ledgerKey(account []string, entityID string) string {
	sum := sha256.Sum256([]byte(strings.Join(account, "\x00") + "\x00\x00" + entityID))
	return hex.EncodeToString(sum[:])
}

// remember records that the request is fulfilled by the integration id, and frees the
// entry. A failure is only logged: the integration is there, and the lease guards it
// until lists show it.
func (a *attempt) remember(id string) {
	a.entry.State, a.entry.Lease = Created, time.Time{}
	a.entry.Fingerprint, a.entry.IntegrationID = a.request.fingerprint(), id
	a.write("remember the integration")
}

// release frees the entry of an attempt that created nothing.
func (a *attempt) release() {
	if a.entry.IntegrationID != "" {
		a.entry.State, a.entry.Lease = Created, time.Time{}
		a.write("release the entry")
		return
	}
	if err := a.Ledger.Delete(a.record, a.entry.Key, a.entry.Owner); err != nil {
		a.warn("release the entry", err)
	}
}

// write writes the entry at the end of an attempt. If that fails, the entry stays taken
// until its lease runs out, which delays others and endangers nothing.
func (a *attempt) write(purpose string) {
	owned, err := a.Ledger.Update(a.record, a.entry)
	if err == nil && !owned {
		err = errors.New("somebody else has taken the entry")
	}
	if err != nil {
		a.warn(purpose, err)
	}
}

func (a *attempt) warn(purpose string, err error) {
	if a.Logger != nil {
		a.Logger.WarnContext(a.record, "the ledger entry could not be written; if it is still ours, it stays taken until its lease ends",
			slog.String("purpose", purpose), slog.String("entity_id", a.request.EntityID), slog.Any("error", err))
	}
}
