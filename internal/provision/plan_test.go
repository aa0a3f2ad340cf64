package provision

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// The rules of the protocol, one by one, without any fake.
func TestMakePlan(t *testing.T) {
	t.Parallel()
	now := time.Now()
	request := Request{Name: "Okta", SigninURL: "https://a", SignoutURL: "https://b", EntityID: "urn:a"}
	other := request
	other.Name = "Another"
	as := func(r Request) *sendgrid.Integration {
		return &sendgrid.Integration{ID: "1", Name: r.Name, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID}
	}
	entry := func(state State, change ...func(*Entry)) Entry {
		e := Entry{State: state, Fingerprint: request.fingerprint(), Expires: now.Add(time.Hour)}
		if state == Completed {
			e.IntegrationID, e.Deliveries = "1", []string{"event-1"}
		}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	byOther := func(e *Entry) { e.Fingerprint = other.fingerprint() }
	rechecked := func(e *Entry) { e.Rechecked = true }
	unknownCreates := func(n int) func(*Entry) { return func(e *Entry) { e.UnknownCreates = n } }
	settles := func(d time.Duration) func(*Entry) { return func(e *Entry) { e.Settles = now.Add(d) } }
	leased := func(e *Entry) { e.Lease = now.Add(time.Minute) }
	delivered := Delivery{IDs: []string{"event-1"}}

	for name, tt := range map[string]struct {
		entry    Entry
		standing standing
		found    *sendgrid.Integration
		missing  bool // The recorded integration is missing.
		delivery Delivery
		step     step
		code     problem.Code
		wait     time.Duration
	}{
		"nothing exists":                                     {entry: entry(Leased), step: create},
		"it exists":                                          {entry: entry(Leased), found: as(request), step: answerUnchanged},
		"it exists and differs":                              {entry: entry(Leased), found: as(other), step: refuse, code: problem.Conflict},
		"completed, and exists":                              {entry: entry(Completed), standing: completed, found: as(request), step: answerUnchanged},
		"completed, and edited since":                        {entry: entry(Completed), standing: completed, found: as(other), step: answerUnchanged},
		"another request completed":                          {entry: entry(Completed, byOther), found: as(other), step: refuse, code: problem.Conflict},
		"completed, and gone":                                {entry: entry(Completed), standing: completed, missing: true, step: takeEntry},
		"completed, gone, and taken":                         {entry: entry(Completed), missing: true, step: create},
		"completed a moment ago, and missing":                {entry: entry(Completed, settles(time.Second)), standing: completed, missing: true, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"completed a moment ago, and missing, for its owner": {entry: entry(Completed, settles(time.Second)), missing: true, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"completed for long, and missing":                    {entry: entry(Completed, settles(-time.Second)), standing: completed, missing: true, step: takeEntry},
		"created by this delivery, and gone":                 {entry: entry(Completed), standing: completed, missing: true, delivery: delivered, step: refuse, code: problem.Gone},
		"created by this delivery, and not gone for sure":    {entry: entry(Completed, settles(time.Second)), missing: true, delivery: delivered, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"announced, and nothing exists":                      {entry: entry(Creating), step: recheck, wait: time.Minute},
		"unknown, and nothing exists":                        {entry: entry(Unknown), step: recheck, wait: time.Minute},
		"unknown and rechecked":                              {entry: entry(Unknown, rechecked), step: create},
		"three unknown creates, before the recheck":          {entry: entry(Unknown, unknownCreates(3)), step: recheck, wait: time.Minute},
		"three unknown creates, rechecked":                   {entry: entry(Unknown, rechecked, unknownCreates(3)), step: refuse, code: problem.OutcomeUnknown},
		"three unknown creates, and one exists":              {entry: entry(Unknown, rechecked, unknownCreates(3)), found: as(request), step: adopt},
		"announced, and exists":                              {entry: entry(Creating), found: as(request), step: adopt},
		"announced, and exists with another value":           {entry: entry(Creating), found: as(other), step: adopt},
		"announced by another request, and exists":           {entry: entry(Creating, byOther), found: as(request), step: answerUnchanged},
		"announced by another request, and differs":          {entry: entry(Creating, byOther), found: as(other), step: refuse, code: problem.Conflict},
		"settling, and nothing exists":                       {entry: entry(Unknown, leased), standing: spectator, step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},
		"settling, and exists":                               {entry: entry(Unknown, leased), standing: spectator, found: as(request), step: answerUnchanged},
		"settling, and something else exists":                {entry: entry(Unknown, leased), standing: spectator, found: as(other), step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := makePlan(view{
				request: request, delivery: tt.delivery, entry: tt.entry, standing: tt.standing,
				observation: observation{integration: tt.found, recordedMissing: tt.missing}, now: now, settling: time.Minute,
			})
			require.Equal(t, tt.step, p.step)
			if tt.step == recheck {
				require.Equal(t, tt.wait, p.wait)
			}
			var failure *problem.Error
			require.Equal(t, tt.code != "", errors.As(p.err, &failure))
			if tt.code != "" {
				require.Equal(t, tt.code, failure.Code)
				require.Equal(t, tt.wait, failure.RetryAfter)
				require.Equal(t, tt.wait > 0, failure.Retryable())
			}
		})
	}
}

// The one rule of who may take an entry.
func TestAvailability(t *testing.T) {
	t.Parallel()
	now := time.Now()
	later, earlier := now.Add(time.Second), now.Add(-time.Second)
	for name, tt := range map[string]struct {
		entry       Entry
		fingerprint string
		want        Availability
	}{
		"no entry":                      {Entry{}, "a", Available},
		"free":                          {Entry{State: Free, Expires: later}, "a", Available},
		"leased":                        {Entry{State: Leased, Owner: "o", Lease: later, Expires: later}, "a", LeasedToAnother},
		"lease ended":                   {Entry{State: Creating, Owner: "o", Lease: earlier, Expires: later}, "a", Available},
		"lease ends now":                {Entry{State: Creating, Owner: "o", Lease: now, Expires: later}, "a", Available},
		"settling":                      {Entry{State: Unknown, Lease: later, Expires: later}, "a", Settling},
		"settled":                       {Entry{State: Unknown, Lease: earlier, Expires: later}, "a", Available},
		"taken over":                    {Entry{State: Unknown, Owner: "o", Lease: later, Expires: later}, "a", LeasedToAnother},
		"completed":                     {Entry{State: Completed, Fingerprint: "a", Expires: later}, "a", AlreadyCompleted},
		"another completed":             {Entry{State: Completed, Fingerprint: "b", Expires: later}, "a", Available},
		"completed, no fingerprint":     {Entry{State: Completed, Fingerprint: "a", Expires: later}, "", Available},
		"completed, without one itself": {Entry{State: Completed, Expires: later}, "", Available},
		"completed and leased":          {Entry{State: Completed, Fingerprint: "a", Owner: "o", Lease: later, Expires: later}, "a", LeasedToAnother},
		"announced, not completed":      {Entry{State: Unknown, Fingerprint: "a", Expires: later}, "a", Available},
		"expired":                       {Entry{State: Completed, Fingerprint: "a", Owner: "o", Lease: later, Expires: earlier}, "a", Available},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.entry.availability(tt.fingerprint, now))
		})
	}
}

// Taking an entry changes its owner and lease, and nothing of what it records.
func TestTakingAnEntry(t *testing.T) {
	t.Parallel()
	now := time.Now()
	e := Entry{
		Key: "k", EntityID: "urn:a", Revision: 7, State: Unknown, Fingerprint: "f", UnknownCreates: 2, Rechecked: true,
		Deliveries: []string{"d"}, Expires: now.Add(time.Hour),
	}
	taken := e.taken("o", now.Add(time.Minute), now)
	want := e
	want.Revision, want.Owner, want.Lease, want.Expires = 8, "o", now.Add(time.Minute), now.Add(retention)
	require.Equal(t, want, taken)
	require.Equal(t, Unknown, taken.released().State)

	e.Expires = now.Add(-time.Second)
	taken = e.taken("o", now.Add(time.Minute), now)
	require.Equal(t, Entry{
		Key: "k", EntityID: "urn:a", Revision: 8, Owner: "o", State: Leased, Lease: now.Add(time.Minute), Expires: now.Add(retention),
	}, taken, "what has expired is forgotten")
	require.Equal(t, Free, taken.released().State)
}
