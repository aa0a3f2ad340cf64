package audit_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	// invocation is the time that an audit has, as in the template.
	invocation = 28 * time.Second
	day        = 24 * time.Hour
	// entity is the entity id of the connection that a test is about.
	entity  = "urn:idp:1"
	signin  = "https://idp.example/in"
	signout = "https://idp.example/out"
)

var account = []string{sendgrid.GlobalBaseURL, ""}

// world is an account at SendGrid, an identity provider, and the auditor, in a bubble with a clock of
// its own.
type world struct {
	*audit.Auditor
	t        *testing.T
	sendGrid *sendgridtest.Server
	keys     *keytest.Keys
	ledger   *table
	idp      *idp
	bus      *bus
	log      *strings.Builder
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, sendGrid: sendgridtest.New(), keys: keytest.Fixed("SG.key"), ledger: &table{}, bus: &bus{}, log: &strings.Builder{}}
	w.idp = &idp{Params: samltest.Params{EntityID: entity, SigninURL: signin, SignoutURL: signout, Certificates: [][]byte{certificate(365 * day)}}}
	network := sendgridtest.NewNetwork(w.sendGrid)
	t.Cleanup(network.Close)
	client := &sendgrid.Client{Keys: w.keys, HTTP: network.HTTPClient()}
	w.Auditor = &audit.Auditor{
		SendGrid: client, Ledger: w.ledger, SAMLMetadata: w.idp, Renews: true, Logger: slog.New(slog.NewTextHandler(w.log, nil)),
		Connections: &provision.Provisioner{SendGrid: client, Ledger: w.ledger, Account: account},
	}
	return w
}

// within returns a context as an invocation of the usual length has it.
func (w *world) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(w.t.Context(), invocation)
}

// request makes a request that may update. Fields replace those that every one has.
func (w *world) request(fields map[string]any) error {
	w.t.Helper()
	all := map[string]any{"name": "One", "enabled": true, "completed_integration": true, "metadata": map[string]string{"ticket": "OPS-1"}}
	maps.Copy(all, fields)
	return w.send(all)
}

// send sends a request of exactly these fields.
func (w *world) send(fields map[string]any) error {
	w.t.Helper()
	body, err := json.Marshal(fields)
	require.NoError(w.t, err)
	parsed, err := request.Parse(body, time.Now())
	require.NoError(w.t, err)
	resolved, err := parsed.Resolve(w.t.Context(), w.idp)
	require.NoError(w.t, err)
	ctx, cancel := w.within()
	defer cancel()
	_, err = w.Connections.(*provision.Provisioner).Ensure(ctx, resolved, provision.Delivery{Caller: "operator", MayUpdate: true})
	return err
}

// manage has a connection made, and lets it settle. It returns the id of the integration.
func (w *world) manage(fields map[string]any) string {
	w.t.Helper()
	require.NoError(w.t, w.request(fields))
	time.Sleep(time.Hour)
	all := w.sendGrid.Integrations()
	return all[len(all)-1].ID
}

// end ends the connection, and lets that settle.
func (w *world) end() {
	w.t.Helper()
	require.NoError(w.t, w.send(map[string]any{"state": "absent", "entity_id": entity}))
	time.Sleep(time.Hour)
}

// deletes sets how long after its end a connection is deleted.
func (w *world) deletes(after time.Duration) {
	w.Connections.(*provision.Provisioner).DeleteAfter = after
}

// byURL are the fields of a request whose SAML metadata is read at a URL, and byHand those of one that
// gives everything itself.
func byURL() map[string]any {
	return map[string]any{"saml_metadata_url": "https://idp.example/metadata"}
}

func byHand(entityID string) map[string]any {
	return map[string]any{"entity_id": entityID, "signin_url": signin, "signout_url": "", "public_certificate": samltest.PEM(certificate(365 * day))}
}

// add adds an integration as a person does, with certificates that expire after these times.
func (w *world) add(entityID string, expire ...time.Duration) string {
	i := w.sendGrid.Add(sendgrid.IntegrationRequest{Name: "Two", Enabled: true, SigninURL: signin, EntityID: entityID, CompletedIntegration: new(true)})
	for _, after := range expire {
		w.certify(i.ID, certificate(after))
	}
	return i.ID
}

// certify adds a certificate as a person does.
func (w *world) certify(id string, der []byte) {
	w.sendGrid.AddCertificate(sendgrid.CertificateRequest{IntegrationID: id, PublicCertificate: samltest.PEM(der), Enabled: true})
}

// uncertify removes a certificate as a person does.
func (w *world) uncertify(id string, at int) {
	w.sendGrid.DeleteCertificate(w.sendGrid.Certificates(id)[at].ID)
}

// connection audits a connection in an audit that begins now.
func (w *world) connection(entityID string, last bool) (*audit.Connection, error) {
	ctx, cancel := w.within()
	defer cancel()
	return w.Connection(ctx, audit.Task{EntityID: entityID, Began: time.Now()}, 0, last, w.bus.publish)
}

