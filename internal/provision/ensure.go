package provision

import (
	"context"
	"crypto/rand"
	"log/slog"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// DefaultSettling is how long SendGrid is given to show what came of a create whose
// answer was lost, before anyone may create again. It covers requests still on their
// way, lists that lag behind, and clocks that differ.
const DefaultSettling = time.Minute

// SendGrid is what is used of sendgrid.Client.
type SendGrid interface {
	CreateIntegration(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error)
	ListIntegrations(context.Context) ([]sendgrid.Integration, error)
	GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error)
}

// Provisioner makes sure that integrations exist. Set its fields before the first call;
// Ensure may be called concurrently.
type Provisioner struct {
	SendGrid SendGrid
	Ledger   Ledger
	// Account identifies the SendGrid account that SendGrid acts on: base URL and subuser.
	Account []string
	// Settling is DefaultSettling if zero.
	Settling time.Duration
	Logger   *slog.Logger
}

// Ensure makes sure that the integration a request asks for exists, exactly once, and
// answers before the deadline of ctx. Its errors are of type *problem.Error.
func (p *Provisioner) Ensure(ctx context.Context, r Request) (*Result, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	b := newBudget(ctx)
	defer b.cancel()

	a := &attempt{Provisioner: p, budget: b, request: r}
	result, err := a.run()
	if err != nil {
		return nil, explain(err)
	}
	result.Metadata = r.Metadata
	return result, nil
}

// attempt is one run of the protocol that the package comment describes.
type attempt struct {
	*Provisioner
	budget
	request Request
	// entry is the ledger entry as this attempt last saw or wrote it.
	entry Entry
}

// run takes the entry and acts on what it finds there.
func (a *attempt) run() (*Result, error) {
	fingerprint := a.request.fingerprint()
	for {
		standing, err := a.take(fingerprint)
		switch {
		case err != nil:
			return nil, err
		case standing == holding:
			return a.fulfil()
		case standing == unsettled:
			return a.peek()
		}
		found, err := a.find(a.act, a.request, a.entry)
		switch {
		case err != nil:
			return nil, err
		case found != nil:
			return a.judge(found)
		}
		// It was deleted since. Without a fingerprint the entry is taken even so.
		fingerprint = ""
	}
}

// standing is where an attempt stands once the ledger has been asked.
type standing int

const (
	// holding: the entry is this attempt's.
	holding standing = iota
	// fulfilled: the entry remembers this very request as fulfilled.
	fulfilled
	// unsettled: a create of unknown outcome is settling for longer than there is time.
	unsettled
)

const (
	firstPoll = 50 * time.Millisecond
	mostPoll  = time.Second
)

// take takes the ledger entry, waiting while someone else holds it. It does not hold
// an entry that remembers the fingerprint: to answer that, looking is enough.
func (a *attempt) take(fingerprint string) (standing, error) {
	claim := Entry{
		Key:         ledgerKey(a.Account, a.request.EntityID),
		EntityID:    a.request.EntityID,
		Owner:       rand.Text(),
		State:       Held,
		Lease:       a.deadline.Add(a.settling()),
		Fingerprint: fingerprint,
		Expires:     time.Now().Add(retention),
	}
	for try := 0; ; try++ {
		now := time.Now()
		current, taken, err := a.Ledger.Take(a.act, claim, now)
		if err != nil {
			return holding, ledgerUnavailable(err)
		}
		a.entry = current
		remaining := current.Lease.Sub(now)
		switch {
		case taken:
			return holding, nil
		case remaining <= 0:
			return fulfilled, nil
		case current.State == Unknown && remaining > left(a.act):
			return unsettled, nil
		case !sleep(a.act, backoff(try, firstPoll, mostPoll)):
			return holding, inProgress(remaining, a.settling(), nil)
		}
	}
}

// peek looks, without holding the entry, whether a create of unknown outcome has shown up
// by now. If not, the lease runs out by itself.
func (a *attempt) peek() (*Result, error) {
	found, err := a.find(a.act, a.request, Entry{})
	switch {
	case err != nil && !sendgrid.ClassOf(err).Repeatable():
		return nil, err // Such as a key that SendGrid refuses: that has to be said.
	case err == nil && found != nil && len(a.request.differences(*found)) == 0:
		return a.judge(found)
	default:
		return nil, outcomeUnknown(time.Until(a.entry.Lease), err)
	}
}

// fulfil looks whether the integration is there, and creates it if not.
func (a *attempt) fulfil() (*Result, error) {
	found, err := a.find(a.act, a.request, a.entry)
	if err != nil {
		a.release()
		return nil, err
	}
	if found == nil {
		return a.create()
	}
	result, err := a.judge(found)
	if err != nil {
		a.release()
		return nil, err
	}
	a.remember(found.ID)
	return result, nil
}

// judge answers a request for which there is an integration already.
func (a *attempt) judge(found *sendgrid.Integration) (*Result, error) {
	differences := a.request.differences(*found)
	// What this very request brought about and someone edited since is as they want it.
	edited := found.ID == a.entry.IntegrationID && a.entry.Fingerprint == a.request.fingerprint()
	if len(differences) > 0 && !edited {
		return nil, conflict(found.ID, differences)
	}
	whole, err := a.complete(a.act, found)
	if err != nil {
		return nil, err
	}
	return &Result{Outcome: OutcomeUnchanged, Integration: *whole}, nil
}

func (p *Provisioner) settling() time.Duration {
	if p.Settling == 0 {
		return DefaultSettling
	}
	return p.Settling
}
