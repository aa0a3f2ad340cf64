package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
)

// maxTries is how often a delivery is repeated before that counts as for ever.
const maxTries = 40

// refusedName is a name that SendGrid refuses.
const refusedName = "refused"

// simulation is one run of a schedule. In its bubble, the calls of different tries take effect at
// different times, so nothing depends on the order in which goroutines run.
type simulation struct {
	schedule *schedule
	mu       sync.Mutex // Guards what follows, within one instant.
	began    time.Time
	account  *account
	ledger   ledger.Memory
	tries    []*try
	steps    []string
	key      string // Of the entry.
	broken   string // The first promise that was broken.
}

// process is a Lambda execution environment. Only the ledger is shared.
type process struct {
	*provision.Provisioner
	dead atomic.Bool
}

// try is one try of a delivery: one call of Ensure.
type try struct {
	sim        *simulation
	delivery   *delivery
	asks       *sent // What it asks for, with what SAML metadata supplies at its begin.
	number     int
	process    *process
	calls      int
	writes     int  // To SendGrid.
	late       bool // Whether one of them took effect late.
	order      protocol.Order
	asked      provision.Delivery
	began      time.Time
	ended      time.Time
	result     *provision.Result
	failure    *problem.Error
	died       bool
	wroteSince bool // Whether a write of its request took effect.
}

type tryKey struct{}

// begin begins a call of the try whose context it has. A call of a dead process does not return.
func begin(ctx context.Context, read bool) (*try, int, fate) {
	t, fate := peek(ctx, read)
	t.sim.mu.Lock() // A shared list goes on after the try that began it.
	defer t.sim.mu.Unlock()
	t.calls++
	if !read {
		t.writes++
	}
	return t, t.calls, fate
}

// peek returns the fate of the call that comes next.
func peek(ctx context.Context, read bool) (*try, fate) {
	t := ctx.Value(tryKey{}).(*try)
	if t.process.dead.Load() {
		runtime.Goexit()
	}
	t.sim.mu.Lock()
	defer t.sim.mu.Unlock()
	write := t.writes
	if read {
		write = -1
	}
	return t, t.sim.schedule.fate(t.delivery.number, t.number, t.calls, write)
}

// pause lets a call take a while; it reports false if its time is over before.
func (t *try) pause(ctx context.Context, least, most time.Duration, purpose ...int) bool {
	d := least + t.sim.schedule.draw(most, append(purpose, t.delivery.number, t.number)...)
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	if t.process.dead.Load() {
		runtime.Goexit()
	}
	return ctx.Err() == nil
}

func (t *try) String() string { return fmt.Sprintf("delivery %d try %d", t.delivery.number, t.number) }

// simulate runs a schedule and returns what became of it.
func simulate(t *testing.T, s *schedule) *simulation {
	t.Helper()
	sim := &simulation{schedule: s, account: &account{sends: map[string]int{}}}
	synctest.Test(t, func(*testing.T) { sim.run() })
	return sim
}

func (sim *simulation) run() {
	sim.began = time.Now()
	foreign := (&sent{enabled: true, signin: "f"}).resolve().Integration()
	foreign.EntityID = foreignID
	sim.account.add(foreign, true)
	processes := make([]*process, sim.schedule.processes)
	var all sync.WaitGroup
	for _, d := range sim.schedule.deliveries {
		all.Go(func() {
			time.Sleep(d.at + time.Duration(d.number+1)*time.Microsecond)
			for number := range maxTries {
				p := sim.process(processes, d, number)
				again, after := sim.try(p, d, number)
				if !again {
					return
				}
				time.Sleep(after + sim.schedule.draw(10*time.Second, d.number, number, 7))
			}
			sim.mu.Lock()
			defer sim.mu.Unlock()
			sim.require(false, "delivery %d has no final outcome after %d tries", d.number, maxTries)
		})
	}
	for n, h := range sim.schedule.hands {
		all.Go(func() {
			time.Sleep(h.at + time.Duration(n+1)*time.Nanosecond)
			sim.mu.Lock()
			defer sim.mu.Unlock()
			sim.trace("a person %s", h.does)
			sim.account.act(h)
		})
	}
	all.Wait()
	time.Sleep(2 * provision.DefaultSettling)
	sim.checkEnd()
	for _, d := range sim.schedule.documents {
		time.Sleep(time.Until(sim.began.Add(d.at)))
	}
	time.Sleep(sim.schedule.deleteAfter)
	last := &delivery{number: len(sim.schedule.deliveries), request: &sent{audit: true, at: time.Since(sim.began)}, length: 25 * time.Second}
	t := &try{sim: sim, delivery: last, asks: last.request, process: sim.process(make([]*process, 1), last, 0), began: time.Now()}
	if again, _ := sim.audit(t); !again {
		sim.checkRenewed()
		sim.checkDeleted()
	}
}

