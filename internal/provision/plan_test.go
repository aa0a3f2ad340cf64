package provision

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// The rules of the protocol, one by one, without any fake.
func TestMakePlan(t *testing.T) {
	t.Parallel()
	now := time.Now()
	plain := Request{Name: "Okta", SigninURL: "https://a", SignoutURL: "https://b", EntityID: "urn:a"}
	other := plain
	other.Name = "Another"
	updating := plain
	updating.IfExists = UpdateExisting
	completing := updating
	completing.CompletedIntegration = new(true)
	withCertificates := plain
	withCertificates.Certificates = []saml.Certificate{{SHA256: "a"}, {SHA256: "b"}}
	updatingCertificates := withCertificates
	updatingCertificates.IfExists = UpdateExisting

	as := func(r Request) observation {
		return observation{integration: &sendgrid.Integration{
			ID: "1", Name: r.Name, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID,
		}}
	}
	having := func(o observation, hashes ...string) observation {
		for _, hash := range hashes {
			o.certificates = append(o.certificates, storedCertificate{sha256: hash})
		}
		return o
	}
	sent := func(o observation) observation {
		o.updateSent = true
		return o
	}
	nothing, lost := observation{}, observation{recordedMissing: true}

	// entry is that of a request.
	entry := func(r Request, state State, change ...func(*Entry)) Entry {
		e := Entry{State: state, Fingerprint: r.fingerprint(), Outcome: OutcomeCreated, Expires: now.Add(time.Hour)}
		if state == Completed || state == Pending || state == Adding {
			e.IntegrationID, e.Deliveries = "1", []string{"event-1"}
		}
		for _, c := range change {
			c(&e)
		}
		return e
	}
	rechecked := func(e *Entry) { e.Rechecked = true }
	unknownCreates := func(n int) func(*Entry) { return func(e *Entry) { e.UnknownCreates = n } }
	settles := func(d time.Duration) func(*Entry) { return func(e *Entry) { e.Settles = now.Add(d) } }
	applied := func(d time.Duration) func(*Entry) { return func(e *Entry) { e.Applied = now.Add(d) } }
	stale := func(d time.Duration) func(*Entry) { return func(e *Entry) { e.Stale = now.Add(d) } }
	leased := func(e *Entry) { e.Lease = now.Add(time.Minute) }
	updated := func(e *Entry) { e.Outcome = OutcomeUpdated }
	of := func(id, certificate string) func(*Entry) {
		return func(e *Entry) { e.IntegrationID, e.Certificate = id, certificate }
	}
	added := func(hashes ...string) func(*Entry) { return func(e *Entry) { e.Added = hashes } }
	delivered := Delivery{IDs: []string{"event-1"}, Time: now}

	for name, tt := range map[string]struct {
		request  Request
		entry    Entry
		standing standing
		seen     observation
		delivery Delivery
		step     step
		code     problem.Code
		wait     time.Duration
		adds     string
	}{
		// Nothing exists.
		"nothing exists":                                  {request: plain, entry: entry(plain, Leased), seen: nothing, step: create},
		"completed, and gone":                             {request: plain, entry: entry(plain, Completed), standing: completed, seen: lost, step: takeEntry},
		"completed, gone, and taken":                      {request: plain, entry: entry(plain, Completed), seen: lost, step: create},
		"completed a moment ago, and missing":             {request: plain, entry: entry(plain, Completed, settles(time.Second)), standing: completed, seen: lost, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"pending a moment ago, and missing":               {request: plain, entry: entry(plain, Pending, settles(time.Second)), seen: lost, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"completed for long, and missing":                 {request: plain, entry: entry(plain, Completed, settles(-time.Second)), standing: completed, seen: lost, step: takeEntry},
		"created by this delivery, and gone":              {request: plain, entry: entry(plain, Completed), standing: completed, seen: lost, delivery: delivered, step: refuse, code: problem.Gone},
		"created by this delivery, and not gone for sure": {request: plain, entry: entry(plain, Completed, settles(time.Second)), seen: lost, delivery: delivered, step: refuse, code: problem.OutcomeUnknown, wait: time.Second},
		"older than what was applied, and gone":           {request: plain, entry: entry(other, Completed, applied(time.Second)), seen: lost, step: refuse, code: problem.Gone},
		"announced, and nothing exists":                   {request: plain, entry: entry(plain, Creating), seen: nothing, step: recheck},
		"unknown, and nothing exists":                     {request: plain, entry: entry(plain, Unknown), seen: nothing, step: recheck},
		"unknown and rechecked":                           {request: plain, entry: entry(plain, Unknown, rechecked), seen: nothing, step: create},
		"three unknown creates, before the recheck":       {request: plain, entry: entry(plain, Unknown, unknownCreates(3)), seen: nothing, step: recheck},
		"three unknown creates, rechecked":                {request: plain, entry: entry(plain, Unknown, rechecked, unknownCreates(3)), seen: nothing, step: refuse, code: problem.OutcomeUnknown},
		"settling, and nothing exists":                    {request: plain, entry: entry(plain, Unknown, leased), standing: spectator, seen: nothing, step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},

		// It exists, and nobody works on it.
		"it exists":                                  {request: plain, entry: entry(plain, Leased), seen: as(plain), step: answerUnchanged},
		"it exists and differs":                      {request: plain, entry: entry(plain, Leased), seen: as(other), step: refuse, code: problem.Conflict},
		"completed, and exists":                      {request: plain, entry: entry(plain, Completed), standing: completed, seen: as(plain), step: answerUnchanged},
		"completed, and edited since":                {request: plain, entry: entry(plain, Completed), standing: completed, seen: as(other), step: answerUnchanged},
		"completed, and a certificate removed since": {request: withCertificates, entry: entry(withCertificates, Completed), standing: completed, seen: as(plain), step: answerUnchanged},
		"completed with an update, edited since":     {request: updating, entry: entry(updating, Completed), standing: completed, seen: as(other), step: answerUnchanged},
		"another request completed":                  {request: plain, entry: entry(other, Completed), seen: as(other), step: refuse, code: problem.Conflict},
		"a certificate is missing":                   {request: withCertificates, entry: entry(other, Leased), seen: having(as(plain), "a"), step: refuse, code: problem.Conflict},
		"all certificates are there, and more":       {request: withCertificates, entry: entry(other, Leased), seen: having(as(plain), "b", "c", "a"), step: answerUnchanged},

		// Updates.
		"update of what differs":                    {request: updating, entry: entry(other, Completed), seen: as(other), step: update},
		"update of what was made by hand":           {request: updating, entry: entry(updating, Leased), seen: as(other), step: update},
		"update of nothing":                         {request: updating, entry: entry(other, Completed), seen: as(plain), step: answerUnchanged},
		"update of completed_integration":           {request: completing, entry: entry(other, Completed), seen: as(plain), step: update},
		"update of certificates":                    {request: updatingCertificates, entry: entry(other, Completed), seen: as(plain), step: update},
		"older update":                              {request: updating, entry: entry(other, Completed, applied(time.Second)), seen: as(other), step: answerSuperseded},
		"older request that differs":                {request: plain, entry: entry(other, Completed, applied(time.Second)), seen: as(other), step: answerSuperseded},
		"older request that is satisfied":           {request: plain, entry: entry(other, Completed, applied(time.Second)), seen: as(plain), step: answerUnchanged},
		"update announced, and not sent":            {request: updating, entry: entry(updating, Pending, updated), seen: as(other), step: update},
		"update announced, and done":                {request: updating, entry: entry(updating, Pending, updated), seen: as(plain), step: complete},
		"update sent, and SendGrid changed a value": {request: updating, entry: entry(updating, Pending, updated), seen: sent(as(other)), step: complete},
		"update unknown":                            {request: updating, entry: entry(updating, Unknown, updated, of("1", "")), seen: as(other), step: update},
		"update announced by another request":       {request: plain, entry: entry(updating, Pending, updated, func(e *Entry) { e.Fingerprint = "x" }), seen: as(other), step: refuse, code: problem.Conflict},

		// What is shown may be older than the last update.
		"updated a moment ago, and shown as requested":  {request: updating, entry: entry(other, Completed, stale(time.Second)), seen: as(plain), step: update},
		"updated a moment ago, and an older update":     {request: updating, entry: entry(other, Completed, stale(time.Second), applied(time.Second)), seen: as(plain), step: answerSuperseded},
		"updated a moment ago, and no update":           {request: plain, entry: entry(other, Completed, stale(time.Minute)), seen: as(plain), step: refuse, code: problem.InProgress, wait: time.Minute},
		"updated a moment ago, and the same again":      {request: updating, entry: entry(updating, Completed, stale(time.Second)), standing: completed, seen: as(other), step: answerUnchanged},
		"updated a moment ago, and another is there":    {request: updating, entry: entry(other, Completed, stale(time.Second), of("2", "")), seen: as(plain), step: answerUnchanged},
		"updated a while ago, and shown as requested":   {request: updating, entry: entry(other, Completed, stale(0)), seen: as(plain), step: answerUnchanged},
		"another update settles, and this one is shown": {request: updating, entry: entry(other, Unknown, updated, of("1", ""), leased), standing: spectator, seen: as(plain), step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},
		"this update settles, and is shown":             {request: updating, entry: entry(updating, Unknown, updated, of("1", ""), leased), standing: spectator, seen: as(plain), step: answerUnchanged},

		// Creates of unknown outcome that show something.
		"announced, and exists":                     {request: plain, entry: entry(plain, Creating), seen: as(plain), step: adopt},
		"announced, and exists with another value":  {request: plain, entry: entry(plain, Creating), seen: as(other), step: adopt},
		"three unknown creates, and one exists":     {request: plain, entry: entry(plain, Unknown, rechecked, unknownCreates(3)), seen: as(plain), step: adopt},
		"announced by another request, and exists":  {request: plain, entry: entry(other, Creating), seen: as(plain), step: answerUnchanged},
		"announced by another request, and differs": {request: plain, entry: entry(other, Creating), seen: as(other), step: refuse, code: problem.Conflict},
		"settling, and exists":                      {request: plain, entry: entry(plain, Unknown, leased), standing: spectator, seen: as(plain), step: answerUnchanged},
		"settling, and something else exists":       {request: plain, entry: entry(plain, Unknown, leased), standing: spectator, seen: as(other), step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},

		// Certificates.
		"created, and all certificates are missing":                 {request: withCertificates, entry: entry(withCertificates, Pending), seen: as(plain), step: addCertificate, adds: "a"},
		"created and edited, certificates are missing":              {request: withCertificates, entry: entry(withCertificates, Pending), seen: as(other), step: addCertificate, adds: "a"},
		"created, and one certificate is missing":                   {request: withCertificates, entry: entry(withCertificates, Pending), seen: having(as(plain), "a"), step: addCertificate, adds: "b"},
		"added a moment ago, and not shown yet":                     {request: withCertificates, entry: entry(withCertificates, Pending, added("a"), settles(time.Second)), seen: as(plain), step: addCertificate, adds: "b"},
		"added for long, and not shown":                             {request: withCertificates, entry: entry(withCertificates, Pending, added("a"), settles(-time.Second)), seen: as(plain), step: addCertificate, adds: "a"},
		"all certificates are there":                                {request: withCertificates, entry: entry(withCertificates, Pending), seen: having(as(plain), "a", "b"), step: complete},
		"a certificate was announced, and is there":                 {request: withCertificates, entry: entry(withCertificates, Adding, of("1", "a")), seen: having(as(plain), "a"), step: adoptCertificate},
		"a certificate was announced, and is not":                   {request: withCertificates, entry: entry(withCertificates, Adding, of("1", "a")), seen: as(plain), step: recheck},
		"a certificate is unknown":                                  {request: withCertificates, entry: entry(withCertificates, Unknown, of("1", "b")), seen: having(as(plain), "a"), step: recheck},
		"a certificate is unknown and rechecked":                    {request: withCertificates, entry: entry(withCertificates, Unknown, of("1", "b"), rechecked), seen: as(plain), step: addCertificate, adds: "b"},
		"a certificate is unknown three times":                      {request: withCertificates, entry: entry(withCertificates, Unknown, of("1", "b"), rechecked, unknownCreates(3)), seen: as(plain), step: refuse, code: problem.OutcomeUnknown},
		"another request's certificate was announced, and is there": {request: updating, entry: entry(withCertificates, Adding, of("1", "a")), seen: having(as(other), "a"), step: adoptCertificate},
		"another request's certificate was announced, and is not":   {request: updatingCertificates, entry: entry(other, Adding, of("1", "a")), seen: as(plain), step: recheck},
		"another request's certificate is unknown, and rechecked":   {request: updatingCertificates, entry: entry(other, Unknown, of("1", "a"), rechecked), seen: as(plain), step: update},
		"another request has steps left, and this one is satisfied": {request: plain, entry: entry(withCertificates, Pending), seen: as(plain), step: answerUnchanged},
		"settling, and a certificate is missing":                    {request: withCertificates, entry: entry(withCertificates, Unknown, of("1", "b"), leased), standing: spectator, seen: as(plain), step: refuse, code: problem.OutcomeUnknown, wait: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.delivery.Time.IsZero() {
				tt.delivery.Time = now
			}
			p := makePlan(view{request: tt.request, delivery: tt.delivery, entry: tt.entry, standing: tt.standing, observation: tt.seen, now: now})
			require.Equal(t, tt.step, p.step)
			require.Equal(t, tt.adds, p.certificate.SHA256)
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
		want        availability
	}{
		"no entry":                      {Entry{}, "a", available},
		"free":                          {Entry{State: Free, Expires: later}, "a", available},
		"leased":                        {Entry{State: Leased, Owner: "o", Lease: later, Expires: later}, "a", leasedToAnother},
		"lease ended":                   {Entry{State: Creating, Owner: "o", Lease: earlier, Expires: later}, "a", available},
		"lease ends now":                {Entry{State: Creating, Owner: "o", Lease: now, Expires: later}, "a", available},
		"settling":                      {Entry{State: Unknown, Lease: later, Expires: later}, "a", settling},
		"settled":                       {Entry{State: Unknown, Lease: earlier, Expires: later}, "a", available},
		"taken over":                    {Entry{State: Unknown, Owner: "o", Lease: later, Expires: later}, "a", leasedToAnother},
		"completed":                     {Entry{State: Completed, Fingerprint: "a", Expires: later}, "a", alreadyCompleted},
		"another completed":             {Entry{State: Completed, Fingerprint: "b", Expires: later}, "a", available},
		"completed, no fingerprint":     {Entry{State: Completed, Fingerprint: "a", Expires: later}, "", available},
		"completed, without one itself": {Entry{State: Completed, Expires: later}, "", available},
		"completed and leased":          {Entry{State: Completed, Fingerprint: "a", Owner: "o", Lease: later, Expires: later}, "a", leasedToAnother},
		"announced, not completed":      {Entry{State: Unknown, Fingerprint: "a", Expires: later}, "a", available},
		"expired":                       {Entry{State: Completed, Fingerprint: "a", Owner: "o", Lease: later, Expires: earlier}, "a", available},
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
