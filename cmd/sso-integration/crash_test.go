package main_test

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The steps of a request at which its process is killed.
var (
	taken        = stores("free", true)
	retaken      = stores("completed", true)
	creating     = stores("creating", true)
	adding       = stores("adding", true)
	pending      = stores("pending", true)
	completed    = stores("completed", false)
	unknown      = stores("unknown", false)
	list         = callOf(http.MethodGet, "/v3/sso/integrations")
	create       = callOf(http.MethodPost, "/v3/sso/integrations")
	update       = callOf(http.MethodPatch, "")
	certificates = callOf(http.MethodGet, "/certificates")
	certify      = callOf(http.MethodPost, "/certificates")
)

// kill is a request whose process is killed at a step, and that of each redelivery at the
// next one.
type kill struct {
	at []step
	// fault is what SendGrid does at first.
	fault sendgridtest.Fault
	// responses are those to the redeliveries after that: at once, and then after each end of
	// the leases and settling periods.
	responses []string
}

func killed(at step, responses ...string) kill { return kill{at: []step{at}, responses: responses} }

// createKills kill a create of an integration with one certificate. Where a write was
// announced that shows nothing, one more settling period passes before it is sent again.
func createKills() map[string]kill {
	noCreate := sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Status: http.StatusGatewayTimeout}
	return map[string]kill{
		"before the entry is taken":            killed(taken, "created", "unchanged"),
		"after the entry is taken":             killed(taken.done(), "InProgress", "created", "unchanged"),
		"before the list":                      killed(list, "InProgress", "created", "unchanged"),
		"after the list":                       killed(list.done(), "InProgress", "created", "unchanged"),
		"before creating is stored":            killed(creating, "InProgress", "created", "unchanged"),
		"after creating is stored":             killed(creating.done(), "InProgress", "OutcomeUnknown", "created", "unchanged"),
		"before SendGrid creates":              killed(create, "InProgress", "OutcomeUnknown", "created", "unchanged"),
		"after SendGrid created":               killed(create.done(), "InProgress", "created", "unchanged"),
		"before adding is stored":              killed(adding, "InProgress", "created", "unchanged"),
		"after adding is stored":               killed(adding.done(), "InProgress", "OutcomeUnknown", "created", "unchanged"),
		"before SendGrid adds the certificate": killed(certify, "InProgress", "OutcomeUnknown", "created", "unchanged"),
		"after SendGrid added the certificate": killed(certify.done(), "InProgress", "created", "unchanged"),
		"before completed is stored":           killed(completed, "InProgress", "created", "unchanged"),
		"after completed is stored":            killed(completed.done(), "unchanged", "unchanged"),

		"before unknown is stored": {at: []step{unknown}, fault: noCreate, responses: []string{"InProgress", "OutcomeUnknown", "created", "unchanged"}},
		"after unknown is stored":  {at: []step{unknown.done()}, fault: noCreate, responses: []string{"OutcomeUnknown", "OutcomeUnknown", "created", "unchanged"}},

		"before the take-over's recheck is stored": {at: []step{create, unknown}, responses: []string{"InProgress", "OutcomeUnknown", "created", "unchanged"}},
		"after the take-over's recheck is stored":  {at: []step{create, unknown.done()}, responses: []string{"OutcomeUnknown", "created", "unchanged"}},
		"a certificate later than the integration": {at: []step{create.done(), certify.done()}, responses: []string{"InProgress", "created", "unchanged"}},
	}
}

// updateKills kill an update of one URL that adds one certificate.
func updateKills() map[string]kill {
	return map[string]kill{
		"before the entry is taken":            killed(retaken, "updated", "unchanged"),
		"after the entry is taken":             killed(retaken.done(), "InProgress", "updated", "unchanged"),
		"before the list":                      killed(list, "InProgress", "updated", "unchanged"),
		"before the list of certificates":      killed(certificates, "InProgress", "updated", "unchanged"),
		"after the list of certificates":       killed(certificates.done(), "InProgress", "updated", "unchanged"),
		"before pending is stored":             killed(pending, "InProgress", "updated", "unchanged"),
		"after pending is stored":              killed(pending.done(), "InProgress", "updated", "unchanged"),
		"before SendGrid updates":              killed(update, "InProgress", "updated", "unchanged"),
		"after SendGrid updated":               killed(update.done(), "InProgress", "updated", "unchanged"),
		"before adding is stored":              killed(adding, "InProgress", "updated", "unchanged"),
		"after adding is stored":               killed(adding.done(), "InProgress", "OutcomeUnknown", "updated", "unchanged"),
		"before SendGrid adds the certificate": killed(certify, "InProgress", "OutcomeUnknown", "updated", "unchanged"),
		"after SendGrid added the certificate": killed(certify.done(), "InProgress", "updated", "unchanged"),
		"before completed is stored":           killed(completed, "InProgress", "updated", "unchanged"),
		"after completed is stored":            killed(completed.done(), "unchanged", "unchanged"),
	}
}

