package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// auditWorld is a world with everything that an audit uses.
type auditWorld struct {
	crashWorld
	bus   *lambdatest.EventBus
	queue *sqsQueue
	f     *lambdatest.Function
}

// newAuditWorld starts a function with these variables beside those of its world.
func newAuditWorld(t *testing.T, db dynalite.Server, env map[string]string) auditWorld {
	t.Helper()
	w := auditWorld{crashWorld: newCrashWorld(t, db)}
	w.bus, w.queue = w.withDeadLetters(t)
	w.env["EVENT_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL_SQS"] + "/123456789012/events"
	for name, value := range env {
		w.env[name] = value
	}
	w.f = w.start(t)
	return w
}

// connect sends a request for an integration that has a certificate for so many days, and waits until
// SendGrid surely shows it.
func (w auditWorld) connect(t *testing.T, entityID string, days int) sendgrid.Integration {
	t.Helper()
	made := resultOf(t, w.f.Invoke(encode(t, map[string]any{
		"name": "IdP", "enabled": true, "signin_url": "https://idp.example/sso", "signout_url": "", "entity_id": entityID,
		"completed_integration": true, "public_certificate": certificateFor(days), "metadata": map[string]string{"ticket": "OPS-1"},
	}), timeout).Body)
	require.Equal(t, "created", made.Outcome)
	w.passTime(t)
	return made.Integration
}

// addByHand adds an integration to SendGrid that nobody requested of the function.
func (w *world) addByHand(entityID string) sendgrid.Integration {
	completed := true
	return w.sendGrid.Add(sendgrid.IntegrationRequest{
		Name: "By hand", Enabled: true, SigninURL: "https://idp.example/in", EntityID: entityID, CompletedIntegration: &completed,
	})
}

// certificateFor returns a new certificate that is valid for so many days.
func certificateFor(days int) string {
	_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, days))
	return samltest.PEM(der)
}

// schedule starts an audit with the sample of the schedule, and returns its report and the messages that
// it sent.
func (w auditWorld) schedule(t *testing.T) (report audit.Report, sent []sqsMessage) {
	t.Helper()
	before := len(w.queue.taken())
	response := w.f.Invoke(read(t, "../../events/audit.json"), timeout)
	require.False(t, response.Failed, "%s", response.Body)
	require.NoError(t, json.Unmarshal(response.Body, &report))
	return report, w.queue.taken()[before:]
}

// deliver delivers messages of the event queue, and returns those that are not done.
func (w auditWorld) deliver(t *testing.T, messages []sqsMessage) (failed []string) {
	t.Helper()
	var records []any
	for i, m := range messages {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m-", i), "eventSource": "aws:sqs", "body": m.MessageBody})
	}
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	require.NoError(t, json.Unmarshal(w.f.Invoke(encode(t, map[string]any{"Records": records}), timeout).Body, &response))
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// audit audits all connections, and returns the events that it publishes.
func (w auditWorld) audit(t *testing.T) []lambdatest.Entry {
	t.Helper()
	before := len(w.bus.Taken())
	_, messages := w.schedule(t)
	require.Empty(t, w.deliver(t, messages))
	return w.bus.Taken()[before:]
}

// metrics returns what the invocations reported, the last one last.
func metrics(t *testing.T, f *lambdatest.Function) (blobs []map[string]any) {
	t.Helper()
	for line := range strings.Lines(f.Log()) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["_aws"] != nil {
			blobs = append(blobs, fields)
		}
	}
	return blobs
}

// writes returns how many calls have been sent to SendGrid that change something.
func (w auditWorld) writes() (n int) {
	for _, r := range w.sendGrid.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	return n
}

// namesOf returns the detail types of events, each with the code of its finding.
func namesOf(t *testing.T, entries []lambdatest.Entry) (names []string) {
	t.Helper()
	for _, e := range entries {
		var detail struct{ Code string }
		require.NoError(t, json.Unmarshal([]byte(e.Detail), &detail))
		names = append(names, strings.TrimSpace(e.DetailType+" "+detail.Code))
	}
	return slices.Sorted(slices.Values(names))
}

