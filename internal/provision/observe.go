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
	// readTimeout bounds one try; SendGrid usually takes less than a second.
	readTimeout  = 8 * time.Second
	firstBackoff = 200 * time.Millisecond
	maxBackoff   = 3 * time.Second
)

// observation is what SendGrid shows.
type observation struct {
	// integration is the one that the request is about, nil if there is none.
	integration *sendgrid.Integration
	// recordedMissing reports whether the integration that the entry records is not shown.
	recordedMissing bool
	// certificates are those of the integration. They are read if the request brings any, or if
	// the outcome of the create of one is not known.
	certificates []storedCertificate
	// updateSent reports whether this attempt has updated the integration.
	updateSent bool
}

// observe reads the integration that the request is about, and its certificates.
func (a *attempt) observe() (observation, error) {
	seen, err := a.observeIntegration()
	wanted := len(a.request.Certificates) > 0 || a.entry.awaitsCertificate()
	if err != nil || !wanted || seen.integration == nil || seen.integration.ID == "" {
		return seen, err
	}
	seen.certificates, err = a.listCertificates(a.workCtx, seen.integration.ID)
	return seen, err
}

// observeIntegration reads the integration that the request is about: one that matches the
// request; else the one that the entry records; else one with the entity id.
func (a *attempt) observeIntegration() (observation, error) {
	list, err := a.lists.join(a.workCtx, a.patience, a.arrived, a.SendGrid.ListIntegrations)
	if err != nil {
		return observation{}, err
	}
	recorded := a.entry.IntegrationID
	isRecorded := func(i sendgrid.Integration) bool { return i.ID == recorded }
	found := first(list, func(i sendgrid.Integration) bool { return isRecorded(i) && a.request.matches(i) }, a.request.matches)
	switch {
	case found != nil, recorded == "":
	case slices.ContainsFunc(list, isRecorded):
		found = first(list, a.isOurs)
	default: // The list may lag behind a read by id.
		byID, err := a.getIfThere(a.workCtx, recorded)
		if err != nil {
			return observation{}, err
		}
		if byID == nil {
			return observation{integration: first(list, a.sharesEntityID), recordedMissing: true}, nil
		}
		if a.isOurs(*byID) {
			found = byID
		}
	}
	return observation{integration: cmp.Or(found, first(list, a.sharesEntityID))}, nil
}

func (a *attempt) sharesEntityID(i sendgrid.Integration) bool {
	return i.EntityID == a.request.EntityID
}

// isOurs reports whether the entry records i. An integration whose entity id was edited
// since is the answer to the request that created it, but to no other.
func (a *attempt) isOurs(i sendgrid.Integration) bool {
	return i.ID == a.entry.IntegrationID && (a.sharesEntityID(i) || a.entry.completes(a.fingerprint))
}

// first returns a copy of the first integration that the first of the tests to match any
// matches. The list is shared.
func first(list []sendgrid.Integration, tests ...func(sendgrid.Integration) bool) *sendgrid.Integration {
	for _, matches := range tests {
		if at := slices.IndexFunc(list, matches); at >= 0 {
			found := list[at]
			return &found
		}
	}
	return nil
}

// readWhole reads the integration again if it lacks what the IdP needs.
func (a *attempt) readWhole(ctx context.Context) error {
	i := a.seen.integration
	if i.ID != "" && i.SingleSignOnURL == "" {
		var err error
		if i, err = a.get(ctx, i.ID); err != nil {
			return err
		}
	}
	if i.ID == "" || i.SingleSignOnURL == "" {
		return incomplete()
	}
	a.seen.integration = i
	return nil
}

// getIfThere reads an integration; one that SendGrid does not show is nil.
func (a *attempt) getIfThere(ctx context.Context, id string) (*sendgrid.Integration, error) {
	found, err := a.get(ctx, id)
	if sendgrid.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

func (a *attempt) get(ctx context.Context, id string) (i *sendgrid.Integration, err error) {
	err = a.read(ctx, func(ctx context.Context) (err error) {
		i, err = a.SendGrid.GetIntegration(ctx, id)
		return err
	})
	return i, err
}

// read tries a read until it succeeds, a repetition cannot help, or the time is too short
// for another try.
func (a *attempt) read(ctx context.Context, once func(context.Context) error) error {
	for try := 0; ; try++ {
		err := within(ctx, readTimeout, once)
		wait, again := repeats(ctx, a.patience, err, try)
		if !again || !sleep(ctx, wait) {
			return err
		}
	}
}

// repeats reports whether a read is tried again, and after what time. A rate limit is waited
// for until patience.
func repeats(ctx context.Context, patience time.Time, err error, try int) (wait time.Duration, again bool) {
	if err == nil || try == readTries-1 || !sendgrid.ClassOf(err).Repeatable() {
		return 0, false
	}
	wait = pause(err, try)
	return wait, wait < left(ctx) && (!isThrottled(err) || wait <= time.Until(patience))
}

func isThrottled(err error) bool { return sendgrid.ClassOf(err) == sendgrid.Throttled }

// errNoAnswer ends a try that takes too long. It is not the end of the request's own
// time, and must not be taken for it.
var errNoAnswer = errors.New("no answer in time")

// within runs one try with a time limit of its own, so that a connection that hangs
// leaves time for another.
func within(ctx context.Context, limit time.Duration, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errNoAnswer)
	defer cancel()
	return once(ctx)
}

// pause returns how long to wait after a failed call: until the rate limit resets if that
// is what failed, else a growing random time.
func pause(err error, try int) time.Duration {
	wait := backoff(try, firstBackoff, maxBackoff)
	var failure *sendgrid.Error
	if isThrottled(err) && errors.As(err, &failure) && !failure.RateLimit.Reset.IsZero() {
		return max(wait, time.Until(failure.RateLimit.Reset)+wait/4)
	}
	return wait
}
