package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// schedule is everything that happens in one simulation. It is drawn from a seed.
type schedule struct {
	chance
	requests   []*sent
	deliveries []*delivery
	edits      []edit
	documents  []document // The first one exists from the beginning.
	// deleteAfter is how long after it was ended a connection is deleted, 0 if it is not.
	deleteAfter time.Duration
	// noResponse lets SendGrid carry out no create of a certificate, and respond to none.
	noResponse bool
}

// sent is what one sender asks for.
type sent struct {
	sender
	enabled  bool
	signin   string
	certs    []int
	update   bool
	restore  bool // It updates, too.
	rejected bool // SendGrid refuses what it asks for.
	webhook  bool // Its caller may not update.
	url      bool // SAML metadata at a URL supplies signin and certs.
	audit    bool // It is an audit, not a request.
	absent   bool // It ends the connection.
	removes  []int
}

// document is the SAML metadata at the URL from some time on.
type document struct {
	at     time.Duration
	signin string
	certs  []int
}

// delivery is one copy of a request about a connection, or of an audit.
type delivery = deliveryOf[sent]

// edit is what a person does in SendGrid at some time.
type edit struct {
	at     time.Duration
	action action
}

type action int

const (
	disables action = iota
	changesSignin
	deletes
	creates
	deletesCertificate
	enables
	actions
)

func (d action) String() string {
	return [...]string{"disables the integration", "changes signin_url", "deletes the integration", "creates the integration", "deletes a certificate", "enables the integration"}[d]
}

// newSchedule draws a schedule from a seed.
func newSchedule(seed uint64) *schedule {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &schedule{chance: chance{seed: seed, processes: 1 + r.IntN(3), lag: time.Duration(r.IntN(4)) * maxLag / 3}, noResponse: r.IntN(20) == 0}
	span := []time.Duration{20 * time.Second, 60 * time.Second, 180 * time.Second}[r.IntN(3)]
	seconds := func(most time.Duration) time.Duration {
		return time.Duration(r.IntN(int(most/time.Second)+1)) * time.Second
	}
	for n := range 1 + r.IntN(4) {
		q := &sent{
			sender: drawSender(r, n, seconds(span)), enabled: r.IntN(2) == 0, signin: "ab"[r.IntN(2):][:1], update: r.IntN(4) > 0,
		}
		q.http, q.bare, q.rejected = r.IntN(5) == 0, r.IntN(3) == 0, r.IntN(12) == 0
		q.restore = q.update && r.IntN(4) == 0
		q.webhook = !q.update && r.IntN(2) == 0
		q.url = r.IntN(4) == 0
		for c := range 2 {
			if r.IntN(3) == 0 {
				q.certs = append(q.certs, c)
			} else if q.update && r.IntN(8) == 0 {
				q.removes = append(q.removes, c)
			}
		}
		if r.IntN(8) == 0 {
			*q = sent{sender: q.sender, update: true, absent: true}
		}
		s.requests = append(s.requests, q)
		for range 1 + max(0, r.IntN(4)-1) {
			s.deliveries = append(s.deliveries, &delivery{
				number: len(s.deliveries), request: q, at: q.at + q.tie + seconds(span/2)*time.Duration(r.IntN(2)), process: r.IntN(s.processes),
				length: []time.Duration{8 * time.Second, 25 * time.Second, 28 * time.Second}[r.IntN(3)], brief: r.IntN(3) == 0,
			})
		}
	}
	if r.IntN(4) == 0 { // Tickets: a create without certificates, and the same with them later.
		bare := &sent{sender: sender{number: len(s.requests), at: seconds(span / 2), http: r.IntN(2) == 0}, enabled: true, signin: "a", webhook: r.IntN(2) == 0}
		certified := *bare
		certified.number, certified.at, certified.certs = bare.number+1, bare.at+seconds(span/2), [][]int{{0}, {1}, {0, 1}}[r.IntN(3)]
		if r.IntN(2) == 0 { // Alone, or among the others.
			s.requests, s.deliveries = nil, nil
		}
		for _, q := range []*sent{bare, &certified} {
			s.requests = append(s.requests, q)
			for range 1 + r.IntN(2) {
				s.deliveries = append(s.deliveries, &delivery{
					number: len(s.deliveries), request: q, at: q.at + seconds(span/4), process: r.IntN(s.processes), length: 25 * time.Second,
				})
			}
		}
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(2) {
			h := edit{seconds(span * 2), action(r.IntN(int(actions)))}
			s.edits = append(s.edits, h)
			if q := s.requests[r.IntN(len(s.requests))]; r.IntN(2) == 0 { // And somebody reacts.
				after := *q
				after.number, after.at, after.signin = len(s.requests), h.at+seconds(10*time.Second), "ab"[r.IntN(2):][:1]
				s.requests = append(s.requests, &after)
				s.deliveries = append(s.deliveries, &delivery{
					number: len(s.deliveries), request: &after, at: after.at + after.tie, process: r.IntN(s.processes), length: 25 * time.Second,
				})
			}
		}
	}
	s.deleteAfter = []time.Duration{0, 20 * time.Second, 100 * time.Second}[r.IntN(3)]
	s.documents = []document{{signin: "a", certs: []int{0}}}
	if r.IntN(2) == 0 {
		s.documents = append(s.documents, document{at: seconds(span), signin: "ab"[r.IntN(2):][:1], certs: [][]int{{1}, {0, 1}}[r.IntN(2)]})
	}
	if r.IntN(2) == 0 {
		for range 1 + r.IntN(2) {
			q := &sent{sender: sender{number: len(s.requests), at: seconds(span * 2)}, audit: true}
			s.requests = append(s.requests, q)
			for range 1 + r.IntN(2) { // The queue may deliver it twice.
				s.deliveries = append(s.deliveries, &delivery{
					number: len(s.deliveries), request: q, at: q.at, process: r.IntN(s.processes), length: 25 * time.Second, brief: r.IntN(3) == 0,
				})
			}
		}
	}
	for range r.IntN(5) {
		f := fault{delivery: r.IntN(len(s.deliveries)), try: r.IntN(3), call: r.IntN(9), mode: mode(1 + r.IntN(int(modes)-1))}
		if r.IntN(2) == 0 {
			f.write, f.call = true, r.IntN(3)
		}
		s.faults = append(s.faults, f)
	}
	return s
}

