package main_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// gate stands before an endpoint and holds back one request: before it is passed on, or
// its answer after it was.
type gate struct {
	next    http.Handler
	matches func(*http.Request) bool
	passed  bool

	once    sync.Once
	reached chan struct{}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !g.matches(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	// Only once the body is read does the server notice that the caller is gone.
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	if g.passed {
		g.next.ServeHTTP(discard{http.Header{}}, r.Clone(r.Context()))
	}
	g.once.Do(func() { close(g.reached) })
	<-r.Context().Done() // The caller is killed.
}

// discard is where an answer goes that nobody gets.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// nth matches the n-th request, counted from 1, that the filter lets through.
func nth(n int, filter func(*http.Request) bool) func(*http.Request) bool {
	var mu sync.Mutex
	return func(r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if !filter(r) {
			return false
		}
		n--
		return n == 0
	}
}

func dynamoAction(action string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Header.Get("X-Amz-Target") == "DynamoDB_20120810."+action }
}

func method(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.Method == name }
}

// A process that is killed at any step leaves nothing behind that a redelivery does not
// mend, and no redelivery makes a second integration.
func TestKilledProcessIsRecovered(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	endpoint, err := url.Parse(db.Endpoint)
	require.NoError(t, err)
	const ledger, sendGrid = "ledger", "SendGrid"
	write := dynamoAction("PutItem")
	event := requestWithCertificate(t, "urn:killed")

	for name, step := range map[string]struct {
		place   string
		matches func(*http.Request) bool
		passed  bool
	}{
		"before the entry is taken":         {ledger, nth(1, write), false},
		"after the entry is taken":          {ledger, nth(1, write), true},
		"while listing":                     {sendGrid, nth(1, method(http.MethodGet)), false},
		"before a create is announced":      {ledger, nth(2, write), false},
		"after a create is announced":       {ledger, nth(2, write), true},
		"before SendGrid creates":           {sendGrid, nth(1, method(http.MethodPost)), false},
		"after SendGrid created":            {sendGrid, nth(1, method(http.MethodPost)), true},
		"before a certificate is announced": {ledger, nth(3, write), false},
		"after a certificate is announced":  {ledger, nth(3, write), true},
		"before SendGrid adds it":           {sendGrid, nth(2, method(http.MethodPost)), false},
		"after SendGrid added it":           {sendGrid, nth(2, method(http.MethodPost)), true},
		"before completion is recorded":     {ledger, nth(4, write), false},
		"after completion is recorded":      {ledger, nth(4, write), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			table := strconv.FormatInt(time.Now().UnixNano(), 36)
			db.CreateTable(t, table)
			w.env["LEDGER_TABLE"] = table
			w.env["AWS_ENDPOINT_URL_DYNAMODB"] = db.Endpoint

			g := &gate{matches: step.matches, passed: step.passed, reached: make(chan struct{})}
			dying := w.clone()
			if step.place == ledger {
				g.next = httputil.NewSingleHostReverseProxy(endpoint)
				dying.env["AWS_ENDPOINT_URL_DYNAMODB"] = serve(t, g)
			} else {
				g.next = w.sendGrid
				dying.env["SENDGRID_BASE_URL"] = serve(t, g)
			}

			f := dying.start(t)
			f.send(event, timeout)
			<-g.reached
			require.NoError(t, f.process.Process.Kill())
			<-f.exited

			// The base URL is part of an entry's key, so the next process has the same.
			if step.place == sendGrid {
				w.env["SENDGRID_BASE_URL"] = dying.env["SENDGRID_BASE_URL"]
			}
			second := w.start(t)
			early := second.invoke(event, 3*time.Second)
			if early.failed {
				require.Contains(t, []string{"InProgress", "OutcomeUnknown", "LedgerUnavailable"}, early.errorType(t)) // The last if dynalite is slow.
			}
			require.LessOrEqual(t, len(w.sendGrid.Integrations()), 1)

			var late reply
			for range 3 { // What was announced and is not there is looked for once more before it is sent again.
				endLeases(t, db, table)
				if late = second.invoke(event, timeout); !late.failed {
					break
				}
				require.Equal(t, "OutcomeUnknown", late.errorType(t))
			}
			require.Len(t, w.sendGrid.Integrations(), 1)
			id := w.sendGrid.Integrations()[0].ID
			require.Equal(t, id, resultOf(t, late.body).Integration.ID)
			require.Len(t, w.sendGrid.Certificates(id), 1)
			require.LessOrEqual(t, w.sendGrid.Count(sendgrid.OpCreateIntegration), 1)
			require.LessOrEqual(t, w.sendGrid.Count(sendgrid.OpCreateCertificate), 1)
		})
	}
}

// requestWithCertificate is a request whose integration gets a certificate.
func requestWithCertificate(t *testing.T, entityID string) []byte {
	t.Helper()
	_, der := samltest.NewKeyPair("idp.example.com", time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	var fields map[string]any
	require.NoError(t, json.Unmarshal(request(entityID), &fields))
	fields["public_certificate"] = samltest.PEM(der)
	event, err := json.Marshal(fields)
	require.NoError(t, err)
	return event
}

// endLeases lets the leases of all entries end, as if the time had passed.
func endLeases(t *testing.T, db dynalite.Server, table string) {
	t.Helper()
	client := db.Client()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(table)})
	require.NoError(t, err)
	for _, item := range out.Items {
		item["lease"] = &types.AttributeValueMemberN{Value: "1"}
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(table), Item: item})
		require.NoError(t, err)
	}
}
