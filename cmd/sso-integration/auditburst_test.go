//go:build burst

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The measures of the audit of many connections, and what it may cost.
const (
	auditedConnections = 500
	auditProcesses     = 2 // MaximumConcurrency of the template
	auditRead          = 150 * time.Millisecond
	auditLedger        = 5 * time.Millisecond
	auditPage          = 50 * time.Millisecond
	auditQueue         = 15 * time.Millisecond
	maxAuditRatio      = 1.2
	maxAuditCalls      = 2.0 // a connection
	maxAuditGrowth     = 1.1 // of the memory, from the first hundred connections to the last
)

// manyWorld is a world with many managed connections, which it makes without calls.
type manyWorld struct {
	*world
	// short makes everything of an integration short, so that more of them fit into a list.
	short  bool
	sqs    *sqsQueue
	ledger *countedLedger
	store  *ledger.Dynamo
}

func newManyWorld(t *testing.T) *manyWorld {
	t.Helper()
	w := &manyWorld{world: newWorld(t), sqs: &sqsQueue{}, ledger: &countedLedger{calls: map[string]int{}}}
	w.env["EVENT_BUS_NAME"], w.env["AWS_ENDPOINT_URL_EVENTBRIDGE"] = "results", lambdatest.Serve(t, &lambdatest.EventBus{})
	w.env["AWS_ENDPOINT_URL_SQS"] = lambdatest.Serve(t, after(auditQueue, w.sqs))
	w.env["EVENT_QUEUE_URL"] = w.env["AWS_ENDPOINT_URL_SQS"] + "/123456789012/events"
	w.env["LEDGER_TABLE"], w.env["AWS_ENDPOINT_URL_DYNAMODB"] = "many", lambdatest.Serve(t, w.ledger)
	w.store = &ledger.Dynamo{API: dynalite.Server{Endpoint: lambdatest.Serve(t, &w.ledger.Server)}.Client(), Table: "many"}
	return w
}

// after responds as a service that takes so long.
func after(delay time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(delay)
		next.ServeHTTP(w, r)
	})
}

// countedLedger is a DynamoDB that takes its time, and counts the calls by action, and the writes that it refused.
type countedLedger struct {
	dynamotest.Server

	mu    sync.Mutex
	calls map[string]int
	// size is that of the last item that was written.
	size int
}

func (l *countedLedger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	delay := auditLedger
	if action == "Scan" {
		delay = auditPage
	}
	time.Sleep(delay)
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	response := &statusOf{ResponseWriter: w}
	l.Server.ServeHTTP(response, r)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[action]++
	var in struct{ Item map[string]any }
	switch {
	case response.status != http.StatusOK:
		l.calls["refused "+action]++
	case action == "PutItem" && json.Unmarshal(body, &in) == nil:
		l.size = itemSize(in.Item)
	}
}

// statusOf remembers the status of a response.
type statusOf struct {
	http.ResponseWriter
	status int
}

func (s *statusOf) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// itemSize returns about what DynamoDB counts of an item: names, and values without their types.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func itemSize(value any) (size int) {
	switch value := value.(type) {
	case string:
		return len(value)
	case []any:
		for _, each := range value {
			size += 1 + itemSize(each)
		}
		return size + 3
	case map[string]any:
		for name, each := range value {
			switch name {
			case "S", "N", "L", "M", "BOOL":
				return itemSize(each)
			}
			size += len(name) + itemSize(each)
		}
		return size
	default:
		return 1
	}
}

// entity returns the entity id of a connection, as long as Okta's are.
func (w *manyWorld) entity(i int) string {
	if w.short {
		return fmt.Sprintf("urn:%07d", i)
	}
	return fmt.Sprintf("http://www.okta.com/exk1fcia6d6EM%07d", i)
}

func (w *manyWorld) key(i int) string {
	return protocol.NewEntry([]string{w.env["SENDGRID_BASE_URL"], ""}, w.entity(i)).Key
}

// integration returns an integration as Okta's customers have it.
func (w *manyWorld) integration(i int) sendgrid.IntegrationRequest {
	completed := true
	out := sendgrid.IntegrationRequest{Name: "Example (production)", Enabled: true, EntityID: w.entity(i), CompletedIntegration: &completed}
	out.SigninURL, out.SignoutURL = "https://example.okta.com/app/sendgrid/exk1fcia6d6EMsf331d8/sso/saml", "https://example.okta.com/login/signout"
	if w.short {
		out.Name, out.SigninURL, out.SignoutURL = "1", "https://a.example", ""
	}
	return out
}

