package main

import (
	"context"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/okta"
)

const (
	// prefetchTimeout bounds the prefetch; Lambda allows ten seconds for the whole start.
	prefetchTimeout = 4 * time.Second
	// credentialTTL is how long the credential is cached. One that Okta refuses is read again
	// at once.
	credentialTTL = 5 * time.Minute
)

// prefetch connects to Okta and gets the credential ready while the function starts. A failure
// is no reason not to start: the first event tries again.
func prefetch(ctx context.Context, client *okta.Client, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	if err := client.Connect(ctx); err != nil {
		logger.WarnContext(ctx, "Okta could not be prepared for in advance; the first event tries again", slog.Any("error", err))
	}
}
