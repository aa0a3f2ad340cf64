package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// newReporter returns what reports the status. bus and verifier are nil if they are not configured.
func newReporter(cfg config, key *secret.APIKey, client *sendgrid.Client, entries audit.Ledger, bus publish.Describer, verifier *auth.Verifier, queues func() *sqs.Client) *status.Reporter {
	waiting := func(url string) func(context.Context) (int, error) {
		if url == "" {
			return nil
		}
		return func(ctx context.Context) (int, error) { return eventqueue.Waiting(ctx, queues(), url) }
	}
	var describe func(context.Context) error
	if bus != nil {
		describe = func(ctx context.Context) error { return publish.Describe(ctx, bus, cfg.eventBusName) }
	}
	var schemes func(context.Context) ([]string, error)
	if verifier != nil {
		schemes = verifier.Schemes
	}
	return &status.Reporter{
		Version: version, Integrations: client.ListIntegrations, Entries: entries.All, Durable: cfg.ledgerTable != "",
		Checks: func(ctx context.Context) []status.Check {
			return append(status.Key(ctx, key.Check, client.ListScopes, status.Needs(cfg.deleteAfter > 0)),
				status.EventBus(describe), status.EventQueue(waiting(cfg.eventQueueURL)), status.DeadLetterQueue(waiting(cfg.deadLetterQueueURL)),
				status.WebhookSecret(schemes), status.Hosts(cfg.samlMetadataHosts))
		},
	}
}
