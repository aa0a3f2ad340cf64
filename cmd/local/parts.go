package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The initial data of the simulator, and the secrets that the samples use. They are valid for
// the simulator only.
const (
	integrationsFile  = "events/local.integrations.json"
	subusersFile      = "events/local.subusers.json"
	teammatesFile     = "events/local.teammates.json"
	webhookSecretFile = "events/local.webhook-secret.json"
	apiKey            = "SG.local-simulator-key"
	userAgent         = "sendgrid-sso-integration/local"
	// simulatedSettling is short, because the simulator shows every write at once.
	simulatedSettling = 100 * time.Millisecond
	// simulatedOwner owns the simulator's account, and may log in with a password.
	simulatedOwner = "owner@example.com"
)

// sampleSecret returns the webhook secret that the samples are made for.
func sampleSecret() (string, error) {
	text, err := os.ReadFile(webhookSecretFile)
	if err != nil {
		return "", fmt.Errorf("run this at the root of the repository: %w", err)
	}
	return string(text), nil
}

// newSimulator returns a SendGrid with the integrations, subusers and teammates in their files.
func newSimulator() (*sendgridtest.Server, error) {
	var (
		integrations []sendgrid.IntegrationRequest
		subusers     []sendgrid.Subuser
		teammates    []sendgrid.Teammate
	)
	err := errors.Join(readJSON(integrationsFile, &integrations), readJSON(subusersFile, &subusers), readJSON(teammatesFile, &teammates))
	if err != nil {
		return nil, err
	}
	sg := sendgridtest.New()
	sg.SetKeys(apiKey)
	for _, i := range integrations {
		sg.Add(i)
	}
	for _, s := range subusers {
		sg.AddSubuser(s)
	}
	for _, t := range teammates {
		sg.AddTeammate(t)
	}
	return sg, nil
}

// readJSON reads a file at the root of the repository.
func readJSON(file string, into any) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("run this at the root of the repository: %w", err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// simulation is the function with a simulated SendGrid, where people can log in at the URLs of new
// integrations.
type simulation struct {
	handler  *handler.Handler
	sendGrid *sendgridtest.Server
	ledger   audit.Ledger
}

// simulated returns a simulation whose SendGrid is made by start, and runs until ctx ends.
func simulated(
	ctx context.Context, start func() (*sendgridtest.Server, error), metadata request.Fetcher, webhookSecret string, logger *slog.Logger,
) (*simulation, error) {
	sg, err := start()
	if err != nil {
		return nil, err
	}
	url, err := listenAndServe(ctx, sg)
	if err != nil {
		return nil, err
	}
	sg.SetPublicURL(url)
	p := parts{
		client: &sendgrid.Client{Keys: fixedKey(apiKey), BaseURL: url, UserAgent: userAgent}, metadata: metadata, ledger: &ledger.Memory{},
		settling: simulatedSettling, teammates: true, breakGlass: []string{simulatedOwner}, logger: logger,
	}
	h, err := p.handler(webhookSecret)
	return &simulation{h, sg, p.ledger}, err
}

// newFetcher returns what gets SAML metadata from the hosts that the function allows by default.
func newFetcher() *saml.Fetcher {
	return &saml.Fetcher{Hosts: saml.DefaultHosts(), UserAgent: userAgent}
}

// parts are the parts of the function's handler that differ between the commands.
type parts struct {
	client   *sendgrid.Client
	metadata request.Fetcher // It may be nil.
	ledger   audit.Ledger
	// settling is that of the function if zero.
	settling time.Duration
	// teammates reports whether teammates are audited, and part of the status. breakGlass are the email addresses, in
	// lower case, of those who may log in with a password.
	teammates  bool
	breakGlass []string
	logger     *slog.Logger
}

// handler returns the function's handler.
func (p parts) handler(webhookSecret string) (*handler.Handler, error) {
	secrets, err := auth.ParseSecrets(p.logger)(webhookSecret)
	if err != nil {
		return nil, fmt.Errorf("the webhook secret %w", err)
	}
	p.client.OnCall = delivery.CountCall
	account := []string{p.client.BaseURL, p.client.OnBehalfOf}
	provisioner := &provision.Provisioner{SendGrid: p.client, Teammates: p.client, Ledger: p.ledger, Account: account, All: p.ledger.All, Settling: p.settling, Logger: p.logger}
	auditor := &audit.Auditor{SendGrid: p.client, Ledger: p.ledger, Connections: provisioner, SAMLMetadata: p.metadata, Renews: true, Logger: p.logger}
	if p.teammates {
		auditor.Teammates, auditor.BreakGlass = p.client, p.breakGlass
	}
	verifier := &auth.Verifier{Secrets: fixedSecrets{secrets}, Logger: p.logger}
	return &handler.Handler{
		Reporter:       p.reporter(func(context.Context) ([]string, error) { return slices.Sorted(maps.Keys(secrets)), nil }),
		Auditor:        auditor,
		Provisioner:    provisioner,
		SAMLMetadata:   p.metadata,
		Verifier:       verifier,
		IntegrationURL: p.client.IntegrationURL,
		TeammateURL:    p.client.TeammateURL,
		Observers:      []handler.Observer{telemetry.Log{Logger: p.logger}, collector{}},
		Logger:         p.logger,
	}, nil
}

// reporter returns what reports the status. schemes is nil if there is no webhook secret.
func (p parts) reporter(schemes func(context.Context) ([]string, error)) *status.Reporter {
	reporter := &status.Reporter{
		Version: "local", Integrations: p.client.ListIntegrations, Entries: p.ledger.All,
		Checks: func(ctx context.Context) []status.Check {
			given := func(context.Context) error { return nil } // There is no secret to read the key from.
			return append(status.Key(ctx, given, p.client.ListScopes, status.Needs(status.Uses{Teammates: p.teammates})),
				status.EventBus(nil), status.EventQueue(nil), status.DeadLetterQueue(nil), status.WebhookSecret(schemes), status.Hosts(saml.DefaultHosts()))
		},
	}
	if p.teammates {
		reporter.Teammates, reporter.BreakGlass = p.client, p.breakGlass
	}
	return reporter
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
