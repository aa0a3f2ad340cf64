package provision_test

import (
	"context"
	"errors"
	"sync"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// The writes of an attempt to the ledger.
const (
	stepTake      = "take"
	stepCreating  = "creating"
	stepPending   = "pending"
	stepAdding    = "adding"
	stepCompleted = "completed"
	stepUnknown   = "unknown"
	stepRelease   = "release"
)

// stepOf names the write that replaces an entry.
func stepOf(before, e protocol.Entry) string {
	switch {
	case e.Owner != "" && e.Owner != before.Owner:
		return stepTake
	case e.Lease.IsZero() && e.State != protocol.Completed, e.Lease.IsZero() && e.Fingerprint == before.Fingerprint && before.State == protocol.Completed:
		return stepRelease
	case e.State == protocol.Creating:
		return stepCreating
	case e.State == protocol.Pending:
		return stepPending
	case e.State == protocol.Adding:
		return stepAdding
	case e.State == protocol.Completed:
		return stepCompleted
	default:
		return stepUnknown
	}
}

// errLost, from spyLedger.meet, lets a write find that another attempt has the entry.
var errLost = errors.New("the entry has another owner")

// spyLedger is a ledger in memory. It notes what happens to its entry, and lets a test
// intervene before anything does.
type spyLedger struct {
	ledger.Memory
	// meet, if set, is called first; an error of it ends the step.
	meet func(ctx context.Context, step string) error
	// stored, if set, is told of every write.
	stored func(protocol.Entry)

	mu    sync.Mutex
	steps []string
	entry protocol.Entry
}

func (s *spyLedger) Put(ctx context.Context, e protocol.Entry) (protocol.Entry, bool, error) {
	before, _ := s.Get(ctx, e.Key)
	step := stepOf(before, e)
	if err := s.met(ctx, step); err != nil {
		if errors.Is(err, errLost) {
			return protocol.Entry{Owner: "another"}, false, nil
		}
		return protocol.Entry{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	current, stored, err := s.Memory.Put(ctx, e)
	if stored {
		s.steps = append(s.steps, step)
		if s.stored != nil {
			s.stored(e)
		}
		s.entry = e // Tests of one entity id have only one entry.
	}
	return current, stored, err
}

func (s *spyLedger) met(ctx context.Context, step string) error {
	s.mu.Lock()
	meet := s.meet
	s.mu.Unlock()
	if meet == nil {
		return ctx.Err() // As a database would: there is no writing after the end.
	}
	return meet(ctx, step)
}

// state returns the entry as it is now, and the writes so far.
func (s *spyLedger) state() (protocol.Entry, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entry, append([]string(nil), s.steps...)
}

// failAt lets one step fail from now on; an empty one lets everything succeed again.
func (s *spyLedger) failAt(step string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meet = func(_ context.Context, at string) error {
		if at == step {
			return err
		}
		return nil
	}
}

// hangAt lets one step hang until its time is over.
func (s *spyLedger) hangAt(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meet = func(ctx context.Context, at string) error {
		if at == step {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}
}

// fakeSendGrid is a SendGrid for what the simulator cannot do; calling a function that
// the test has not set is a failure.
type fakeSendGrid struct {
	create func(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error)
	list   func(context.Context) ([]sendgrid.Integration, error)
	get    func(context.Context, string) (*sendgrid.Integration, error)
	// Other calls panic.
	provision.SendGrid
}

func (f *fakeSendGrid) CreateIntegration(ctx context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
	if f.create == nil {
		panic("unexpected call of CreateIntegration")
	}
	return f.create(ctx, in)
}

func (f *fakeSendGrid) ListIntegrations(ctx context.Context) ([]sendgrid.Integration, error) {
	if f.list == nil {
		panic("unexpected call of ListIntegrations")
	}
	return f.list(ctx)
}

func (f *fakeSendGrid) GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error) {
	if f.get == nil {
		panic("unexpected call of GetIntegration")
	}
	return f.get(ctx, id)
}
