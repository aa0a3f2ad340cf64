package simulation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
)

// refusedName is a name that SendGrid refuses.
const refusedName = "refused"

// simulation is one run of a schedule.
type simulation struct {
	world
	schedule *schedule
	account  *account
	tries    []*try
	key      string // Of the entry.
}

// try is one try of a delivery.
type try struct {
	caller
	sim      *simulation
	delivery *delivery
	asks     *sent // What it asks for, with what SAML metadata supplies when it begins.
}

type tryKey struct{}

// tryOf returns the try that makes a call.
func tryOf(ctx context.Context) *try { return ctx.Value(tryKey{}).(*try) }

// simulate runs a schedule, and returns the finished simulation.
func simulate(t *testing.T, s *schedule) *simulation {
	t.Helper()
	sim := &simulation{schedule: s, account: &account{sends: map[string]int{}}, key: protocol.NewEntry(accountName(), entityID).Key}
	sim.chance, sim.adjust, sim.recorded = &s.chance, sim.allowed, sim.checkRecorded
	inBubble(t, &sim.world, sim.run)
	return sim
}

func (sim *simulation) run() {
	foreign := (&sent{enabled: true, signin: "f"}).resolve().Integration()
	foreign.EntityID = foreignID
	sim.account.add(foreign, true)
	processes := make([]*process, sim.schedule.processes)
	var all sync.WaitGroup
	for _, d := range sim.schedule.deliveries {
		all.Go(func() {
			sim.deliver(d.at, d.number, func(number int) (again bool, after time.Duration) {
				return sim.try(sim.processOf(processes, d, number), d, number)
			})
		})
	}
	for n, h := range sim.schedule.edits {
		all.Go(func() {
			time.Sleep(h.at + time.Duration(n+1)*time.Nanosecond)
			sim.mu.Lock()
			defer sim.mu.Unlock()
			sim.trace("a person %s", h.action)
			sim.account.applyEdit(h)
		})
	}
	all.Wait()
	time.Sleep(2 * provision.DefaultSettling)
	sim.checkEnd()
	for _, d := range sim.schedule.documents {
		time.Sleep(time.Until(sim.began.Add(d.at)))
	}
	time.Sleep(sim.schedule.deleteAfter)
	last := &delivery{number: len(sim.schedule.deliveries), request: &sent{audit: true, sender: sender{at: time.Since(sim.began)}}, length: 25 * time.Second}
	t := sim.newTry(sim.processOf(make([]*process, 1), last, 0), last, 0)
	if again, _ := sim.audit(t); !again {
		sim.checkRenewed()
		sim.checkDeleted()
	}
}

// processOf returns the process of a delivery.
func (sim *simulation) processOf(all []*process, d *delivery, number int) *process {
	return sim.process(all, d.process, d.number, number, &provision.Provisioner{SendGrid: client{sim}, DeleteAfter: sim.schedule.deleteAfter})
}

// allowed returns the mode of a call in place of one that its operation cannot have.
func (sim *simulation) allowed(op sendgrid.Op, f mode) mode {
	switch {
	case sim.schedule.noResponse && op == sendgrid.OpCreateCertificate:
		return never
	case f == nameless && op == sendgrid.OpUpdateIntegration:
		return lost
	default:
		return f
	}
}

// newTry returns a try of a delivery that begins now.
func (sim *simulation) newTry(p *process, d *delivery, number int) *try {
	return &try{caller: caller{world: &sim.world, process: p, copy: d.number, number: number, began: time.Now()}, sim: sim, delivery: d, asks: d.request}
}

// try calls Ensure, and reports whether the delivery has to be repeated, and after what time.
func (sim *simulation) try(p *process, d *delivery, number int) (again bool, after time.Duration) {
	q, t := d.request, sim.newTry(p, d, number)
	if q.url {
		supplied, document := *q, sim.document()
		supplied.signin, supplied.certs = document.signin, document.certs
		supplied.removes = slices.DeleteFunc(slices.Clone(q.removes), func(n int) bool { return slices.Contains(document.certs, n) })
		t.asks = &supplied
	}
	if q.audit {
		return sim.audit(t)
	}
	receive(&t.caller, d, sim.schedule.deliveries, q.sender, !q.webhook)
	sim.mu.Lock()
	sim.tries = append(sim.tries, t)
	sim.trace("%s begins: %s", t, t.asks)
	sim.mu.Unlock()
	return t.ensure(context.WithValue(context.Background(), tryKey{}, t), t.asks.resolve(), d.length, func() { sim.checkResult(t) })
}

// maxAudits is how often the audit of a connection is tried.
const maxAudits = 5

// audit calls Audit, and reports whether that has to be repeated, and after what time.
func (sim *simulation) audit(t *try) (again bool, after time.Duration) {
	d := t.delivery
	sim.mu.Lock()
	sim.trace("%s begins: %s", t, t.asks)
	sim.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithValue(context.WithValue(context.Background(), tryKey{}, t), callerKey{}, &t.caller), d.length)
	defer cancel()
	died := true
	var err error
	var one sync.WaitGroup
	one.Go(func() {
		one := provision.Audit{EntityID: entityID, Began: sim.began.Add(d.request.at), Renews: true, SAMLMetadata: fetcher{sim}, Judge: t.judge}
		if d.brief {
			one.MaxWait = briefWait
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
	tryOf(ctx).pause(ctx, time.Millisecond, 2*time.Second, 8)
	d := f.sim.document()
	p := samltest.Params{EntityID: entityID, SigninURL: signinURL(d.signin), SignoutURL: signoutURL}
	for _, n := range d.certs {
		p.Certificates = append(p.Certificates, certificates()[n].DER)
	}
	return samltest.Shapes()[0].Build(p), nil
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
