// Command sso-integration is the Lambda function: it creates the SendGrid SSO integrations
// that the events describe.
package main

import (
	"context"
	"log/slog"
	"os"
	"sync"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/awsconfig"
	"sendgrid-sso-integration/internal/deadletter"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/function"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// version is that of the file VERSION, set by the linker.
var version = "dev"

func main() {
	if err := function.Start(version, os.Getenv, build); err != nil {
		os.Exit(1)
	}
}

// build builds the parts.
func build(ctx context.Context, getenv func(string) string, logger *slog.Logger) (lambda.Handler, error) {
	cfg, err := readConfig(getenv)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.Load(ctx, logger)
	if err != nil {
		return nil, err
	}
	secrets := secretsmanager.NewFromConfig(aws)
	key := secret.NewAPIKey(secrets, cfg.apiKeySecretID, secret.Options{TTL: cfg.apiKeyTTL, Logger: logger})
	client := &sendgrid.Client{
		Keys:       key,
		BaseURL:    cfg.baseURL,
		OnBehalfOf: cfg.onBehalfOf,
		UserAgent:  "sendgrid-sso-integration/" + version,
		OnCall:     delivery.CountCall,
	}
	entries := newLedger(aws, cfg.ledgerTable, logger)
	queues := sync.OnceValue(func() *sqs.Client { return sqs.NewFromConfig(aws) })
	provisioner := &provision.Provisioner{
		SendGrid: client, Ledger: entries, Account: []string{cfg.baseURL, cfg.onBehalfOf}, All: entries.All, DeleteAfter: cfg.deleteAfter, Logger: logger,
	}
	fetcher := &saml.Fetcher{Hosts: cfg.samlMetadataHosts, UserAgent: client.UserAgent}
	auditor := &audit.Auditor{SendGrid: client, Ledger: entries, Connections: provisioner, SAMLMetadata: fetcher, Renews: cfg.auditMayWrite, Logger: logger}
	if cfg.teammates {
		provisioner.Teammates, auditor.Teammates, auditor.BreakGlass = client, client, cfg.breakGlass
	}
	if cfg.eventQueueURL != "" {
		auditor.Queue = &eventqueue.Queue{API: func() eventqueue.API { return queues() }, URL: cfg.eventQueueURL}
	}
	h := &handler.Handler{
		Auditor:          auditor,
		Provisioner:      provisioner,
		SAMLMetadata:     fetcher,
		WebhookMayUpdate: cfg.webhookMayUpdate,
		IntegrationURL:   client.IntegrationURL,
		TeammateURL:      client.TeammateURL,
		Observers: []handler.Observer{
			telemetry.Log{Logger: logger}, &telemetry.Metrics{Out: os.Stdout, FunctionName: lambdacontext.FunctionName},
		},
		Logger: logger,
	}
	if cfg.webhookSecretID != "" {
		h.Verifier = auth.NewVerifier(secrets, cfg.webhookSecretID, min(cfg.apiKeyTTL, maxWebhookSecretTTL), logger)
	}
	var bus publish.Describer
	if cfg.eventBusName != "" {
		events := eventbridge.NewFromConfig(aws)
		bus, h.Publisher = events, &publish.Publisher{API: events, Bus: cfg.eventBusName}
	}
	if cfg.deadLetterQueueURL != "" {
		h.DeadLetters = &deadletter.Queue{API: func() deadletter.API { return queues() }, URL: cfg.deadLetterQueueURL}
	}
	h.Reporter = newReporter(cfg, parts{secrets, key, client, entries, bus, queues, logger})
	prefetch(ctx, key, client, logger)
	return h, nil
}
