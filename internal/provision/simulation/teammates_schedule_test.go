package simulation_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// peopleSchedule is everything that happens in one simulation about teammates.
type peopleSchedule struct {
	chance
	initial    []initialTeammate // Who exists at the beginning, besides the owner.
	requests   []*declared
	deliveries []*peopleDelivery
	edits      []peopleEdit
}

// initialTeammate is a teammate that nobody requested.
type initialTeammate struct {
	email    string
	access   access
	password bool // The teammate logs in by a password.
}

// declared is what one sender asks for.
type declared struct {
	sender
	email   string
	name    string
	access  access
	update  bool
	restore bool // It updates, too.
	webhook bool // Its caller may only create.
	absent  bool
}

// peopleDelivery is one copy of a request about a teammate.
type peopleDelivery = deliveryOf[declared]

// peopleEdit is what a person does to a teammate in SendGrid at some time.
type peopleEdit struct {
	at     time.Duration
	email  string
	action peopleAction
}

type peopleAction int

const (
	removes peopleAction = iota
	renames
	widens
	promotes
	demotes
	// invites adds a teammate with a password, and replaces one who logs in by SSO by such a one.
	invites
	adds
	peopleActions
)

// allActions returns every action.
func allActions() []peopleAction {
	all := make([]peopleAction, peopleActions)
	for i := range all {
		all[i] = peopleAction(i)
	}
	return all
}

func (d peopleAction) String() string {
	return [...]string{"removes", "renames", "gives another scope to", "promotes", "demotes", "invites, with a password,", "adds"}[d]
}

// access is what a teammate may do.
type access int

const (
	developer access = iota
	marketer
	administrator
	scoped
	subuserByID
	subuserByName
	// dropped has a scope of the account, and droppedSubuser one of a subuser, that SendGrid drops without an error.
	dropped
	droppedSubuser
	accesses
)

const (
	subuserName    = "acme"
	subuserID      = 7
	droppedScope   = "unknown.scope"
	invalidScope   = "invalid.scope"
	ownScope       = "2fa_exempt" // SendGrid adds it.
	refusedByName  = "refused"
	rootEmail      = "root@example.com"
	ownerEmail     = "owner@example.com"
	scopeOfSubuser = "stats.read"
)

func (a access) String() string {
	return [...]string{
		"developer", "marketer", "administrator", "scopes", "a subuser by id", "a subuser by name", "a scope that is dropped", "a subuser with a scope that is dropped",
	}[a]
}

// isDropped reports whether SendGrid does not give all of it.
func (a access) isDropped() bool { return a == dropped || a == droppedSubuser }

// resolve returns the request.
func (q *declared) resolve() request.Resolved {
	r := request.Request{Kind: request.Absent, Teammate: &request.Teammate{Email: q.email}}
	if q.absent {
		return request.Resolved{Request: r}
	}
	r.Kind = request.Present
	r.Teammate.FirstName, r.Teammate.LastName = q.name, "Doe"
	switch q.access {
	case developer, marketer:
		r.Teammate.Persona = q.access.String()
	case administrator:
		r.Teammate.IsAdmin = true
	case scoped:
		r.Teammate.Scopes = []string{"mail.send", "stats.read"}
	case dropped:
		r.Teammate.Scopes = []string{"mail.send", droppedScope}
	case subuserByID:
		r.Teammate.Access = []request.Access{{Subuser: fmt.Sprint(subuserID), PermissionType: sendgrid.PermissionRestricted, Scopes: []string{scopeOfSubuser}}}
	case subuserByName:
		r.Teammate.Access = []request.Access{{Subuser: subuserName, PermissionType: sendgrid.PermissionAdmin}}
	case droppedSubuser:
		r.Teammate.Access = []request.Access{{Subuser: subuserName, PermissionType: sendgrid.PermissionRestricted, Scopes: []string{invalidScope, scopeOfSubuser}}}
	case accesses:
	}
	switch {
	case q.restore:
		r.IfExists = request.Restore
	case q.update:
		r.IfExists = request.UpdateExisting
	}
	return request.Resolved{Request: r}
}

func (q *declared) sameFields(other *declared) bool {
	return q.email == other.email && q.absent == other.absent && (q.absent || q.name == other.name && q.access == other.access)
}

