package provision

import (
	"context"
	"errors"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// maxSteps bounds the steps of an attempt: a create, an update, and each certificate.
const maxSteps = 2*saml.MaxCertificates + 10

// resource is what an attempt is about: a connection or a teammate.
type resource interface {
	// observe reads what SendGrid has.
	observe(context.Context) error
	// shown returns what the protocol needs of that, including what this attempt has changed since.
	shown() protocol.Shown
	// carryOut takes one step. Without a result or an error, another plan has to follow.
	carryOut(context.Context, protocol.Plan) (*Result, error)
	// learn updates the entry's baseline after a write that took effect.
	learn(protocol.Write)
	// learned returns the entry with what an attempt without an outcome learned.
	learned(protocol.Entry) protocol.Entry
	// conflict returns the error of a request that the resource contradicts.
	conflict() *problem.Error
	// effect describes the state of a request that the entry continues, for the messages of failures.
	effect() string
}

// attempt is one run of the protocol, whatever its resource.
type attempt struct {
	*Provisioner
	deadlines
	resource resource
	// fresh is the entry of the resource before its first request.
	fresh    protocol.Entry
	delivery Delivery
	asked    protocol.Asked
	// arrived tells others not to wait any longer for this attempt to share the list.
	arrived func()

	standing protocol.Standing
	// stored is the ledger entry as this attempt last read or wrote it, and entry is that with what
	// the attempt has learned since.
	stored, entry protocol.Entry
	// asOf is when reading began.
	asOf time.Time
	// updateSent reports whether this attempt has updated the resource.
	updateSent bool
	// removed reports whether it has deleted a certificate.
	removed bool
	// changes are what this attempt changed in SendGrid.
	changes []problem.Change
	// drifted is what somebody had changed there.
	drifted []problem.Change
	// missing reports whether the resource was deleted, and stays so.
	missing bool
	waits   waits
	// adopted reports whether the response to a create was lost.
	adopted bool
	// held is until when nobody may write after this attempt, because the outcome of one of its
	// writes was once unknown: a try that got no response may still take effect.
	held time.Time
}

// errUnplanned marks a mistake in this package.
var errUnplanned = errors.New("the plan has a step that is not carried out")

// run takes the entry, reads SendGrid, and carries out plans until one has an outcome. If reading
// does not suffice, it begins again and takes the entry.
func (a *attempt) run(ctx context.Context) (*Result, error) {
	for _, mayRead := range []bool{true, false} {
		if err := a.begin(ctx, mayRead); err != nil {
			return nil, err
		}
		for range maxSteps {
			p := a.plan()
			if p.Step == protocol.Take {
				break
			}
			if result, err := a.resource.carryOut(ctx, p); result != nil || err != nil {
				return result, err
			}
		}
		if a.standing == protocol.Owner {
			break
		}
	}
	a.release(ctx)
	return nil, errUnplanned
}

// begin takes the entry and reads SendGrid. An owner also reconciles a write that was announced
// before.
func (a *attempt) begin(ctx context.Context, mayRead bool) error {
	var err error
	if a.standing, err = a.acquire(ctx, mayRead); err != nil {
		return err
	}
	// Reads may show the state at their beginning, so nothing that settles during them counts as settled.
	a.asOf = time.Now()
	end := a.waits.begin(forSendGrid)
	err = a.resource.observe(ctx)
	end()
	if err != nil {
		return a.observationFailed(ctx, err)
	}
	if a.standing == protocol.Owner {
		before := a.entry
		a.reconcileEntry()
		a.adopted = before.IntegrationID == "" && a.entry.IntegrationID != "" && before.Fingerprint == a.asked.Fingerprint
	}
	return nil
}

// observationFailed ends an attempt that could not read SendGrid.
func (a *attempt) observationFailed(ctx context.Context, err error) error {
	a.release(ctx)
	if a.standing == protocol.Spectator && sendgrid.ClassOf(err).Repeatable() { // Other failures need a person to act.
		return writeUnknown(a.entry, time.Until(a.entry.Lease), err)
	}
	return err
}

// recheck ends an attempt whose create SendGrid does not show: the write gets one more settling period.
func (a *attempt) recheck(ctx context.Context) error {
	a.record(ctx, "let the write settle", a.entry.Recheck(a.settles()))
	return writeUnknown(a.entry, a.settling(), nil)
}

// plan makes the next plan.
func (a *attempt) plan() protocol.Plan {
	return protocol.View{
		Asked: a.asked, Entry: a.entry, Standing: a.standing, Shown: a.resource.shown(), AsOf: a.asOf, UpdateSent: a.updateSent, Removed: a.removed,
	}.Plan()
}
