package provision

import (
	"context"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/saml"
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
	UpdateIntegration(ctx context.Context, id string, in sendgrid.IntegrationUpdate) (*sendgrid.Integration, error)
	CreateCertificate(context.Context, sendgrid.CertificateRequest) (*sendgrid.Certificate, error)
	ListCertificates(ctx context.Context, integrationID string) ([]sendgrid.Certificate, error)
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
	// Time orders requests: the newest one applies. The zero time, and one in the future, is
	// now.
	Time time.Time
	// Patience bounds how long the request waits for what others have to do first: another
	// attempt, a write that settles, a rate limit. Then it fails, to be delivered again. 0
	// means as long as there is time. A request that others do not keep waiting has all the
	// time of its context.
	Patience time.Duration
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
	// SAMLMetadata fetches saml_metadata_url; if it is nil, the field is refused.
	SAMLMetadata MetadataFetcher
	Logger       *slog.Logger

	lists sharedList
}

func (p *Provisioner) settling() time.Duration {
	if p.Settling == 0 {
		return DefaultSettling
	}
	return p.Settling
}

// Ensure makes sure that the integration a request asks for exists, exactly once, with its
// certificates, and answers before the deadline of ctx. The request has to be resolved. Its
// errors are of type *problem.Error.
func (p *Provisioner) Ensure(ctx context.Context, r Request, d Delivery) (*Result, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if now := time.Now(); d.Time.IsZero() || d.Time.After(now) {
		d.Time = now
	}
	t := divideTime(ctx, d.Patience)
	defer t.cancel()

	a := &attempt{Provisioner: p, phases: t, request: r, delivery: d, fingerprint: r.fingerprint(), arrived: p.lists.expect()}
	defer a.arrived()
	result, err := a.run()
	if err != nil {
		return nil, translate(err)
	}
	result.Metadata = r.Metadata
	result.Warnings = warnings(r, result, time.Now())
	return result, nil
}

// maxSteps bounds the steps of an attempt: a create, an update, and each certificate.
const maxSteps = 2*saml.MaxCertificates + 10

// attempt is one run of the protocol that the package comment describes.
type attempt struct {
	*Provisioner
	phases
	request     Request
	delivery    Delivery
	fingerprint string
	// arrived ends that others wait for this attempt to share the list.
	arrived func()

	standing standing
	// entry is the ledger entry as this attempt last read or wrote it, and with what it has
	// learned since.
	entry Entry
	// seen is what SendGrid shows, with what this attempt has changed since.
	seen observation
	// asOf is when reading began.
	asOf time.Time
	// adopted reports whether the answer to a create was lost.
	adopted bool
}

// run takes the entry, reads SendGrid, and carries out plans until one has an answer.
func (a *attempt) run() (*Result, error) {
	completes := a.fingerprint
	for {
		var err error
		if a.standing, err = a.acquire(completes); err != nil {
			return nil, err
		}
		// Reads are as old as their beginning: what settled meanwhile was not settled for them.
		a.asOf = time.Now()
		if a.seen, err = a.observe(); err != nil {
			return nil, a.observationFailed(err)
		}
		taking := false
		for range maxSteps {
			p := makePlan(view{
				request: a.request, delivery: a.delivery, entry: a.entry, standing: a.standing,
				observation: a.seen, now: a.asOf,
			})
			if taking = p.step == takeEntry; taking {
				completes = "" // Nothing is completed any more, so the entry can be taken.
				break
			}
			if result, err := a.carryOut(p); result != nil || err != nil {
				return result, err
			}
		}
		if !taking {
			return nil, errUnplanned
		}
	}
}

// observationFailed answers a request for which SendGrid could not be read.
func (a *attempt) observationFailed(err error) error {
	switch a.standing {
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

// carryOut takes one step. Without a result or an error, another plan has to follow.
func (a *attempt) carryOut(p plan) (*Result, error) {
	switch p.step {
	case create:
		return nil, a.create()
	case adopt:
		a.adopted = true
		a.created(a.seen.integration)
		return nil, nil
	case update:
		return nil, a.update()
	case addCertificate:
		return nil, a.addCertificate(p.certificate)
	case adoptCertificate:
		a.entry = a.entry.added(a.entry.Certificate, time.Now().Add(a.settling()))
		return nil, nil
	case complete:
		return a.complete(a.entry.Outcome)
	case answerUnchanged:
		return a.complete(OutcomeUnchanged)
	case answerSuperseded:
		return a.superseded()
	case recheck:
		return nil, a.recheck()
	case refuse:
		if a.standing == owner {
			a.release()
		}
		return nil, p.err
	case takeEntry: // run takes the entry.
	}
	return nil, errUnplanned
}

// complete records that the request is completed, and answers it.
func (a *attempt) complete(outcome Outcome) (*Result, error) {
	ctx := a.workCtx
	if outcome == OutcomeUnchanged {
		if err := a.readWhole(ctx); err != nil {
			if a.standing == owner {
				a.release()
			}
			return nil, err
		}
	}
	switch {
	case a.standing != owner:
	case a.entry.awaitsCreate() && a.entry.Fingerprint != a.fingerprint, a.leavesSteps():
		a.release() // Another request goes on where it stopped.
	default:
		a.recordCompleted(a.seen.integration.ID)
	}
	if outcome != OutcomeUnchanged {
		if err := a.readWhole(a.reconcileCtx); err != nil {
			return nil, unreadable(a.seen.integration.ID, err)
		}
	}
	return a.result(outcome), nil
}

// leavesSteps reports whether the entry has steps of another request that stay to be done: this
// one does not replace it.
func (a *attempt) leavesSteps() bool {
	replaces := a.request.IfExists == UpdateExisting && a.delivery.Time.After(a.entry.Applied)
	return a.entry.Fingerprint != a.fingerprint && a.entry.hasStepsLeft() && !replaces
}

// superseded answers a request that is older than the one applied last.
func (a *attempt) superseded() (*Result, error) {
	err := a.readWhole(a.workCtx)
	if a.standing == owner {
		a.release()
	}
	if err != nil {
		return nil, err
	}
	return a.result(OutcomeSuperseded), nil
}
