package protocol

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// full returns an entry of which every field is set.
func full(state State) Entry {
	return Entry{
		Key: "k", EntityID: "urn:a", Revision: 7, Owner: "o", Lease: now, State: state, Fingerprint: "g", Outcome: OutcomeCreated,
		Announced: ordered(-time.Minute), Applied: ordered(-time.Hour), Deliveries: []string{"d"},
		IntegrationID: "1", Gone: "0", Settles: now, Stale: now, Baseline: "b", Added: []string{"a"}, Update: "u", Certificate: "c",
		UnknownCreates: 2, UnknownCertificates: map[string]int{"c": 2, "x": 1}, Rechecked: true, Expires: now,
	}
}

func TestAnnounce(t *testing.T) {
	t.Parallel()
	settled := now.Add(time.Minute)
	announced := func(e *Entry) { e.Fingerprint, e.Announced = "f", ordered(0) }
	for name, tt := range map[string]struct {
		before Entry
		write  Write
		want   Entry
	}{
		"create": {full(Free), Write{Kind: CreateResource}, with(full(Creating), announced, func(e *Entry) {
			e.Gone, e.IntegrationID, e.Settles, e.Stale, e.UnknownCreates = "1", "", time.Time{}, time.Time{}, 0
			e.Added, e.Baseline, e.UnknownCertificates, e.Update, e.Certificate, e.Rechecked = nil, "", nil, "", "", false
		})},
		"create again": {with(full(Unknown), of("")), Write{Kind: CreateResource}, with(full(Creating), of(""), announced, func(e *Entry) {
			e.Settles, e.Stale = time.Time{}, time.Time{}
			e.Added, e.Baseline, e.UnknownCertificates, e.Update, e.Certificate, e.Rechecked = nil, "", nil, "", "", false
		})},
		"update": {full(Completed), Write{Kind: UpdateResource, Integration: "1", Subject: "d"}, with(full(Pending), announced, updated, func(e *Entry) {
			e.Update, e.Certificate, e.Rechecked = "d", "", false
		})},
		"update of another integration": {full(Completed), Write{Kind: UpdateResource, Integration: "2", Subject: "d"}, with(full(Pending), announced, updated, of("2"), func(e *Entry) {
			e.Settles, e.Stale, e.Added, e.Baseline, e.UnknownCreates = settled, time.Time{}, nil, "", 0
			e.Update, e.Certificate, e.Rechecked = "d", "", false
		})},
		"certificate": {full(Completed), Write{Kind: CreateCertificate, Integration: "1", Subject: "x"}, with(full(Adding), announced, updated, func(e *Entry) {
			e.Update, e.Certificate, e.Rechecked, e.UnknownCreates = "", "x", false, 1
		})},
		"certificate again, counted by version 1.0": {full(Unknown), Write{Kind: CreateCertificate, Integration: "1", Subject: "c"}, with(full(Adding), announced, updated, func(e *Entry) {
			e.Update, e.Rechecked = "", false
		})},
		"certificate of a create that is not completed": {with(full(Pending), announced), Write{Kind: CreateCertificate, Integration: "1", Subject: "y"}, with(full(Adding), announced, func(e *Entry) {
			e.Update, e.Certificate, e.Rechecked, e.UnknownCreates = "", "y", false, 0
		})},
		"certificate of a create that made another integration": {with(full(Pending), announced), Write{Kind: CreateCertificate, Integration: "2", Subject: "y"}, with(full(Adding), announced, updated, of("2"), func(e *Entry) {
			e.Settles, e.Stale, e.Added, e.Baseline, e.UnknownCreates = settled, time.Time{}, nil, "", 0
			e.Update, e.Certificate, e.Rechecked = "", "y", false
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.before.Announce(tt.write, plain, settled), "an announced write is not applied")
		})
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	settled := now.Add(time.Minute)
	known := func(e *Entry) { e.Applied, e.UnknownCreates, e.Rechecked = ordered(-time.Minute), 0, false }
	for name, tt := range map[string]struct {
		before Entry
		write  Write
		want   Entry
	}{
		"create": {with(full(Creating), of("")), Write{Kind: CreateResource}, with(full(Pending), known, func(e *Entry) {
			e.Settles, e.Stale, e.Added, e.Baseline, e.Update, e.Certificate = settled, time.Time{}, nil, "", "", ""
		})},
		"update": {full(Pending), Write{Kind: UpdateResource}, with(full(Pending), known, func(e *Entry) {
			e.Update, e.Stale = "", settled
		})},
		"certificate": {full(Adding), Write{Kind: CreateCertificate, Subject: "c"}, with(full(Pending), known, func(e *Entry) {
			e.Settles, e.Added, e.Certificate, e.UnknownCertificates = settled, []string{"a", "c"}, "", map[string]int{"x": 1}
		})},
		"an older request": {with(full(Pending), applied(time.Hour)), Write{Kind: UpdateResource}, with(full(Pending), known, applied(time.Hour), func(e *Entry) {
			e.Update, e.Stale = "", settled
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := tt.before
			require.Equal(t, tt.want, before.Confirm(tt.write, "1", settled))
			require.Equal(t, tt.before, before, "the entry before is not changed")
		})
	}
}

func TestUnknownOutcomesAreCountedByWhatTheyWouldMake(t *testing.T) {
	t.Parallel()
	lease := now.Add(time.Minute)
	left := func(e *Entry) { e.State, e.Owner, e.Lease = Unknown, "", lease }
	twice := func(e *Entry) { e.Rechecked = true }
	create, certificate, update := with(full(Creating), of("")), full(Adding), with(full(Pending), func(e *Entry) { e.Certificate = "" })

	require.Equal(t, with(create, left, unknown(3)), create.LeaveUnknown(lease))
	require.Equal(t, with(update, left), update.LeaveUnknown(lease), "an update may be repeated")
	counted := func(e *Entry) { e.UnknownCreates, e.UnknownCertificates = 3, map[string]int{"c": 3, "x": 1} }
	require.Equal(t, with(certificate, left, counted), certificate.LeaveUnknown(lease))
	require.Equal(t, map[string]int{"c": 2, "x": 1}, certificate.UnknownCertificates, "the entry before is not changed")
	first := Entry{State: Adding, IntegrationID: "1", Certificate: "c"}
	require.Equal(t, map[string]int{"c": 1}, first.LeaveUnknown(lease).UnknownCertificates)

	require.Equal(t, with(create, left, twice, unknown(3)), create.Recheck(lease), "whoever announced it did not count it")
	settled := with(create, func(e *Entry) { e.State = Unknown })
	require.Equal(t, with(settled, left, twice), settled.Recheck(lease))
}

// Whoever takes an entry reconciles a write that was announced before.
func TestReconcile(t *testing.T) {
	t.Parallel()
	settled := now.Add(time.Minute)
	announced := func(e Entry) Entry { e.Announced = ordered(time.Second); return e }
	shown := func(id, digest string, hashes ...string) Shown {
		return Shown{Exists: id != "", ID: id, Digest: digest, Certificates: hashes}
	}
	for name, tt := range map[string]struct {
		before Entry
		shown  Shown
		want   func(Entry) Entry
	}{
		"a create that is there": {entry(plain, Creating), shown("1", "x"), func(e Entry) Entry { return e.Confirm(Write{Kind: CreateResource}, "1", settled) }},
		"an unknown create that is there": {entry(plain, Unknown), shown("1", "x"), func(e Entry) Entry {
			return e.Confirm(Write{Kind: CreateResource}, "1", settled)
		}},
		"a create that is not there":     {entry(plain, Creating), nothing, nil},
		"a create without an id":         {entry(plain, Creating), half, nil},
		"no create":                      {entry(plain, Free), shown("1", "x"), nil},
		"a certificate that is there":    {entry(plain, Adding, awaits("a")), shown("1", "x", "b", "a"), func(e Entry) Entry { return e.Confirm(Write{Kind: CreateCertificate, Subject: "a"}, "1", settled) }},
		"an unknown certificate that is": {entry(plain, Unknown, awaits("a")), shown("1", "x", "a"), func(e Entry) Entry { return e.Confirm(Write{Kind: CreateCertificate, Subject: "a"}, "1", settled) }},
		"a certificate that is not":      {entry(plain, Adding, awaits("a")), shown("1", "x", "b"), nil},
		"a certificate of another":       {entry(plain, Adding, awaits("a")), shown("2", "x", "a"), nil},
		"an update that is there": {entry(plain, Pending, func(e *Entry) { e.Update = "d" }), shown("1", "d"), func(e Entry) Entry {
			return e.Confirm(Write{Kind: UpdateResource}, "1", time.Time{})
		}},
		"an update that is not": {entry(plain, Unknown, of("1"), func(e *Entry) { e.Update = "d" }), shown("1", "x"), func(e Entry) Entry { e.Update = ""; return e }},
		"an update of another":  {entry(plain, Pending, func(e *Entry) { e.Update = "d" }), shown("2", "d"), func(e Entry) Entry { e.Update = ""; return e }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := announced(tt.before)
			want := before
			if tt.want != nil {
				want = tt.want(before)
			}
			confirmed, after := before.Reconcile(tt.shown, settled)
			require.Equal(t, want, after)
			require.Equal(t, after.Applied == before.Announced && before.Announced != before.Applied, confirmed != Write{})
		})
	}
}

// Only SendGrid's response to the create says that the integration is this function's and has no
// certificate; whatever is announced or found after that ends it.
func TestBare(t *testing.T) {
	t.Parallel()
	create := Write{Kind: CreateResource, Acknowledged: true}
	creating := Entry{State: Free}.Announce(create, plain, now)
	require.False(t, creating.Bare)
	created := creating.Confirm(create, "1", now)
	require.True(t, created.Bare)
	require.True(t, created.Complete(plain, "1", true, now, time.Time{}).Bare)
	require.False(t, creating.Confirm(Write{Kind: CreateResource}, "1", now).Bare, "found by reading")
	_, found := creating.Reconcile(asRequested, now)
	require.False(t, found.Bare)
	require.False(t, created.Complete(plain, "2", true, now, time.Time{}).Bare, "another integration")
	require.False(t, created.Announce(Write{Kind: UpdateResource, Integration: "1"}, plain, now).Bare)
	certificate := Write{Kind: CreateCertificate, Integration: "1", Subject: "a"}
	require.False(t, created.Announce(certificate, update, now).Bare, "an update's certificate")
	first := created.Announce(certificate, certified, now).Confirm(certificate, "1", now)
	require.True(t, first.Bare, "a plain request's first certificate, of maybe several")
	require.False(t, first.Complete(certified, "1", true, now, time.Time{}).Bare)
	require.False(t, created.Announce(create, plain, now).Bare, "it was deleted")
}