// String describes the schedule in readable steps, in the order in which they begin.
func (s *schedule) String() string {
	steps := stepsOf(s.deliveries, s.faults)
	for _, h := range s.edits {
		steps = append(steps, step{h.at, "a person " + h.action.String()})
	}
	for _, d := range s.documents {
		steps = append(steps, step{d.at, fmt.Sprintf("the metadata has signin=%s certificates=%v", d.signin, d.certs)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, reads lag up to %s", s.seed, s.lag)
	if s.deleteAfter > 0 {
		fmt.Fprintf(&b, ", what is ended is deleted after %s", s.deleteAfter)
	}
	if s.noResponse {
		b.WriteString(", no create of a certificate gets a response or is carried out")
	}
	return b.String() + inOrder(steps)
}

func (q *sent) String() string {
	if q.audit {
		return fmt.Sprintf("audit that began at %s", q.at)
	}
	kind, flags := "create", ""
	if q.update {
		kind = "update"
	}
	if q.restore {
		kind = "restore"
	}
	if q.http {
		flags += " http"
	}
	if q.ahead > 0 {
		flags += fmt.Sprintf(" clock %s ahead", q.ahead)
	}
	if q.bare {
		flags += " bare"
	}
	if q.absent {
		kind = "absent"
	}
	if len(q.removes) > 0 {
		flags += fmt.Sprintf(" removes=%v", q.removes)
	}
	if q.url {
		flags += " from metadata"
	}
	if q.webhook {
		flags += " webhook"
	}
	if q.rejected {
		flags += " SendGrid-refuses"
	}
	return fmt.Sprintf("request %d (%s at %s, enabled=%t signin=%s certificates=%v%s)", q.number, kind, q.at+q.tie, q.enabled, q.signin, q.certs, flags)
}
