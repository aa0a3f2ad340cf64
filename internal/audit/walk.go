package audit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// callTime bounds one call, so that one that hangs does not use up the audit's time.
	callTime = 5 * time.Second
	// maxFailures is how many integrations in a row may fail before the audit ends: then
	// SendGrid has an outage. The next audit begins after them, not with them.
	maxFailures = 10
)

// walk is one audit's way through the integrations.
type walk struct {
	sendGrid SendGrid
	logger   *slog.Logger
	now      time.Time
	pace     pacer
}

// integrations lists the integrations of the account.
func (w *walk) integrations(ctx context.Context) (list []sendgrid.Integration, err error) {
	err = w.call(ctx, func(ctx context.Context) (err error) {
		list, err = w.sendGrid.ListIntegrations(ctx)
		return err
	})
	return list, err
}

// check checks the integrations in this order until the time runs out. It returns an error if
// SendGrid refuses the API key, and an error with the report if not one integration could be
// checked.
func (w *walk) check(ctx context.Context, integrations []sendgrid.Integration) (*Report, error) {
	ctx = sendgrid.WithObserver(ctx, w.pace.observe)
	report := &Report{Summary: Summary{Total: len(integrations)}, Integrations: []Integration{}}
	var cause error
	failures := 0 // in a row
	for at, integration := range integrations {
		certificates, err := w.certificates(ctx, integration.ID)
		switch {
		case err == nil:
			report.add(checked(integration, certificates, w.now))
			failures = 0
			continue
		case ended(ctx, err):
			report.stop(integrations[at:])
		case hopeless(err):
			return nil, translate(err)
		default:
			w.logger.WarnContext(ctx, "the certificates of an integration could not be listed",
				slog.String("integration_id", integration.ID), slog.Any("error", err))
			report.add(unchecked(integration, err))
			if failures++; failures == maxFailures {
				report.stop(integrations[at+1:])
			}
		}
		cause = err
		if report.Summary.Unreached > 0 {
			break
		}
	}
	if cause != nil && report.Summary.Audited == 0 {
		return report, nothingReached(cause)
	}
	return report, nil
}

// certificates lists the certificates of an integration. One without an id was begun in
// SendGrid's UI; it has none.
func (w *walk) certificates(ctx context.Context, id string) (list []sendgrid.Certificate, err error) {
	if id == "" {
		return nil, nil
	}
	err = w.call(ctx, func(ctx context.Context) (err error) {
		list, err = w.sendGrid.ListCertificates(ctx, id)
		return err
	})
	return list, err
}

// call makes a call once the rate limit allows it, and again after the rate limit refused it.
func (w *walk) call(ctx context.Context, once func(context.Context) error) error {
	for {
		if err := w.pace.wait(ctx); err != nil {
			return err
		}
		err := within(ctx, once)
		if sendgrid.ClassOf(err) != sendgrid.Throttled {
			return err
		}
		w.pace.refused(err)
	}
}

func within(ctx context.Context, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, errNoAnswer)
	defer cancel()
	return once(ctx)
}

// errNoAnswer ends one call. It is not the end of the audit.
var errNoAnswer = errors.New("no answer in time")

// ended reports whether an error means that the audit's time is used up.
func ended(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, errNoTime)
}

// hopeless reports whether every other call would fail in the same way.
func hopeless(err error) bool {
	code := translate(err).Code
	return code == problem.SendGridUnauthorized || code == problem.SendGridForbidden || code == problem.SecretUnavailable
}
