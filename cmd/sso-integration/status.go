package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// parts are those of the function that a status is about. bus is nil if there is none.
type parts struct {
	secrets secret.API
	key     *secret.APIKey
	client  *sendgrid.Client
	entries audit.Ledger
	bus     publish.Describer
	queues  func() *sqs.Client
	logger  *slog.Logger
}

// newReporter returns what reports the status.
func newReporter(cfg config, p parts) *status.Reporter {
	waiting := func(url string) func(context.Context) (int, error) {
		if url == "" {
			return nil
		}
		return func(ctx context.Context) (int, error) { return eventqueue.Waiting(ctx, p.queues(), url) }
	}
	var describe func(context.Context) error
	if p.bus != nil {
		describe = func(ctx context.Context) error { return publish.Describe(ctx, p.bus, cfg.eventBusName) }
	}
	var schemes func(context.Context) ([]string, error)
	if cfg.webhookSecretID != "" {
		schemes = func(ctx context.Context) ([]string, error) {
			return auth.Schemes(ctx, p.secrets, cfg.webhookSecretID, p.logger)
		}
	}
	reporter := &status.Reporter{
		Version: version, Integrations: p.client.ListIntegrations, Entries: p.entries.All, Durable: cfg.ledgerTable != "",
		Checks: func(ctx context.Context) []status.Check {
			return append(status.Key(ctx, p.key.Check, p.client.ListScopes, status.Needs(status.Uses{Deletes: cfg.deleteAfter > 0, Teammates: cfg.teammates})),
				status.EventBus(describe), status.EventQueue(waiting(cfg.eventQueueURL)), status.DeadLetterQueue(waiting(cfg.deadLetterQueueURL)),
				status.WebhookSecret(schemes), status.Hosts(cfg.samlMetadataHosts))
		},
	}
	if cfg.teammates {
		reporter.Teammates, reporter.BreakGlass = p.client, cfg.breakGlass
	}
	return reporter
}