// received returns when a queue got a copy of a request.
func (sim *simulation) received(d *delivery) time.Time {
	return sim.began.Add(max(d.request.at+d.request.tie, d.at)).Truncate(time.Millisecond)
}

// process returns the process of a delivery, a new one if that has died. Its randomness is that of
// the try for which it is started.
func (sim *simulation) process(all []*process, d *delivery, number int) *process {
	sim.mu.Lock()
	defer sim.mu.Unlock()
	if p := all[d.process]; p != nil && !p.dead.Load() {
		return p
	}
	all[d.process] = &process{Provisioner: &provision.Provisioner{
		SendGrid: client{sim}, Ledger: faultyLedger{sim}, Account: []string{"account"}, DeleteAfter: sim.schedule.deleteAfter,
		Random: &source{PCG: rand.NewPCG(sim.schedule.seed, uint64(d.number*maxTries+number))},
	}}
	return all[d.process]
}

// source is a random source for goroutines.
type source struct {
	mu sync.Mutex
	*rand.PCG
}

func (s *source) Uint64() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.PCG.Uint64()
}

// try calls Ensure, and reports whether the delivery has to be repeated, and after what time.
func (sim *simulation) try(p *process, d *delivery, number int) (again bool, after time.Duration) {
	q := d.request
	t := &try{sim: sim, delivery: d, asks: q, number: number, process: p, began: time.Now()}
	if q.url {
		supplied, document := *q, sim.document()
		supplied.signin, supplied.certs = document.signin, document.certs
		supplied.removes = slices.DeleteFunc(slices.Clone(q.removes), func(n int) bool { return slices.Contains(document.certs, n) })
		t.asks = &supplied
	}
	if q.audit {
		return sim.audit(t)
	}
	received := sim.received(d)
	t.order = protocol.NewOrder(sim.began.Add(q.at+q.ahead), received)
	t.asked = provision.Delivery{IDs: []string{fmt.Sprintf("event:%d", q.number)}, Caller: fmt.Sprint(q.number), MayUpdate: !q.webhook, Unattended: !q.http}
	switch {
	case q.http:
		t.order = protocol.NewOrder(time.Time{}, time.Now())
		t.asked.IDs = nil
	case q.bare:
		t.order = protocol.NewOrder(time.Time{}, received)
		t.asked.IDs = []string{fmt.Sprintf("message:%d", d.number)}
	}
	t.asked.Order = t.order
	if d.brief {
		t.asked.MaxWait = 5 * time.Second
	}
	sim.mu.Lock()
	sim.tries = append(sim.tries, t)
	sim.trace("%s begins: %s", t, t.asks)
	sim.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), tryKey{}, t), d.length)
	defer cancel()
	died := true
	var result *provision.Result
	var failure *problem.Error
	var one sync.WaitGroup
	one.Go(func() { // A process that dies ends it.
		var err error
		result, err = p.Ensure(ctx, t.asks.resolve(), t.asked)
		errors.As(err, &failure)
		died = false
	})
	one.Wait()
	time.Sleep(time.Duration(d.number+1) * time.Nanosecond) // Tries that share a list may end at the same time.
	sim.mu.Lock()
	defer sim.mu.Unlock()
	t.ended, t.died, t.result, t.failure = time.Now(), died, result, failure
	if t.died {
		sim.trace("%s: the process died", t)
		return true, time.Minute
	}
	sim.checkAnswer(t)
	if t.failure == nil || !t.failure.Retryable() {
		return false, 0
	}
	return true, min(90*time.Second, max(5*time.Second, t.failure.RetryAfter))
}

// maxAudits is how often the audit of a connection is tried.
const maxAudits = 5

// audit calls Audit, and reports whether that has to be repeated, and after what time.
func (sim *simulation) audit(t *try) (again bool, after time.Duration) {
	d := t.delivery
	sim.mu.Lock()
	sim.trace("%s begins: %s", t, t.asks)
	sim.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), tryKey{}, t), d.length)
	defer cancel()
	died := true
	var err error
	var one sync.WaitGroup
	one.Go(func() {
		one := provision.Audit{EntityID: entityID, Began: sim.began.Add(d.request.at), Renews: true, SAMLMetadata: fetcher{sim}, Judge: t.judge}
		if d.brief {
			one.MaxWait = 5 * time.Second
		}
		_, err = t.process.Audit(ctx, one)
		died = false
	})
	one.Wait()
	time.Sleep(time.Duration(d.number+1) * time.Nanosecond)
	sim.mu.Lock()
	defer sim.mu.Unlock()
	sim.trace("%s ends: died=%t %v", t, died, err)
	return (died || err != nil) && t.number < maxAudits-1, time.Minute
}

// document returns the SAML metadata that is at the URL now.
func (sim *simulation) document() document {
	found := sim.schedule.documents[0]
	for _, d := range sim.schedule.documents {
		if !sim.began.Add(d.at).After(time.Now()) {
			found = d
		}
	}
	return found
}

// fetcher gets the SAML metadata.
type fetcher struct{ sim *simulation }

