// Command idp-connector is a Lambda function next to the SendGrid SSO integration function: it
// turns applications of an identity provider, and the people who are assigned to them, into
// requests, and puts SendGrid's URLs into the applications.
package main

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"sendgrid-sso-integration/internal/awsconfig"
	"sendgrid-sso-integration/internal/connector"
	entraadapter "sendgrid-sso-integration/internal/connector/entra"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/function"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
	"sendgrid-sso-integration/internal/secret"
)

// version is that of the file VERSION, set by the linker.
var version = "dev"

func main() {
	if err := function.Start(version, os.Getenv, build); err != nil {
		os.Exit(1)
	}
}

// client is the API client of an identity provider.
type client interface {
	// Connect does before the first call what takes the longest in it.
	Connect(context.Context) error
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
	c := &connector.Connector{
		Bus: &connector.EventBus{
			API: eventbridge.NewFromConfig(aws), Name: cfg.eventBusName, Source: cfg.eventSource, DetailType: cfg.eventDetailType,
		},
		SendGridRoots: cfg.sendGridRoots,
		Metrics:       &connector.Metrics{Out: os.Stdout, FunctionName: lambdacontext.FunctionName},
		Logger:        logger,
	}
	var clients []client
	if cfg.okta != nil {
		api := newOkta(aws, *cfg.okta, logger)
		clients = append(clients, api)
		c.Providers = append(c.Providers, &oktaadapter.Provider{API: api, NamePrefix: cfg.okta.namePrefix, Persona: cfg.okta.persona})
	}
	if cfg.entra != nil {
		api := newEntra(aws, *cfg.entra, logger)
		clients = append(clients, api)
		c.Providers = append(c.Providers, &entraadapter.Provider{API: api, ApplicationIDs: cfg.entra.applicationIDs})
	}
	prefetch(ctx, clients, logger)
	return c, nil
}

const userAgent = "sendgrid-sso-idp-connector/"

func newOkta(aws aws.Config, cfg oktaConfig, logger *slog.Logger) *okta.Client {
	return &okta.Client{
		OrgURL:      cfg.orgURL,
		Credentials: secret.NewCache(secretsmanager.NewFromConfig(aws), cfg.credentialSecretID, okta.ParseCredential, secretOptions(logger)),
		ReadsUsers:  cfg.persona != "",
		UserAgent:   userAgent + version,
		HTTP:        idp.NewHTTPClient(),
		OnCall:      connector.CountCall,
	}
}

func newEntra(aws aws.Config, cfg entraConfig, logger *slog.Logger) *entra.Client {
	var credentials entra.CredentialSource
	if cfg.credentialSecretID != "" {
		credentials = secret.NewCache(secretsmanager.NewFromConfig(aws), cfg.credentialSecretID, entra.ParseCredential, secretOptions(logger))
	} else {
		credentials = &entra.Identity{STS: sts.NewFromConfig(aws)}
	}
	return &entra.Client{
		LoginURL: cfg.loginURL, GraphURL: cfg.graphURL, TenantID: cfg.tenantID, ClientID: cfg.clientID,
		Credentials: credentials,
		UserAgent:   userAgent + version,
		HTTP:        idp.NewHTTPClient(),
		OnCall:      connector.CountCall,
	}
}

const (
	// prefetchTimeout bounds the prefetch; Lambda allows ten seconds for the whole start.
	prefetchTimeout = 4 * time.Second
	// credentialTTL is how long a credential is cached. One that is refused is read again at once.
	credentialTTL = 5 * time.Minute
)

func secretOptions(logger *slog.Logger) secret.Options {
	return secret.Options{TTL: credentialTTL, Logger: logger}
}

// prefetch connects to the identity providers and gets the credentials ready while the function
// starts. A failure is no reason not to start: the first event tries again.
func prefetch(ctx context.Context, clients []client, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, prefetchTimeout)
	defer cancel()
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() {
			if err := c.Connect(ctx); err != nil {
				logger.WarnContext(ctx, "an identity provider could not be prepared for in advance; the first event tries again", slog.Any("error", err))
			}
		})
	}
	all.Wait()
}
