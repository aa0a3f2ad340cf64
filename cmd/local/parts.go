package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// What the simulator begins with, and the secrets that the samples are made for. They are
// valid for the simulator only.
const (
	integrationsFile  = "events/local.integrations.json"
	webhookSecretFile = "events/local.webhook-secret.json"
	apiKey            = "SG.local-simulator-key"
	userAgent         = "sendgrid-sso-integration/local"
	// simulatedSettling is short, because the simulator shows every write at once.
	simulatedSettling = time.Second
)

// sampleSecret returns the webhook secret that the samples are made for.
func sampleSecret() (string, error) {
	text, err := os.ReadFile(webhookSecretFile)
	if err != nil {
		return "", fmt.Errorf("run this at the root of the repository: %w", err)
	}
	return string(text), nil
}

// newSimulator returns a SendGrid with the integrations in integrationsFile.
func newSimulator() (*sendgridtest.Server, error) {
	data, err := os.ReadFile(integrationsFile)
	if err != nil {
		return nil, fmt.Errorf("run this at the root of the repository: %w", err)
	}
	var integrations []sendgrid.IntegrationRequest
	if err := json.Unmarshal(data, &integrations); err != nil {
		return nil, fmt.Errorf("%s: %w", integrationsFile, err)
	}
	sg := sendgridtest.New()
	sg.SetKeys(apiKey)
	for _, i := range integrations {
		sg.Add(i)
	}
	return sg, nil
}

// simulated returns the function's handler with a simulated SendGrid made by start, which runs
// until ctx ends, and the simulator. People can log in at the URLs of new integrations.
func simulated(
	ctx context.Context, start func() (*sendgridtest.Server, error), webhookSecret string, logger *slog.Logger,
) (*handler.Handler, *sendgridtest.Server, error) {
	sg, err := start()
	if err != nil {
		return nil, nil, err
	}
	url, err := listenAndServe(ctx, sg)
	if err != nil {
		return nil, nil, err
	}
	sg.SetPublicURL(url)
	client := &sendgrid.Client{Keys: fixedKey(apiKey), BaseURL: url, UserAgent: userAgent}
	h, err := newHandler(client, bundledMetadata{newFetcher()}, webhookSecret, simulatedSettling, logger)
	return h, sg, err
}

// newFetcher returns what gets SAML metadata from the hosts that the function allows by default.
func newFetcher() *saml.Fetcher {
	return &saml.Fetcher{Hosts: saml.DefaultHosts(), UserAgent: userAgent}
}

// newHandler returns the function's handler with its real parts, except the secrets, which
// are given, and the ledger, which is in memory.
func newHandler(client *sendgrid.Client, metadata request.Fetcher, webhookSecret string, settling time.Duration, logger *slog.Logger) (*handler.Handler, error) {
	secrets, err := auth.ParseSecrets(logger)(webhookSecret)
	if err != nil {
		return nil, fmt.Errorf("the webhook secret %w", err)
	}
	client.OnCall = delivery.CountCall
	memory := &ledger.Memory{}
	provisioner := &provision.Provisioner{SendGrid: client, Ledger: memory, Account: []string{client.BaseURL, client.OnBehalfOf}, Settling: settling, Logger: logger}
	return &handler.Handler{
		Auditor:        &audit.Auditor{SendGrid: client, Ledger: memory, Connections: provisioner, SAMLMetadata: metadata, Renews: true, Logger: logger},
		Provisioner:    provisioner,
		SAMLMetadata:   metadata,
		Verifier:       &auth.Verifier{Secrets: fixedSecrets{secrets}, Logger: logger},
		IntegrationURL: client.IntegrationURL,
		Observers:      []handler.Observer{telemetry.Log{Logger: logger}, collector{}},
		Logger:         logger,
	}, nil
}

// fixedKey is an API key that is never rotated.
type fixedKey string

func (k fixedKey) Key(context.Context) (key, version string, err error) { return string(k), "1", nil }

func (k fixedKey) RenewKey(context.Context, string) (key, version string, err error) {
	return string(k), "1", nil
}

// fixedSecrets are webhook secrets that are never rotated.
type fixedSecrets struct{ secrets auth.Secrets }

func (f fixedSecrets) Get(context.Context) (auth.Secrets, string, error) {
	return f.secrets, "1", nil
}

func (f fixedSecrets) Refresh(context.Context, string) (auth.Secrets, string, error) {
	return f.secrets, "1", nil
}