// manage makes connections that were requested long ago: the first one by a request, and the others as it left it.
func (w *manyWorld) manage(t *testing.T, f *lambdatest.Function, count int) {
	t.Helper()
	pem := certificateFor(365)
	first := w.integration(0)
	made := resultOf(t, f.Invoke(encode(t, map[string]any{
		"name": first.Name, "enabled": true, "signin_url": first.SigninURL, "signout_url": first.SignoutURL, "entity_id": first.EntityID, "completed_integration": true,
		"public_certificate": pem, "metadata": map[string]string{"okta_app": "0oa1fcia6d6EMsf331d8", "ticket": "OPS-1202"},
	}), timeout).Body)
	require.Equal(t, "created", made.Outcome)
	e, err := w.store.Get(t.Context(), w.key(0))
	require.NoError(t, err)
	require.True(t, e.Managed())
	e.Lease, e.Settles, e.Stale = time.Time{}, time.Time{}, time.Time{}
	for i := range count {
		one := e
		one.Revision = e.Revision + 1
		if i > 0 {
			id := w.sendGrid.Add(w.integration(i)).ID
			w.sendGrid.AddCertificate(sendgrid.CertificateRequest{IntegrationID: id, Enabled: true, PublicCertificate: pem})
			renamed := func(text string) string { return strings.ReplaceAll(text, w.entity(0), w.entity(i)) }
			one.Key, one.EntityID, one.IntegrationID, one.Revision = w.key(i), w.entity(i), id, 1
			one.Kept, one.Baseline = renamed(e.Kept), renamed(e.Baseline)
		}
		_, stored, err := w.store.Put(t.Context(), one)
		require.NoError(t, err)
		require.True(t, stored)
	}
}

// resident returns the memory that the process of a function has now, in MiB.
func resident(t *testing.T, f *lambdatest.Function) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.Process().Pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return float64(kilobytes) / 1024
}

// TestAuditBurst audits managed connections in batches, as fast as two processes of the real function take them, with
// a SendGrid that takes its time and has a rate limit for all calls together.
func TestAuditBurst(t *testing.T) {
	w := newManyWorld(t)
	var functions []*lambdatest.Function
	for range auditProcesses {
		functions = append(functions, w.start(t))
	}
	w.manage(t, functions[0], auditedConnections)
	w.sendGrid.ShareRateLimit(true)
	w.sendGrid.SetRateLimit(burstRate, time.Second)
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpListCertificates} {
		w.sendGrid.Script(sendgridtest.Fault{Op: op, Delay: auditRead, Times: -1})
	}
	calls, before := len(w.sendGrid.Requests()), w.ledger.taken()
	began := time.Now()
	s := newBurst(auditedConnections, func(i int) string {
		return string(encode(t, map[string]audit.Task{"audit": {EntityID: w.entity(i), Began: began}}))
	})
	var early, late float64 // MiB, of the larger process.
	s.reached = func(done int, f *lambdatest.Function) {
		switch now := resident(t, f); {
		case done <= auditedConnections/5:
			early = max(early, now)
		case done > auditedConnections*4/5:
			late = max(late, now)
		}
	}
	took := s.run(t, functions)

	refused, sent := 0, w.sendGrid.Requests()[calls:]
	for _, r := range sent {
		if r.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	bound := time.Duration(auditedConnections+auditedConnections/burstBatch) * time.Second / burstRate
	perConnection := float64(len(sent)) / auditedConnections
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "connections\tprocesses\ttime\tbound\tratio\tcalls/connection\trefused\tretries\tMiB early\tMiB late\t")
	fmt.Fprintf(table, "%d\t%d\t%.2fs\t%.2fs\t%.2f\t%.2f\t%d\t%d\t%.1f\t%.1f\t\n", auditedConnections, auditProcesses,
		took.Seconds(), bound.Seconds(), took.Seconds()/bound.Seconds(), perConnection, refused, s.redelivers, early, late)
	_ = table.Flush()
	logged := 0
	for _, f := range functions {
		logged += len(f.Log())
	}
	fmt.Fprintf(os.Stdout, "for a connection: calls to the ledger %v, an entry of %d bytes, %d bytes of log\n", w.ledger.since(before), w.ledger.size, logged/auditedConnections)
	for i := range auditedConnections {
		e, err := w.store.Get(t.Context(), w.key(i))
		require.NoError(t, err)
		require.Equal(t, began.UnixMilli(), e.Audited.UnixMilli())
		require.Empty(t, audit.Stored(e.Findings))
	}
	require.LessOrEqual(t, took.Seconds()/bound.Seconds(), maxAuditRatio, "the time, in bounds")
	require.LessOrEqual(t, perConnection, maxAuditCalls)
	require.LessOrEqual(t, late/early, maxAuditGrowth, "the memory grows")
}