// newPeopleSchedule draws a schedule.
func newPeopleSchedule(seed uint64) *peopleSchedule {
	r := rand.New(rand.NewPCG(seed, 3))
	s := &peopleSchedule{chance: chance{seed: seed, processes: 1 + r.IntN(3), lag: time.Duration(r.IntN(4)) * maxLag / 3}}
	span := []time.Duration{20 * time.Second, 60 * time.Second, 180 * time.Second}[r.IntN(3)]
	seconds := func(most time.Duration) time.Duration {
		return time.Duration(r.IntN(int(most/time.Second)+1)) * time.Second
	}
	emails := []string{"a@example.com", "b@example.com", "c@example.com"}[:1+r.IntN(3)]
	for _, email := range emails {
		if r.IntN(2) == 0 {
			s.initial = append(s.initial, initialTeammate{email: email, access: []access{developer, administrator, administrator, scoped}[r.IntN(4)], password: r.IntN(8) == 0})
		}
	}
	if r.IntN(2) == 0 {
		s.initial = append(s.initial, initialTeammate{email: rootEmail, access: administrator})
	}
	last := r.IntN(4) == 0 // Two administrators, one of whom has to stay.
	if last {
		emails = []string{"a@example.com", "b@example.com"}
		s.initial = []initialTeammate{{email: emails[0], access: administrator}, {email: emails[1], access: administrator}}
	}
	for n := range 1 + r.IntN(5) {
		q := &declared{
			sender: drawSender(r, n, seconds(span)), email: emails[r.IntN(len(emails))], name: "AB"[r.IntN(2):][:1],
			access: access(r.IntN(int(accesses))), update: r.IntN(4) > 0,
		}
		if last && r.IntN(4) == 0 {
			q.access = administrator
		}
		q.http, q.bare = r.IntN(5) == 0, r.IntN(3) == 0
		q.restore = q.update && r.IntN(4) == 0
		q.webhook = !q.update && r.IntN(2) == 0
		if r.IntN(16) == 0 {
			q.name = refusedByName
		}
		if r.IntN(40) == 0 {
			q.email = ownerEmail
		}
		if q.webhook && q.access == administrator { // Such a caller may not ask for one.
			q.access = developer
		}
		if r.IntN(4) == 0 {
			*q = declared{sender: q.sender, email: q.email, update: true, absent: true}
		}
		s.add(r, q, max(1, r.IntN(4)), seconds(span/2))
		if r.IntN(4) == 0 { // The same is declared again.
			again := *q
			again.number, again.at = len(s.requests)+10, q.at+seconds(span)
			s.add(r, &again, 1, 0)
		}
	}
	if r.IntN(3) == 0 {
		for range 1 + r.IntN(2) {
			s.edits = append(s.edits, peopleEdit{seconds(span * 2), append(emails, rootEmail)[r.IntN(len(emails)+1)], peopleAction(r.IntN(int(peopleActions)))})
		}
	}
	for range r.IntN(7) {
		f := fault{delivery: r.IntN(len(s.deliveries)), try: min(r.IntN(3), r.IntN(3)), call: r.IntN(12), mode: mode(1 + r.IntN(int(modes)-1))}
		if r.IntN(2) == 0 {
			f.write, f.call = true, min(r.IntN(3), r.IntN(3))
		}
		s.faults = append(s.faults, f)
	}
	return s
}

// add adds a request and copies of it, some of which come later.
func (s *peopleSchedule) add(r *rand.Rand, q *declared, copies int, later time.Duration) {
	s.requests = append(s.requests, q)
	for range copies {
		s.deliveries = append(s.deliveries, &peopleDelivery{
			number: len(s.deliveries), request: q, at: q.at + q.tie + later*time.Duration(r.IntN(2)), process: r.IntN(s.processes),
			length: []time.Duration{8 * time.Second, 25 * time.Second, 28 * time.Second}[r.IntN(3)], brief: r.IntN(3) == 0,
		})
	}
}

// without implements simplified.
func (s *peopleSchedule) without() []*peopleSchedule {
	var all []*peopleSchedule
	simpler := func(change func(*peopleSchedule)) {
		copied := *s
		change(&copied)
		all = append(all, &copied)
	}
	for rest := range lackingOne(s.deliveries) {
		simpler(func(c *peopleSchedule) { c.deliveries = rest })
	}
	for rest := range lackingOne(s.faults) {
		simpler(func(c *peopleSchedule) { c.faults = rest })
	}
	for rest := range lackingOne(s.edits) {
		simpler(func(c *peopleSchedule) { c.edits = rest })
	}
	for rest := range lackingOne(s.initial) {
		simpler(func(c *peopleSchedule) { c.initial = rest })
	}
	if s.lag > 0 {
		simpler(func(c *peopleSchedule) { c.lag = 0 })
	}
	return all
}

// String describes the schedule in readable steps, in the order in which they begin.
func (s *peopleSchedule) String() string {
	steps := stepsOf(s.deliveries, s.faults)
	for _, h := range s.edits {
		steps = append(steps, step{h.at, fmt.Sprintf("a person %s %s", h.action, h.email)})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, reads lag up to %s", s.seed, s.lag)
	for _, t := range s.initial {
		fmt.Fprintf(&b, "\n          there is %s: %s, password=%t", t.email, t.access, t.password)
	}
	return b.String() + inOrder(steps)
}

func (q *declared) String() string {
	kind, flags := "create", ""
	switch {
	case q.absent:
		kind = "absent"
	case q.restore:
		kind = "restore"
	case q.update:
		kind = "update"
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
	if q.webhook {
		flags += " webhook"
	}
	if !q.absent {
		flags += fmt.Sprintf(" name=%s access=%s", q.name, q.access)
	}
	return fmt.Sprintf("request %d (%s %s at %s,%s)", q.number, kind, q.email, q.at+q.tie, flags)
}
