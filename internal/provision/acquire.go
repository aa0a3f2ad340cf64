package provision

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/retry"
)

const (
	// firstPoll and maxPoll bound the waits between two reads of an entry.
	firstPoll = 50 * time.Millisecond
	maxPoll   = time.Second
)

// acquire takes the entry, and waits while it is leased to another attempt. Where reading may
// suffice, it does not take it.
func (a *attempt) acquire(ctx context.Context, mayRead bool) (protocol.Standing, error) {
	token := a.token()
	// Most entries are new, so the first write assumes that there is none.
	current := a.fresh
	for try := 0; ; try++ {
		now := time.Now()
		remaining := current.Lease.Sub(now)
		wait := a.backoff(try, firstPoll, maxPoll)
		switch current.Availability(now) {
		case protocol.Available:
			if mayRead && current.Readable(a.asked, now) {
				a.stored, a.entry = current, current
				return protocol.Reader, nil
			}
			claim := current.Take(token, a.end.Add(a.settling()), now)
			claim.Revision = current.Revision + 1
			end := a.waits.begin(forLedger)
			found, stored, err := a.Ledger.Put(ctx, claim)
			end()
			if err != nil {
				return 0, &ledgerError{err}
			}
			if stored {
				a.stored, a.entry = claim, claim
				return protocol.Owner, nil
			}
			current = found.Named(a.fresh)
			continue // It changed meanwhile.
		case protocol.Settling:
			if remaining >= time.Until(a.wait) {
				a.stored, a.entry = current, current
				return protocol.Spectator, nil
			}
			wait = remaining
		case protocol.Leased: // The lease may end at any time.
		}
		a.arrived() // This may take any time.
		end := a.waits.begin(forOthers)
		waited := wait < time.Until(a.wait) && retry.Sleep(ctx, wait)
		end()
		if !waited {
			return 0, a.inProgress(remaining, nil)
		}
		read, err := a.Ledger.Get(ctx, current.Key)
		switch {
		case err != nil && ctx.Err() != nil:
			return 0, a.inProgress(remaining, err)
		case err != nil:
			return 0, &ledgerError{err}
		}
		current = read.Named(a.fresh)
	}
}

// own takes the entry, or fails: the caller needs to write.
func (a *attempt) own(ctx context.Context) error {
	var err error
	if a.standing, err = a.acquire(ctx, false); err != nil {
		return err
	}
	if a.standing != protocol.Owner {
		return stillSettling(a.entry, time.Until(a.entry.Lease))
	}
	return nil
}

// errTaken: the lease of this attempt ended, or somebody has deleted the entry.
var errTaken = errors.New("another attempt has taken the ledger entry")

// put writes the entry that this attempt owns. Its error is errTaken if another attempt has it.
func (a *attempt) put(ctx context.Context, e protocol.Entry) error {
	defer a.waits.begin(forLedger)()
	e.Revision = a.stored.Revision + 1
	current, stored, err := a.Ledger.Put(ctx, e)
	if err == nil && !stored && current.Owner == a.stored.Owner {
		// The response to an earlier write of this attempt was lost, and it took effect.
		e.Revision = current.Revision + 1
		_, stored, err = a.Ledger.Put(ctx, e)
	}
	switch {
	case err != nil:
		return err
	case !stored:
		return errTaken
	}
	a.stored, a.entry = e, e
	return nil
}

// announce records a write that is about to be sent. Nothing may be sent without it.
func (a *attempt) announce(ctx context.Context, e protocol.Entry) error {
	before := a.entry
	switch err := a.put(ctx, e); {
	case errors.Is(err, errTaken):
		return a.inProgress(0, err)
	case err != nil:
		a.release(ctx)
		return &ledgerError{err}
	case left(ctx) < invocation.MinWrite:
		a.withdraw(ctx, before)
		return a.tooLate()
	}
	return nil
}

// commit records the outcome of the attempt, and ends its lease. If that fails, there is no
// outcome: whoever takes the entry next reconciles it.
func (a *attempt) commit(ctx context.Context, e protocol.Entry) error {
	ctx, cancel := uncancelled(ctx, a.deadlines.commit)
	defer cancel()
	if err := a.put(ctx, e); err != nil {
		return notRecorded(subjectOf(e), err)
	}
	return nil
}

// withdraw restores the entry of an attempt whose announced write certainly did not happen.
func (a *attempt) withdraw(ctx context.Context, before protocol.Entry) {
	a.record(ctx, "withdraw the write", before.Release(a.held))
}

// release ends the lease of an attempt without an outcome, and records what it learned.
func (a *attempt) release(ctx context.Context) {
	a.record(ctx, "release the entry", a.resource.learned(a.entry).Release(a.held))
}

// record writes the entry at the end of an attempt without an outcome. A failure is only logged:
// others then wait until the lease ends, and no harm is done.
func (a *attempt) record(ctx context.Context, purpose string, e protocol.Entry) {
	if a.standing != protocol.Owner {
		return
	}
	ctx, cancel := uncancelled(ctx, a.deadlines.commit)
	defer cancel()
	if err := a.put(ctx, e); err != nil && a.Logger != nil {
		a.Logger.WarnContext(ctx, "the ledger entry could not be written; if it is still leased to this attempt, it stays so until the lease ends",
			slog.String("purpose", purpose), slog.String(subjectOf(a.fresh).key, cmp.Or(a.fresh.EntityID, a.fresh.Teammate)), slog.Any("error", err))
	}
}