func (l *countedLedger) taken() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	copied := map[string]int{}
	for action, n := range l.calls {
		copied[action] = n
	}
	return copied
}

// since returns the calls since then, for each connection of the burst.
func (l *countedLedger) since(before map[string]int) map[string]float64 {
	each := map[string]float64{}
	for action, n := range l.taken() {
		if n -= before[action]; n > 0 {
			each[action] = float64(n) / auditedConnections
		}
	}
	return each
}

// auditStart is the measurement of how an audit starts, and of the audits after it.
type auditStart struct {
	connections           int
	short                 bool
	listed                int // bytes
	took, one, ten        time.Duration
	pages                 int
	idle, started, audits float64 // MiB
}

// TestAuditStart starts audits of more and more connections, up to the longest list that the client reads.
func TestAuditStart(t *testing.T) {
	const maxList = 4 << 20 // of the client
	w := newManyWorld(t)
	listed := len(encode(t, w.sendGrid.Add(w.integration(0)))) + len(",")
	most := (maxList - len("[]") + len(",")) / listed
	all := []auditStart{{connections: 10}, {connections: 1000}, {connections: most}, {connections: 10_000, short: true}}
	for at := range all {
		t.Run(strconv.Itoa(all[at].connections), all[at].run)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(os.Stdout, "an integration has %d bytes in the list, so that %d are the most\n", listed, most)
	fmt.Fprintln(table, "connections\tlist KiB\tstart\tpages\tone audit\tten\tMiB idle\tMiB start\tMiB audits\t")
	for _, s := range all {
		fmt.Fprintf(table, "%d\t%d\t%.2fs\t%d\t%.2fs\t%.2fs\t%.1f\t%.1f\t%.1f\t\n",
			s.connections, s.listed>>10, s.took.Seconds(), s.pages, s.one.Seconds(), s.ten.Seconds(), s.idle, s.started, s.audits)
	}
	_ = table.Flush()
	for _, s := range all {
		require.Less(t, s.took, burstTimeout/2)
		require.Less(t, max(s.started, s.audits), float64(maxPeak))
	}

	for i := range most { // One is there.
		w.sendGrid.Add(w.integration(i + 1))
	}
	f := w.start(t)
	require.Equal(t, "SendGridUnavailable", f.Invoke(read(t, "../../events/audit.json"), burstTimeout).ErrorType(), "one more is too many")
	require.Equal(t, "SendGridUnavailable", f.Invoke(requestFor("urn:another"), burstTimeout).ErrorType(), "also for requests")
}

func (s *auditStart) run(t *testing.T) {
	w := newManyWorld(t)
	if w.short = s.short; s.short { // With SendGrid's own URLs so many do not fit.
		w.sendGrid.SetPublicURL("https://x")
	}
	seeder := w.start(t)
	w.manage(t, seeder, s.connections)
	seeder.Kill()
	for _, op := range []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpListCertificates} {
		w.sendGrid.Script(sendgridtest.Fault{Op: op, Delay: auditRead, Times: -1})
	}
	s.listed = len(encode(t, w.sendGrid.Integrations()))

	starting := w.start(t)
	s.idle = peak(t, starting)
	before, sent := w.ledger.taken(), time.Now()
	reply := starting.Invoke(read(t, "../../events/audit.json"), burstTimeout)
	s.took, s.started, s.pages = reply.At.Sub(sent), peak(t, starting), w.ledger.taken()["Scan"]-before["Scan"]
	var report audit.Report
	require.NoError(t, json.Unmarshal(reply.Body, &report), "%s", reply.Body)
	require.Equal(t, s.connections, report.Queued, "%s", reply.Body)

	auditing, messages := w.start(t), w.sqs.taken() // Another process, so that its peak is that of the audits.
	require.Len(t, messages, s.connections)
	audits := func(messages []sqsMessage) time.Duration {
		var batch events.SQSEvent
		for i, m := range messages {
			batch.Records = append(batch.Records, events.SQSMessage{MessageId: strconv.Itoa(i), EventSource: "aws:sqs", Body: m.MessageBody})
		}
		sent := time.Now()
		reply := auditing.Invoke(encode(t, batch), burstTimeout)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(reply.Body))
		return reply.At.Sub(sent)
	}
	audits(messages[:1]) // The first one connects.
	s.one, s.ten = audits(messages[1:2]), audits(messages[len(messages)-burstBatch:])
	s.audits = peak(t, auditing)
}