// The schedule sends a message for each connection into the queue, and each message audits its one, once.
func TestAuditByTheQueue(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), nil)
	w.connect(t, "urn:one", 90)
	w.connect(t, "urn:two", 400)
	w.addByHand("urn:by-hand")

	published := len(w.bus.Taken())
	report, messages := w.schedule(t)
	require.Equal(t, 3, report.Total)
	require.Equal(t, 3, report.Queued)
	require.Empty(t, report.Connections, "they are audited later")
	require.Len(t, messages, 3)
	var about []string
	for i, m := range messages {
		require.Equal(t, w.env["EVENT_QUEUE_URL"], m.QueueURL)
		require.Equal(t, []int{0, 450, 900}[i], m.DelaySeconds, "they are spread")
		task, ok := audit.ParseTask([]byte(m.MessageBody))
		require.True(t, ok, m.MessageBody)
		about = append(about, task.EntityID)
	}
	require.ElementsMatch(t, []string{"urn:one", "urn:two", "urn:by-hand"}, about)
	started := metrics(t, w.f)
	require.EqualValues(t, 1, started[len(started)-1]["AuditsCompleted"])
	require.EqualValues(t, 0, started[len(started)-1]["UnknownOutcomes"])
	require.NotContains(t, started[len(started)-1], "AuditedIntegrations", "they are audited later")

	writes := w.writes()
	require.Empty(t, w.deliver(t, messages))
	require.Equal(t, writes, w.writes(), "an audit without a renewal only reads")
	require.Equal(t, []string{"SSO Integration Finding NoCertificate"}, namesOf(t, w.bus.Taken()[published:]))
	all := metrics(t, w.f)
	found := all[len(all)-1]
	require.EqualValues(t, 3, found["AuditedIntegrations"])
	require.EqualValues(t, 1, found["CertificateFindings"], "an enabled one has none")
	require.EqualValues(t, 89, found["CertificateDaysLeft"])
	require.EqualValues(t, 0, found["Findings"], "the certificates have a metric of their own")

	require.Equal(t, 3, w.sendGrid.Count(sendgrid.OpListCertificates))
	require.Empty(t, w.deliver(t, messages), "delivered twice")
	require.Equal(t, 3, w.sendGrid.Count(sendgrid.OpListCertificates), "they are audited already")
	require.Len(t, w.bus.Taken(), published+1)
	require.NotContains(t, w.f.Log(), apiKey)
}

// What somebody changed in SendGrid is published once, and stays a finding while it lasts.
func TestAuditNoticesEdits(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), nil)
	i := w.connect(t, "urn:idp", 90)
	require.Empty(t, w.audit(t))

	w.sendGrid.Edit(i.ID, func(i *sendgrid.Integration) { i.SigninURL = "https://elsewhere.example/sso" })
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{IntegrationID: i.ID, Enabled: true, PublicCertificate: certificateFor(90)})
	entries := w.audit(t)
	require.Equal(t, []string{"SSO Integration Drifted Drifted", "SSO Integration Finding UnknownCertificate"}, namesOf(t, entries))
	for _, e := range entries {
		require.Equal(t, "results", e.EventBusName)
		require.Equal(t, "sendgrid.sso", e.Source)
		require.Contains(t, e.Detail, `"metadata":{"ticket":"OPS-1"}`, "those of the request that is kept")
		require.Contains(t, e.Detail, `"id":"`+i.ID+`"`)
	}
	require.Contains(t, entries[0].Detail, `"changes":[{"field":"signin_url","from":"https://idp.example/sso","to":"https://elsewhere.example/sso"}]`)

	writes := w.writes()
	require.Empty(t, w.audit(t), "it was published before")
	all := metrics(t, w.f)
	require.EqualValues(t, 2, all[len(all)-1]["Findings"], "it is still so")
	require.Equal(t, writes, w.writes(), "nothing is corrected on its own")
}

