package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go/logging"

	"sendgrid-sso-integration/internal/okta"
)

const (
	// awsAnswerTimeout bounds the wait for an answer of AWS on one connection. Its services
	// answer within milliseconds. If one does not, the connection most likely died while the
	// process was frozen, and the SDK tries again on another.
	awsAnswerTimeout = 2 * time.Second
	// prefetchTimeout bounds the prefetch; Lambda allows ten seconds for the whole start.
	prefetchTimeout = 4 * time.Second
	// credentialTTL is how long the credential is cached. One that Okta refuses is read again
	// at once.
	credentialTTL = 5 * time.Minute
)

// awsHTTPClient returns the SDK's own HTTP client with a shorter timeout for the answer.
func awsHTTPClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = awsAnswerTimeout
	})
}

// awsLogger returns a logger of the SDK that writes to ours; the SDK's own writes plain text.
func awsLogger(logger *slog.Logger) logging.Logger {
	return logging.StandardLogger{Logger: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}
}

// prefetch connects to Okta and gets the credential ready while the function starts. A failure
// is no reason not to start: the first event tries again.
func prefetch(ctx context.Context, client *okta.Client, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	if err := client.Connect(ctx); err != nil {
		logger.WarnContext(ctx, "Okta could not be prepared for in advance; the first event tries again", slog.Any("error", err))
	}
}
