package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// awsAnswerTimeout bounds the wait for an answer of AWS on one connection. Its services
	// answer within milliseconds. If one does not, the connection most likely died while the
	// process was frozen, and the SDK tries again on another.
	awsAnswerTimeout = 2 * time.Second
	// prefetchTimeout bounds the prefetch; Lambda allows ten seconds for the whole start.
	prefetchTimeout = 4 * time.Second
	// maxWebhookSecretTTL bounds how long a secret that was removed still authenticates callers.
	maxWebhookSecretTTL = 5 * time.Minute
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

// newLedger returns the ledger in the table or, without a table, one in memory, which prevents
// duplicates within this process only.
func newLedger(aws aws.Config, table string, logger *slog.Logger) provision.Ledger {
	if table == "" {
		logger.Warn("LEDGER_TABLE is not set; the ledger is in memory and does not prevent other processes from creating the same integration")
		return &ledger.Memory{}
	}
	return &ledger.Dynamo{API: dynamodb.NewFromConfig(aws), Table: table}
}

// prefetch reads the key and connects to SendGrid while the function starts, so that the
// first event does not wait for either. A failure is no reason not to start: the first
// event tries again.
func prefetch(ctx context.Context, key *secret.APIKey, client *sendgrid.Client, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	var connecting sync.WaitGroup
	connecting.Go(func() {
		if err := client.Connect(ctx); err != nil {
			logger.WarnContext(ctx, "SendGrid could not be connected to in advance; the first event tries again", slog.Any("error", err))
		}
	})
	if _, _, err := key.Key(ctx); err != nil {
		logger.WarnContext(ctx, "the API key could not be read in advance; the first event tries again", slog.Any("error", err))
	}
	connecting.Wait()
}