// audited audits the connection, and returns what is found once that has settled.
func (w *world) audited() *audit.Connection {
	w.t.Helper()
	c, err := w.connection(entity, false)
	require.NoError(w.t, err)
	require.NotNil(w.t, c)
	time.Sleep(day)
	return c
}

// fails audits the connection, which has to fail and to record nothing.
func (w *world) fails(code problem.Code, last bool) *problem.Error {
	w.t.Helper()
	before := w.entry(entity)
	c, err := w.connection(entity, last)
	require.Nil(w.t, c)
	var failure *problem.Error
	require.ErrorAs(w.t, err, &failure)
	require.Equal(w.t, code, failure.Code, "%v", failure)
	after := w.entry(entity)
	require.Equal(w.t, before.Audited, after.Audited)
	require.Equal(w.t, before.Findings, after.Findings)
	return failure
}

// start starts an audit in an invocation, which it does not use up.
func (w *world) start() (*audit.Report, error) {
	w.t.Helper()
	ctx, cancel := w.within()
	defer cancel()
	report, err := w.Start(ctx, w.bus.publish)
	deadline, _ := ctx.Deadline()
	require.GreaterOrEqual(w.t, time.Until(deadline), 4*time.Second, "there is time left to report")
	return report, err
}

// started starts an audit, which has to succeed.
func (w *world) started() *audit.Report {
	w.t.Helper()
	report, err := w.start()
	require.NoError(w.t, err)
	return report
}

// lease lets a request work on the connection for an hour.
func (w *world) lease() {
	w.t.Helper()
	e := w.entry(entity)
	e = e.Named(protocol.NewEntry(account, entity))
	e.Owner, e.Lease, e.Expires, e.Revision = "another", time.Now().Add(time.Hour), time.Now().Add(day), e.Revision+1
	_, stored, err := w.ledger.Put(w.t.Context(), e)
	require.NoError(w.t, err)
	require.True(w.t, stored)
}

func (w *world) entry(entityID string) protocol.Entry {
	w.t.Helper()
	e, err := w.ledger.Memory.Get(w.t.Context(), protocol.NewEntry(account, entityID).Key)
	require.NoError(w.t, err)
	return e
}

// writes returns how many calls were made to SendGrid that write.
func (w *world) writes() (n int) {
	for _, r := range w.sendGrid.Requests() {
		if r.Op.Writes() {
			n++
		}
	}
	return n
}

// stored returns the codes of the findings that the ledger keeps of the connection.
func (w *world) stored() []provision.WarningCode {
	return codes(audit.Stored(w.entry(entity).Findings))
}

func codes(findings []audit.Finding) []provision.WarningCode {
	list := []provision.WarningCode{}
	for _, f := range findings {
		list = append(list, f.Code)
	}
	slices.Sort(list)
	return list
}

var key = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// certificate returns a new certificate as DER that expires after a time.
func certificate(expires time.Duration) []byte {
	return samltest.NewCertificate(key(), "idp", time.Now().Add(-400*day), time.Now().Add(expires))
}

func sha256(der []byte) string { return saml.ParseStored(samltest.PEM(der), 0, 0).SHA256 }

var errBroken = errors.New("broken")

// table is a ledger that has times as DynamoDB has them, and whose reads or writes can fail.
type table struct {
	ledger.Memory
	reads, writes, lists error
}

func (l *table) Get(ctx context.Context, key string) (protocol.Entry, error) {
	if l.reads != nil {
		return protocol.Entry{}, l.reads
	}
	return l.Memory.Get(ctx, key)
}

func (l *table) All(ctx context.Context) iter.Seq2[protocol.Entry, error] {
	if l.lists != nil {
		return func(yield func(protocol.Entry, error) bool) { yield(protocol.Entry{}, l.lists) }
	}
	return l.Memory.All(ctx)
}

func (l *table) Put(ctx context.Context, e protocol.Entry) (protocol.Entry, bool, error) {
	if l.writes != nil {
		return protocol.Entry{}, false, l.writes
	}
	e.Audited = e.Audited.Truncate(time.Millisecond)
	return l.Memory.Put(ctx, e)
}

// idp is an identity provider that publishes its SAML metadata, or fails.
type idp struct {
	samltest.Params
	refuse, err error
	mu          sync.Mutex
	fetches     int
	// during, if set, is called once while it is fetched.
	during func()
}

func (p *idp) CheckURL(string) error { return p.refuse }

func (p *idp) Fetch(context.Context, string) ([]byte, error) {
	p.mu.Lock()
	p.fetches++
	during := p.during
	p.during = nil
	p.mu.Unlock()
	if during != nil {
		during()
	}
	return samltest.Shapes()[0].Build(p.Params), p.err
}

// bus collects what is published, or fails.
type bus struct {
	err     error
	notices []audit.Notice
}

func (b *bus) publish(ctx context.Context, n audit.Notice) error {
	if err := errors.Join(b.err, ctx.Err()); err != nil {
		return err
	}
	b.notices = append(b.notices, n)
	return nil
}

// news returns the codes of the new findings that were published, and forgets them.
func (b *bus) news() []provision.WarningCode {
	var all []audit.Finding
	for _, n := range b.notices {
		all = append(all, n.New...)
	}
	b.notices = nil
	return codes(all)
}
