package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// The sample of the schedule starts an audit: its report is the answer, and its events are
// part of its success.
func TestAudit(t *testing.T) {
	t.Parallel()
	w, bus := newWorld(t), &lambdatest.EventBus{}
	bus.Refuse("NotAuthorizedForDetailTypeException")
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", serve(t, bus)
	i := w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Okta", Enabled: true, SigninURL: "https://idp.example/in", EntityID: "urn:idp"})
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Now()
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{
		IntegrationID: i.ID, Enabled: true, PublicCertificate: samltest.PEM(samltest.NewCertificate(key, "idp", now.Add(-time.Hour), now.Add(9*24*time.Hour))),
	})
	f, event := w.start(t), read(t, "../../events/audit.json")

	require.Equal(t, "EventBusUnavailable", f.Invoke(event, timeout).ErrorType())
	answer := f.Invoke(event, timeout)
	require.False(t, answer.Failed, "%s", answer.Body)
	var report audit.Report
	require.NoError(t, json.Unmarshal(answer.Body, &report))
	require.Equal(t, 1, report.Summary.Expiring)
	require.Equal(t, i.ID, report.Integrations[0].ID)

	require.Len(t, bus.Taken(), 1)
	require.Equal(t, "SSO Certificate Expiring", bus.Taken()[0].DetailType)
	require.Contains(t, bus.Taken()[0].Detail, `"days_left":8,"integration":{"id":"`+i.ID+`"`)
	logs := f.Log()
	require.Equal(t, 1, strings.Count(logs, `"AuditsFailed":1`))
	require.Equal(t, 1, strings.Count(logs, `"CertificateDaysLeft":8`))
	require.NotContains(t, logs+string(answer.Body)+bus.Taken()[0].Detail, apiKey)
}
