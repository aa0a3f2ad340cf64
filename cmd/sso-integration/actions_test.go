package main_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"net/http"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// calledActions returns the actions of AWS that the function calls. It has everything that it can
// be configured with, and gets every sample of an event, a message that it can only reject, and a
// certificate that expires. A test that makes it call another action belongs here.
func calledActions(t *testing.T) []string {
	t.Helper()
	w, queue := newWorld(t), &sqsQueue{}
	services := &lambdatest.AWS{Services: map[string]http.Handler{
		"secretsmanager": w.secrets, "events": &lambdatest.EventBus{}, "sqs": queue, "dynamodb": &dynamotest.Server{},
	}}
	delete(w.env, "AWS_ENDPOINT_URL_SECRETS_MANAGER")
	w.env["AWS_ENDPOINT_URL"] = serve(t, services)
	w.env["EVENT_BUS_NAME"], w.env["LEDGER_TABLE"] = "results", "ledger"
	w.env["DEAD_LETTER_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL"] + "/123456789012/dead-letters"
	w.env["EVENT_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL"] + "/123456789012/events"

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{
		IntegrationID:     w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Okta", Enabled: true, SigninURL: "https://idp.example/in", EntityID: "urn:expiring"}).ID,
		PublicCertificate: samltest.PEM(samltest.NewCertificate(key, "idp", now.Add(-time.Hour), now.Add(9*24*time.Hour))),
	})
	f := w.start(t)
	accepted, err := filepath.Glob("../../events/*.json")
	require.NoError(t, err)
	refused, err := filepath.Glob("../../events/refused/*.json")
	require.NoError(t, err)
	for _, file := range slices.Concat(accepted, refused) {
		if payload := read(t, file); !bytes.Contains(payload, []byte("saml_metadata_url")) { // That needs the network.
			require.NotEmpty(t, f.Invoke(payload, timeout).Body, file)
		}
	}
	f.Invoke(encode(t, map[string]any{"Records": []any{map[string]any{"messageId": "bad", "eventSource": "aws:sqs", "body": "{}"}}}), timeout)
	require.NotEmpty(t, queue.taken())
	callForAudit(t, w.env)
	return services.Actions()
}

// callForAudit makes the calls with which an audit reads the ledger and sends its messages.
func callForAudit(t *testing.T, env map[string]string) {
	t.Helper()
	cfg := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]), Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	}
	table := &ledger.Dynamo{API: dynamodb.NewFromConfig(cfg), Table: env["LEDGER_TABLE"]}
	for _, err := range table.All(t.Context()) {
		require.NoError(t, err)
	}
	queue := &eventqueue.Queue{API: func() eventqueue.API { return sqs.NewFromConfig(cfg) }, URL: env["EVENT_QUEUE_URL"]}
	require.NoError(t, queue.Send(t.Context(), []string{"{}"}, 0))
}