// A process that is killed at any step leaves nothing behind that redeliveries do not
// complete, and no redelivery makes a second integration or certificate.
func TestKilledProcessIsRecovered(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	oldKey, newKey := newIDP(t, idpURL), newIDP(t, idpURL)
	first := withCertificates(t, "https://idp.example/sso", "conflict", oldKey)
	second := withCertificates(t, "https://idp.example/v2/sso", "update", oldKey, newKey)
	for name, tt := range createKills() {
		t.Run("create/"+name, func(t *testing.T) {
			t.Parallel()
			w := newCrashWorld(t, db)
			w.sendGrid.Script(tt.fault)
			w.redeliver(t, tt, first)
			integrations := w.sendGrid.Integrations()
			require.Len(t, integrations, 1)
			require.Len(t, w.sendGrid.Certificates(integrations[0].ID), 1)
		})
	}
	for name, tt := range updateKills() {
		t.Run("update/"+name, func(t *testing.T) {
			t.Parallel()
			w := newCrashWorld(t, db)
			require.Equal(t, "created", outcomeOf(t, w.start(t).Invoke(first, timeout)))
			w.redeliver(t, tt, second)
			integrations := w.sendGrid.Integrations()
			require.Len(t, integrations, 1)
			require.Equal(t, "https://idp.example/v2/sso", integrations[0].SigninURL)
			require.Len(t, w.sendGrid.Certificates(integrations[0].ID), 2)
		})
	}
}

// crashWorld is a world with a ledger, and a gate before both the ledger and SendGrid.
type crashWorld struct {
	*world
	gate  *gate
	db    dynalite.Server
	table string
}

func newCrashWorld(t *testing.T, db dynalite.Server) crashWorld {
	t.Helper()
	w := crashWorld{newWorld(t), &gate{}, db, strconv.FormatInt(time.Now().UnixNano(), 36)}
	db.CreateTable(t, w.table)
	endpoint, err := url.Parse(db.Endpoint)
	require.NoError(t, err)
	w.env["LEDGER_TABLE"] = w.table
	w.env["AWS_ENDPOINT_URL_DYNAMODB"] = lambdatest.Serve(t, w.gate.before(httputil.NewSingleHostReverseProxy(endpoint)))
	w.env["SENDGRID_BASE_URL"] = lambdatest.Serve(t, w.gate.before(w.sendGrid))
	return w
}

// redeliver delivers a request until its processes are no longer killed, and then as often as
// there are responses.
func (w crashWorld) redeliver(t *testing.T, k kill, request []byte) {
	t.Helper()
	for i, at := range k.at {
		if i > 0 {
			w.passTime(t)
		}
		w.gate.killAt(t, at, w.start(t), request)
	}
	f := w.start(t)
	for i, want := range k.responses {
		if want == "InProgress" { // It waits for the lease as long as it can, and may be reading the ledger then.
			require.Equal(t, want, outcomeOf(t, f.Invoke(request, 3*time.Second)), "response %d", i+1)
		} else {
			require.Equal(t, want, outcomeOf(t, f.Invoke(request, timeout)), "response %d", i+1)
		}
		w.passTime(t)
	}
}

// passTime ends all leases and settling periods, as if the time had passed.
func (w crashWorld) passTime(t *testing.T) {
	t.Helper()
	client := w.db.Client()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(w.table)})
	require.NoError(t, err)
	for _, item := range out.Items {
		for _, name := range []string{"lease", "settles", "stale"} {
			require.Contains(t, item, name)
			item[name] = &types.AttributeValueMemberN{Value: "1"}
		}
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.table), Item: item})
		require.NoError(t, err)
	}
}
