package audit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	// invocation is the time that an audit has, as in the template.
	invocation = 28 * time.Second
	day        = 24 * time.Hour
)

// world is an account at SendGrid and its auditor, in a bubble with a clock of its own.
type world struct {
	*audit.Auditor
	t        *testing.T
	sendGrid *sendgridtest.Server
	network  *sendgridtest.Network
	ledger   *brokenLedger
	bus      *bus
	keys     *keys
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, sendGrid: sendgridtest.New(), ledger: &brokenLedger{}, bus: &bus{}, keys: &keys{}}
	w.network = sendgridtest.NewNetwork(w.sendGrid)
	t.Cleanup(w.network.Close)
	w.Auditor = &audit.Auditor{
		SendGrid: &sendgrid.Client{Keys: w.keys, HTTP: w.network.HTTPClient()},
		Ledger:   w.ledger, Logger: slog.New(slog.DiscardHandler),
	}
	return w
}

// audit makes an audit in an invocation of the usual length, which it does not use up.
func (w *world) audit() (*audit.Report, error) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), invocation)
	defer cancel()
	report, err := w.Audit(ctx, w.bus.publish)
	deadline, _ := ctx.Deadline()
	require.GreaterOrEqual(w.t, time.Until(deadline), 4*time.Second, "there is time left to report")
	if err == nil {
		s := report.Summary
		require.Equal(w.t, s.Total, s.Audited+s.Failed+s.Unreached)
	}
	return report, err
}

// succeeds makes an audit that has to succeed.
func (w *world) succeeds() *audit.Report {
	w.t.Helper()
	report, err := w.audit()
	require.NoError(w.t, err)
	return report
}

// fails makes an audit that has to fail, and returns the failure.
func (w *world) fails() *problem.Error {
	w.t.Helper()
	report, err := w.audit()
	require.Nil(w.t, report)
	var failure *problem.Error
	require.ErrorAs(w.t, err, &failure)
	return failure
}

// add adds an integration that is completely set up, with certificates that expire after
// these times.
func (w *world) add(name string, expire ...time.Duration) sendgrid.Integration {
	completed := true
	i := w.sendGrid.Add(sendgrid.IntegrationRequest{
		Name: name, Enabled: true, SigninURL: "https://idp.example/in", EntityID: "urn:idp:" + name, CompletedIntegration: &completed,
	})
	for _, after := range expire {
		w.certificate(i.ID, certificate(after))
	}
	return i
}

func (w *world) certificate(id, pem string) {
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{IntegrationID: id, PublicCertificate: pem, Enabled: true})
}

// addMany adds integrations, each with the same certificate.
func (w *world) addMany(count int, expire time.Duration) {
	pem := certificate(expire)
	for n := range count {
		w.certificate(w.add(fmt.Sprint(n)).ID, pem)
	}
}

// listed returns the ids of the integrations whose certificates were listed, in this order,
// and since so many requests.
func (w *world) listed(since int) (ids []string) {
	for _, r := range w.sendGrid.Requests()[since:] {
		if r.Op == sendgrid.OpListCertificates {
			id, _, _ := strings.Cut(strings.TrimPrefix(r.Path, "/v3/sso/integrations/"), "/")
			ids = append(ids, id)
		}
	}
	return ids
}

var key = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate returns a certificate as PEM that expires after a time.
func certificate(expires time.Duration) string {
	now := time.Now()
	return samltest.PEM(samltest.NewCertificate(key(), "idp", now.Add(-400*day), now.Add(expires)))
}

// codes returns the codes of the findings about an integration.
func codes(i audit.Integration) (codes []provision.WarningCode) {
	for _, f := range i.Findings {
		codes = append(codes, f.Code)
	}
	return codes
}

var errBroken = errors.New("broken")

// brokenLedger is a ledger whose reads or writes fail.
type brokenLedger struct {
	ledger.Memory
	reads, writes error
	puts          int
}

func (l *brokenLedger) Get(ctx context.Context, key string) (protocol.Entry, error) {
	if l.reads != nil {
		return protocol.Entry{}, l.reads
	}
	return l.Memory.Get(ctx, key)
}

func (l *brokenLedger) Put(ctx context.Context, e protocol.Entry) (protocol.Entry, bool, error) {
	l.puts++
	if l.writes != nil {
		return protocol.Entry{}, false, l.writes
	}
	return l.Memory.Put(ctx, e)
}

// bus collects what is published, or fails.
type bus struct {
	err       error
	published []audit.Integration
}

func (b *bus) publish(_ context.Context, expiring []audit.Integration) error {
	if b.err == nil {
		b.published = append(b.published, expiring...)
	}
	return b.err
}

// keys is an API key, or the reason why there is none.
type keys struct{ err error }

func (k *keys) Key(context.Context) (key, version string, err error) { return "SG.key", "1", k.err }

func (k *keys) RenewKey(context.Context, string) (key, version string, err error) {
	return "SG.key", "1", nil
}
