package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// prefetchTimeout bounds the prefetch; Lambda allows ten seconds for the whole start.
	prefetchTimeout = 4 * time.Second
	// maxWebhookSecretTTL bounds how long a secret that was removed still authenticates callers.
	maxWebhookSecretTTL = 5 * time.Minute
)

// newLedger returns the ledger in the table or, without a table, one in memory, which prevents
// duplicates within this process only.
func newLedger(aws aws.Config, table string, logger *slog.Logger) audit.Ledger {
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
