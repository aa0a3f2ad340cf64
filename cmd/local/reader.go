package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// readTime bounds one call, and maxReads how often one is made whose failure may pass.
	readTime = 10 * time.Second
	maxReads = 4
	// firstPause and maxPause bound the waits between two such calls.
	firstPause = time.Second
	maxPause   = 5 * time.Second
	// unknownReset is the pause after a rate limit for which SendGrid gives no reset.
	unknownReset = 10 * time.Second
)

// reader reads an account for a person who can wait: longer than the function, and for every rate
// limit until ctx ends.
type reader struct {
	client *sendgrid.Client
	logs   io.Writer
}

func (r reader) integrations(ctx context.Context) (list []sendgrid.Integration, err error) {
	err = r.read(ctx, func(ctx context.Context) (err error) {
		list, err = r.client.ListIntegrations(ctx)
		return err
	})
	return list, err
}

func (r reader) certificates(ctx context.Context, id string) (list []sendgrid.Certificate, err error) {
	err = r.read(ctx, func(ctx context.Context) (err error) {
		list, err = r.client.ListCertificates(ctx, id)
		return err
	})
	return list, err
}

// read makes a call until it succeeds, or a repetition cannot help.
func (r reader) read(ctx context.Context, once func(context.Context) error) error {
	for failures := 0; ; {
		err := within(ctx, once)
		if err == nil || !sendgrid.ClassOf(err).Repeatable() {
			return err
		}
		pause := retry.Backoff(failures, firstPause, maxPause, rand.Uint64)
		if sendgrid.ClassOf(err) == sendgrid.Throttled {
			pause += untilReset(err)
			fmt.Fprintf(r.logs, "SendGrid's rate limit is used up; waiting for %s.\n", pause.Round(time.Second))
		} else if failures++; failures == maxReads {
			return err
		}
		if !retry.Sleep(ctx, pause) {
			return err
		}
	}
}

func within(ctx context.Context, once func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	return once(ctx)
}

// untilReset returns how long the rate limit that refused a call lasts.
func untilReset(err error) time.Duration {
	var failure *sendgrid.Error
	if !errors.As(err, &failure) || failure.RateLimit.Reset.IsZero() {
		return unknownReset
	}
	return max(0, time.Until(failure.RateLimit.Reset))
}

// concernsAll reports whether every other call would fail in the same way.
func concernsAll(ctx context.Context, err error) bool {
	class := sendgrid.ClassOf(err)
	return ctx.Err() != nil || class == sendgrid.Throttled || class == sendgrid.Refused && !sendgrid.IsNotFound(err)
}

// whatToDo returns the error for the person at the laptop: what to do about SendGrid's response. The
// function's own messages name the secret that it reads, which a laptop does not have.
func whatToDo(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	code := provision.Classify(err).Code
	var failure *sendgrid.Error
	switch {
	case !errors.As(err, &failure):
		return err
	case code == problem.SendGridUnauthorized:
		return fmt.Errorf("SendGrid does not accept the API key in SENDGRID_API_KEY%s. Put a valid key there; "+
			"if it is valid, check that SENDGRID_REGION is the region that it belongs to, and that the account's IP Access Management allows this machine", quotedReason(failure))
	case code == problem.SendGridForbidden:
		return errors.New(provision.Refusal(failure, ""))
	case code == problem.RateLimited:
		return errors.New("SendGrid's rate limit is used up, and other software keeps using it; run this again later")
	}
	return fmt.Errorf("SendGrid could not be read; run this again, and if it fails again, check SENDGRID_REGION and https://status.sendgrid.com: %w", err)
}

// quotedReason returns SendGrid's reason, quoted, if it gave one.
func quotedReason(failure *sendgrid.Error) string {
	if reason := failure.Reason(); reason != "" {
		return fmt.Sprintf(" (%q)", reason)
	}
	return ""
}