func (fetcher) CheckURL(string) error { return nil }

func (f fetcher) Fetch(ctx context.Context, _ string) ([]byte, error) {
	t := ctx.Value(tryKey{}).(*try)
	t.pause(ctx, time.Millisecond, 2*time.Second, 8)
	d := f.sim.document()
	p := samltest.Params{EntityID: entityID, SigninURL: signinURL(d.signin), SignoutURL: signoutURL}
	for _, n := range d.certs {
		p.Certificates = append(p.Certificates, certificates()[n].DER)
	}
	return samltest.Shapes()[0].Build(p), nil
}

func (sim *simulation) trace(format string, args ...any) {
	sim.steps = append(sim.steps, fmt.Sprintf("%12.6f  ", time.Since(sim.began).Seconds())+fmt.Sprintf(format, args...))
}

// require notes that a promise was broken.
func (sim *simulation) require(kept bool, format string, args ...any) {
	if !kept && sim.broken == "" {
		sim.broken = fmt.Sprintf(format, args...)
		sim.trace("BROKEN: %s", sim.broken)
	}
}

// faultyLedger is the ledger as one process calls it.
type faultyLedger struct{ sim *simulation }

var errLedger = errors.New("the table does not answer")

func (l faultyLedger) Get(ctx context.Context, key string) (protocol.Entry, error) {
	t, index, fate := begin(ctx, true)
	if !t.pause(ctx, time.Millisecond, 20*time.Millisecond, index, 5) {
		return protocol.Entry{}, ctx.Err()
	}
	switch fate {
	case diesBefore, diesAfter:
		t.die()
	case lost, never, late:
		return protocol.Entry{}, errLedger
	case succeeds, forbidden, limited, unsent, nameless, fates:
	}
	return l.sim.ledger.Get(ctx, key)
}

func (l faultyLedger) Put(ctx context.Context, e protocol.Entry) (current protocol.Entry, stored bool, err error) {
	t, index, fate := begin(ctx, true)
	if !t.pause(ctx, time.Millisecond, 20*time.Millisecond, index, 5) {
		return protocol.Entry{}, false, ctx.Err()
	}
	l.sim.mu.Lock()
	defer l.sim.mu.Unlock()
	switch fate {
	case diesBefore:
		t.die()
	case never:
		return protocol.Entry{}, false, errLedger
	case late: // A late copy of the write.
		time.AfterFunc(l.sim.schedule.draw(maxLate, t.delivery.number, t.number, index, 6), func() { _, _, _ = l.sim.ledger.Put(ctx, e) })
		return protocol.Entry{}, false, errLedger
	case succeeds, diesAfter, lost, forbidden, limited, unsent, nameless, fates: // Those of SendGrid alone, and what comes after the write.
	}
	before, _ := l.sim.ledger.Get(ctx, e.Key)
	current, stored, err = l.sim.ledger.Put(ctx, e)
	l.sim.key = e.Key
	if stored {
		l.sim.recorded(t, before, e)
	}
	l.sim.trace("%s: ledger %s owner=%t stored=%t%s", t, e.State, e.Owner != "", stored, fate.note())
	if fate == diesAfter {
		t.die()
	}
	if fate == lost {
		return protocol.Entry{}, false, errLedger
	}
	return current, stored, err
}

func signinURL(variant string) string {
	return "https://idp.example.com/sso/" + strings.ToLower(variant)
}

// certificates are those that requests bring.
var certificates = sync.OnceValue(func() []saml.Certificate {
	var all []saml.Certificate
	for n := range 2 {
		_, der := samltest.NewKeyPair(fmt.Sprint(n), time.Unix(0, 0), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC))
		parsed, err := saml.ParseCertificates(samltest.PEM(der), time.Unix(1, 0))
		if err != nil {
			panic(err)
		}
		all = append(all, parsed...)
	}
	return all
})

func (q *sent) resolve() request.Resolved {
	if q.absent {
		return request.Resolved{Request: request.Request{Kind: request.Absent, EntityID: entityID}}
	}
	r := request.Request{Name: "name", Enabled: q.enabled, SigninURL: signinURL(q.signin), EntityID: entityID}
	if q.rejected {
		r.Name = refusedName
	}
	switch {
	case q.restore:
		r.IfExists = request.Restore
	case q.update:
		r.IfExists = request.UpdateExisting
	}
	for _, n := range q.certs {
		r.Certificates = append(r.Certificates, certificates()[n])
	}
	for _, n := range q.removes {
		r.RemoveCertificates = append(r.RemoveCertificates, certificates()[n].SHA256)
	}
	if !q.url {
		return request.Resolved{Request: r}
	}
	r.Supplied, r.SignoutURL = true, signoutURL
	return request.Resolved{Request: r, Source: request.Source{URL: "https://idp.example.com/metadata", Given: []string{"name", "enabled", "entity_id"}}}
}

const signoutURL = "https://idp.example.com/slo"
