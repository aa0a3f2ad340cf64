package provision

import (
	"context"
	"log/slog"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// DefaultSettling is how long SendGrid gets to show the effect of a write before its
// absence counts. It covers requests still on their way, reads that lag behind, and clocks
// that differ.
const DefaultSettling = time.Minute

// SendGrid is what is used of sendgrid.Client.
type SendGrid interface {
	CreateIntegration(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error)
	ListIntegrations(context.Context) ([]sendgrid.Integration, error)
	GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error)
}

// Ledger stores the entries, for all processes that must not create the same integration.
type Ledger interface {
	// Get returns the stored entry, zero if there is none.
	Get(ctx context.Context, key string) (Entry, error)
	// Put stores e if the stored entry is the revision before e's; no entry counts as
	// revision 0. Otherwise it stores nothing and returns the stored entry, zero if there is
	// none. Storing again what is stored already succeeds: a client repeats a write whose
	// answer was lost.
	Put(ctx context.Context, e Entry) (current Entry, stored bool, err error)
}

// Delivery is one arrival of a request.
type Delivery struct {
	// IDs are those under which the sender delivers the same request again.
	IDs []string
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

func (p *Provisioner) settling() time.Duration {
	if p.Settling == 0 {
		return DefaultSettling
	}
	return p.Settling
}

// Ensure makes sure that the integration a request asks for exists, exactly once, and
// answers before the deadline of ctx. Its errors are of type *problem.Error.
func (p *Provisioner) Ensure(ctx context.Context, r Request, d Delivery) (*Result, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	t := divideTime(ctx)
	defer t.cancel()

	a := &attempt{Provisioner: p, phases: t, request: r, delivery: d, fingerprint: r.fingerprint()}
	result, err := a.run()
	if err != nil {
		return nil, translate(err)
	}
	result.Metadata = r.Metadata
	return result, nil
}

// attempt is one run of the protocol that the package comment describes.
type attempt struct {
	*Provisioner
	phases
	request     Request
	delivery    Delivery
	fingerprint string
	// entry is the ledger entry as this attempt last read or wrote it.
	entry Entry
}

// run takes the entry, reads SendGrid, and does what the plan for both says.
func (a *attempt) run() (*Result, error) {
	completes := a.fingerprint
	for {
		standing, err := a.acquire(completes)
		if err != nil {
			return nil, err
		}
		seen, err := a.observe()
		if err != nil {
			return nil, a.observationFailed(standing, err)
		}
		p := makePlan(view{
			request: a.request, delivery: a.delivery, entry: a.entry, standing: standing, observation: seen,
			now: time.Now(), settling: a.settling(),
		})
		if p.step != takeEntry {
			return a.carryOut(p, standing, seen.integration)
		}
		completes = "" // Nothing is completed any more, so the entry can be taken.
	}
}

// observationFailed answers a request for which SendGrid could not be read.
func (a *attempt) observationFailed(s standing, err error) error {
	switch s {
	case owner:
		a.release()
	case spectator:
		if sendgrid.ClassOf(err).Repeatable() { // Other failures need a person to act.
			return outcomeUnknown(time.Until(a.entry.Lease), err)
		}
	case completed:
	}
	return err
}

// carryOut takes the one step of a plan.
func (a *attempt) carryOut(p plan, s standing, found *sendgrid.Integration) (*Result, error) {
	switch p.step {
	case create:
		return a.create()
	case recheck:
		return nil, a.recheck(p.wait)
	case answerUnchanged:
		return a.answerUnchanged(s, found)
	case adopt:
		return a.created(found, true)
	case refuse:
		if s == owner {
			a.release()
		}
		return nil, p.err
	case takeEntry: // The caller takes the entry.
	}
	return nil, errUnplanned
}

// answerUnchanged answers a request whose integration exists.
func (a *attempt) answerUnchanged(s standing, found *sendgrid.Integration) (*Result, error) {
	whole, err := a.complete(a.workCtx, found)
	if err != nil {
		if s == owner {
			a.release()
		}
		return nil, err
	}
	if s == owner {
		a.recordCompleted(whole.ID)
	}
	return &Result{Outcome: OutcomeUnchanged, Integration: *whole}, nil
}
