package provision

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"
)

// standing is what an attempt may do with the entry.
type standing int

const (
	// owner: the entry is leased to this attempt. It may write.
	owner standing = iota
	// completed: the entry records this request as completed. The attempt only reads.
	completed
	// spectator: a create of unknown outcome settles for longer than this attempt has time.
	// The attempt only reads.
	spectator
)

const (
	// firstPoll and maxPoll bound the waits between two reads of an entry.
	firstPoll = 50 * time.Millisecond
	maxPoll   = time.Second
)

// acquire takes the entry, and waits while it is leased to another attempt. It does not
// take an entry that completes the fingerprint: to answer that request, reading is enough.
func (a *attempt) acquire(completes string) (standing, error) {
	token := rand.Text()
	// Most entries are new, so the first write assumes that there is none.
	current := Entry{Key: entryKey(a.Account, a.request.EntityID), EntityID: a.request.EntityID}
	for try := 0; ; try++ {
		now := time.Now()
		remaining := current.Lease.Sub(now)
		wait := backoff(try, firstPoll, maxPoll)
		switch current.availability(completes, now) {
		case available:
			claim := current.taken(token, a.deadline.Add(a.settling()), now)
			stored, err := a.take(claim, &current)
			if stored || err != nil {
				return owner, err
			}
			continue // It changed meanwhile.
		case alreadyCompleted:
			a.entry = current
			return completed, nil
		case settling:
			if remaining >= time.Until(a.patience) {
				a.entry = current
				return spectator, nil
			}
			wait = remaining
		case leasedToAnother: // It may end at any time.
		}
		a.arrived() // Nobody can tell how long this takes.
		if wait >= time.Until(a.patience) || !sleep(a.workCtx, wait) {
			return owner, inProgress(remaining, a.settling(), nil)
		}
		read, err := a.Ledger.Get(a.workCtx, current.Key)
		switch {
		case err != nil && a.workCtx.Err() != nil:
			return owner, inProgress(remaining, a.settling(), err)
		case err != nil:
			return owner, ledgerUnavailable(err)
		}
		read.Key, read.EntityID = current.Key, current.EntityID
		current = read
	}
}

// take stores a claim, or reads the entry that is stored in its place.
func (a *attempt) take(claim Entry, current *Entry) (stored bool, err error) {
	found, stored, err := a.Ledger.Put(a.workCtx, claim)
	switch {
	case err != nil:
		return false, ledgerUnavailable(err)
	case stored:
		a.entry = claim
	default:
		found.Key, found.EntityID = claim.Key, claim.EntityID
		*current = found
	}
	return stored, nil
}

// put writes the entry that this attempt owns. It reports false if another attempt has
// taken the entry since.
func (a *attempt) put(ctx context.Context, e Entry) (owned bool, err error) {
	e.Revision = a.entry.Revision + 1
	current, stored, err := a.Ledger.Put(ctx, e)
	if err == nil && !stored && current.Owner == a.entry.Owner {
		// The answer to an earlier write of this attempt was lost, and it took effect.
		e.Revision = current.Revision + 1
		_, stored, err = a.Ledger.Put(ctx, e)
	}
	if stored {
		a.entry = e
	}
	return stored, err
}

// recordCompleted records that the integration is what the request asks for, and ends the
// lease.
func (a *attempt) recordCompleted(id string) {
	e := a.entry.about(id, time.Now().Add(a.settling()))
	e.State, e.Owner, e.Lease = Completed, "", time.Time{}
	e.Fingerprint, e.Outcome, e.Certificate = a.fingerprint, "", ""
	if a.delivery.Time.After(e.Applied) {
		e.Applied = a.delivery.Time
	}
	e.UnknownCreates, e.Rechecked = 0, false
	a.record("completed", e)
}

// release ends the lease of an attempt that changed nothing.
func (a *attempt) release() { a.record("released", a.entry.released()) }

// record writes the entry at the end of an attempt. A failure is only logged: the lease
// then keeps others from acting until it ends, which delays them and endangers nothing.
func (a *attempt) record(purpose string, e Entry) {
	owned, err := a.put(a.commitCtx, e)
	if err == nil && !owned {
		err = errors.New("another attempt has taken the entry")
	}
	if err != nil && a.Logger != nil {
		a.Logger.WarnContext(a.commitCtx, "the ledger entry could not be written; if it is still leased to this attempt, it stays so until the lease ends",
			slog.String("purpose", purpose), slog.String("entity_id", a.request.EntityID), slog.Any("error", err))
	}
}