// Without the event bus nothing is done: the message comes again, and the finding is still new.
func TestAuditRepeatsWhatWasNotPublished(t *testing.T) {
	t.Parallel()
	w := newAuditWorld(t, dynalite.Start(t), nil)
	w.connect(t, "urn:idp", 9)
	_, messages := w.schedule(t)
	before := len(w.bus.Taken())

	w.bus.Refuse("NotAuthorizedForDetailTypeException")
	require.Equal(t, []string{"m-0"}, w.deliver(t, messages))
	require.Empty(t, w.deliver(t, messages))
	entries := w.bus.Taken()[before:]
	require.Equal(t, []string{"SSO Certificate Expiring"}, namesOf(t, entries))
	require.Contains(t, entries[0].Detail, `"days_left":8`)
}

// With AUDIT_MODE=report the audit finds what it finds otherwise.
func TestAuditMode(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	for _, mode := range []string{"renew", "report"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newAuditWorld(t, db, map[string]string{"AUDIT_MODE": mode})
			i := w.connect(t, "urn:idp", 90)
			w.sendGrid.Edit(i.ID, func(i *sendgrid.Integration) { i.Name = "Another" })
			// The host is not allowed, so that no network is needed to see whether it is asked.
			w.rekeep(t, func(kept map[string]any) {
				kept["source"] = map[string]any{"url": "https://idp.example/metadata", "given": []string{"name", "enabled"}}
				kept["unread_since"] = time.Now().AddDate(0, 0, -4)
			})
			writes := w.writes()
			require.Equal(t, []string{"SSO Integration Drifted Drifted", "SSO Integration Finding MetadataUnavailable"}, namesOf(t, w.audit(t)))
			require.Equal(t, writes, w.writes())
		})
	}
}

// rekeep changes the request that the ledger keeps.
func (w auditWorld) rekeep(t *testing.T, change func(kept map[string]any)) {
	t.Helper()
	client := w.db.Client()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(w.table)})
	require.NoError(t, err)
	require.Len(t, out.Items, 1)
	item := out.Items[0]
	var kept map[string]any
	require.NoError(t, json.Unmarshal([]byte(item["kept"].(*types.AttributeValueMemberS).Value), &kept))
	change(kept)
	item["kept"] = &types.AttributeValueMemberS{Value: string(encode(t, kept))}
	_, err = client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.table), Item: item})
	require.NoError(t, err)
}

// Without a queue the schedule audits the connections itself: its report has them, and its events are
// part of its success.
func TestAuditWithoutAQueue(t *testing.T) {
	t.Parallel()
	w, bus := newWorld(t), &lambdatest.EventBus{}
	bus.Refuse("NotAuthorizedForDetailTypeException")
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", lambdatest.Serve(t, bus)
	i := w.addByHand("urn:idp")
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{IntegrationID: i.ID, Enabled: true, PublicCertificate: certificateFor(9)})
	f, event := w.start(t), read(t, "../../events/audit.json")

	require.Equal(t, "EventBusUnavailable", f.Invoke(event, timeout).ErrorType())
	response := f.Invoke(event, timeout)
	require.False(t, response.Failed, "%s", response.Body)
	var report audit.Report
	require.NoError(t, json.Unmarshal(response.Body, &report))
	require.Len(t, report.Connections, 1)
	require.Equal(t, i.ID, report.Connections[0].IntegrationID)
	require.Equal(t, audit.Unmanaged, report.Connections[0].State)

	require.Equal(t, []string{"SSO Certificate Expiring"}, namesOf(t, bus.Taken()))
	require.Contains(t, bus.Taken()[0].Detail, `"days_left":8,"integration":{"id":"`+i.ID+`"`)
	all := metrics(t, f)
	require.EqualValues(t, 0, all[0]["AuditsCompleted"])
	require.EqualValues(t, 1, all[1]["AuditsCompleted"])
	require.EqualValues(t, 8, all[1]["CertificateDaysLeft"])
	require.NotContains(t, f.Log()+string(response.Body)+bus.Taken()[0].Detail, apiKey)
}
