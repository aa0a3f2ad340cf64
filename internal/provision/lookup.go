package provision

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

const (
	// readTries bounds how often one read is tried; the caller's own retry comes after.
	readTries = 4
	// readTimeout bounds one try; SendGrid takes less than a second in good order.
	readTimeout  = 8 * time.Second
	firstBackoff = 200 * time.Millisecond
	mostBackoff  = 3 * time.Second
)

// find returns the integration that a request is about, or nil: the one that is as the
// request asks; else the one that the ledger remembers; else one with the entity id.
func (p *Provisioner) find(ctx context.Context, r Request, remembered Entry) (*sendgrid.Integration, error) {
	list, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	same := func(i sendgrid.Integration) bool { return len(r.differences(i)) == 0 }
	sharing := func(i sendgrid.Integration) bool { return i.EntityID == r.EntityID }
	// One that was given another entity id since is still the answer to the request that
	// brought it about, but to no other.
	ours := func(i sendgrid.Integration) bool {
		return i.ID == remembered.IntegrationID && (sharing(i) || remembered.Fingerprint == r.fingerprint())
	}
	if remembered.IntegrationID == "" {
		return first(list, same, sharing), nil
	}
	found := first(list, same, ours)
	if found != nil || slices.ContainsFunc(list, func(i sendgrid.Integration) bool { return i.ID == remembered.IntegrationID }) {
		return cmp.Or(found, first(list, sharing)), nil
	}
	// The list may lag behind; the integration itself does not.
	found, err = p.getIfThere(ctx, remembered.IntegrationID)
	if err != nil {
		return nil, err
	}
	if found == nil || !ours(*found) {
		found = first(list, sharing)
	}
	return found, nil
}

// first returns the first integration that the first of the tests to match any matches.
func first(list []sendgrid.Integration, tests ...func(sendgrid.Integration) bool) *sendgrid.Integration {
	for _, matches := range tests {
		if at := slices.IndexFunc(list, matches); at >= 0 {
			return &list[at]
		}
	}
	return nil
}

// getIfThere reads an integration; one that is gone is nil.
func (p *Provisioner) getIfThere(ctx context.Context, id string) (*sendgrid.Integration, error) {
	found, err := p.get(ctx, id)
	if sendgrid.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// complete reads an integration back if it lacks what the IdP needs. Without that it would
// be no answer.
func (p *Provisioner) complete(ctx context.Context, i *sendgrid.Integration) (*sendgrid.Integration, error) {
	if i.ID != "" && i.SingleSignOnURL == "" {
		var err error
		if i, err = p.get(ctx, i.ID); err != nil {
			return nil, err
		}
	}
	if i.ID == "" || i.SingleSignOnURL == "" {
		return nil, incomplete()
	}
	return i, nil
}

func (p *Provisioner) list(ctx context.Context) (list []sendgrid.Integration, err error) {
	err = read(ctx, func(ctx context.Context) (err error) {
		list, err = p.SendGrid.ListIntegrations(ctx)
		return err
	})
	return list, err
}

func (p *Provisioner) get(ctx context.Context, id string) (i *sendgrid.Integration, err error) {
	err = read(ctx, func(ctx context.Context) (err error) {
		i, err = p.SendGrid.GetIntegration(ctx, id)
		return err
	})
	return i, err
}

// read tries a read until it succeeds, its failure is final, or the time is too short
// for another try. Reading twice changes nothing.
func read(ctx context.Context, once func(context.Context) error) error {
	for try := 0; ; try++ {
		err := within(ctx, readTimeout, once)
		if err == nil || try == readTries-1 || !sendgrid.ClassOf(err).Repeatable() || !sleep(ctx, pause(err, try)) {
			return err
		}
	}
}

// errNoAnswer ends a try that takes too long. It is not the end of the request's own
// time, and must not look like it.
var errNoAnswer = errors.New("no answer in time")

// within runs one try with a time limit of its own, so that a connection that hangs
// leaves time for another.
func within(ctx context.Context, limit time.Duration, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	return once(ctx)
}

// pause returns how long to wait after a failed call: until the rate limit resets,
// where that is what failed, else a growing random time.
func pause(err error, try int) time.Duration {
	wait := backoff(try, firstBackoff, mostBackoff)
	var failure *sendgrid.Error
	if errors.As(err, &failure) && failure.Class() == sendgrid.Throttled && !failure.RateLimit.Reset.IsZero() {
		return max(wait, time.Until(failure.RateLimit.Reset)+wait/4)
	}
	return wait
}
