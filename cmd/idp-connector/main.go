// Command idp-connector is a Lambda function beside the SendGrid SSO integration function: it
// turns applications of an identity provider into requests, and puts SendGrid's URLs into them.
package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"sendgrid-sso-integration/internal/awsconfig"
	"sendgrid-sso-integration/internal/connector"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
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
	client := &okta.Client{
		OrgURL: cfg.orgURL,
		Credentials: secret.NewCache(secretsmanager.NewFromConfig(aws), cfg.credentialSecretID, okta.ParseCredential,
			secret.Options{TTL: credentialTTL, Logger: logger}),
		UserAgent: "sendgrid-sso-idp-connector/" + version,
		HTTP:      idp.NewHTTPClient(),
		OnCall:    connector.CountCall,
	}
	c := &connector.Connector{
		Providers: []connector.Provider{&oktaadapter.Provider{API: client, NamePrefix: cfg.namePrefix}},
		Bus: &connector.EventBus{
			API: eventbridge.NewFromConfig(aws), Name: cfg.eventBusName, Source: cfg.eventSource, DetailType: cfg.eventDetailType,
		},
		SendGridRoots: cfg.sendGridRoots,
		Metrics:       &connector.Metrics{Out: os.Stdout, FunctionName: lambdacontext.FunctionName},
		Logger:        logger,
	}
	prefetch(ctx, client, logger)
	return c, nil
}

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
