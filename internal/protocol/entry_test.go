package protocol

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The one rule of who may take an entry.
func TestAvailability(t *testing.T) {
	t.Parallel()
	later, earlier := now.Add(time.Second), now.Add(-time.Second)
	for name, tt := range map[string]struct {
		entry Entry
		want  Availability
	}{
		"no entry":             {Entry{}, Available},
		"free":                 {Entry{State: Free, Expires: later}, Available},
		"leased":               {Entry{State: Free, Owner: "o", Lease: later, Expires: later}, Leased},
		"lease ended":          {Entry{State: Creating, Owner: "o", Lease: earlier, Expires: later}, Available},
		"lease ends now":       {Entry{State: Creating, Owner: "o", Lease: now, Expires: later}, Available},
		"settling":             {Entry{State: Unknown, Lease: later, Expires: later}, Settling},
		"settled":              {Entry{State: Unknown, Lease: earlier, Expires: later}, Available},
		"completed, settling":  {Entry{State: Completed, Lease: later, Expires: later}, Settling},
		"completed and leased": {Entry{State: Completed, Owner: "o", Lease: later, Expires: later}, Leased},
		"expired":              {Entry{State: Completed, Owner: "o", Lease: later, Expires: earlier}, Available},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.entry.Availability(now))
		})
	}
}

// A request that most likely only reads takes no entry, and keeps no writer waiting.
func TestReadable(t *testing.T) {
	t.Parallel()
	expired := func(e *Entry) { e.Expires = now.Add(-time.Second) }
	for name, tt := range map[string]struct {
		asked Asked
		entry Entry
		want  bool
	}{
		"plain, and completed":                {plain, entry(plain, Completed), true},
		"plain, and completed by version 1.0": {plain, entry(plain, Completed, func(e *Entry) { e.Baseline = "" }), false},
		"restore, and completed by it":        {restoring, entry(update, Completed, applied(0)), false},
		"restore, and older":                  {restoring, entry(update, Completed, applied(time.Second)), true},
		"plain, and another completed":        {plain, entry(other, Completed), true},
		"plain, and made by hand":             {plain, entry(plain, Free, of("1")), true},
		"plain, and nothing known":            {plain, entry(plain, Free), false},
		"plain, and steps left":               {plain, entry(plain, Pending), false},
		"plain, and a certificate announced":  {plain, entry(plain, Adding), false},
		"plain, and a create announced":       {plain, entry(plain, Creating), false},
		"plain, and a create unknown":         {plain, entry(plain, Unknown), false},
		"plain, and expired":                  {plain, entry(plain, Completed, expired), false},
		"update, and another completed":       {update, entry(other, Completed), false},
		"update, and completed by it":         {update, entry(update, Completed, applied(0)), true},
		"update, and completed by an older":   {update, entry(update, Completed, applied(-time.Second)), false},
		"update, and completed by a newer":    {update, entry(update, Completed, applied(time.Second)), true},
		"update, and older":                   {update, entry(other, Completed, applied(time.Second)), true},
		"update, and applied by it":           {update, entry(other, Completed, remembers), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, tt.entry.Readable(tt.asked, now))
		})
	}
}

// Taking an entry changes its owner and lease, and nothing of what it records.
func TestTake(t *testing.T) {
	t.Parallel()
	lease := now.Add(time.Minute)
	for _, state := range []State{Creating, Pending, Adding, Unknown, Completed, Free} {
		e := Entry{
			Key: "k", EntityID: "urn:a", Revision: 7, State: state, Fingerprint: "f", UnknownCreates: 2, Rechecked: true,
			Deliveries: []string{"d"}, Applied: ordered(0), Expires: now.Add(time.Hour),
		}
		want := e
		want.Owner, want.Lease, want.Expires = "o", lease, now.Add(15*24*time.Hour)
		require.Equal(t, want, e.Take("o", lease, now), state)

		e.Expires = now.Add(-time.Second)
		want = Entry{Key: "k", EntityID: "urn:a", Revision: 7, Owner: "o", State: Free, Lease: lease, Expires: want.Expires}
		require.Equal(t, want, e.Take("o", lease, now), "what has expired is forgotten")
	}
	require.Equal(t, Free, Entry{State: "leased", Expires: now.Add(1)}.Take("o", lease, now).State, "a state of version 1.0")
}

func TestRelease(t *testing.T) {
	t.Parallel()
	e := Entry{State: Pending, Owner: "o", Lease: now, Fingerprint: "f"}
	require.Equal(t, Entry{State: Pending, Fingerprint: "f"}, e.Release(time.Time{}))
	require.Equal(t, now.Add(1), e.Release(now.Add(1)).Lease)
}

// An integration that exists without this function is noticed, so that later requests only read.
func TestNotice(t *testing.T) {
	t.Parallel()
	require.Equal(t, Entry{State: Free, IntegrationID: "1", Settles: now}, Entry{State: Free}.Notice("1", now))
	for _, e := range []Entry{{State: Free, IntegrationID: "2"}, {State: Creating}, {State: Completed, IntegrationID: "2"}} {
		require.Equal(t, e, e.Notice("1", now))
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	settled, hold := now.Add(time.Minute), now.Add(time.Second)
	before := Entry{
		State: Adding, Owner: "o", Lease: now, Fingerprint: "g", Outcome: OutcomeCreated, Announced: ordered(0), Applied: ordered(-time.Hour),
		Deliveries: []string{"event:0"}, IntegrationID: "1", Settles: now, Stale: now, Added: []string{"a"},
		Update: "d", Certificate: "b", UnknownCreates: 2, UnknownCertificates: map[string]int{"b": 2}, Rechecked: true,
	}
	want := Entry{
		State: Completed, Lease: hold, Fingerprint: "f", Applied: ordered(0), Deliveries: []string{"event:0", "event:1"},
		IntegrationID: "1", Settles: now, Stale: now, Added: []string{"a"}, UnknownCertificates: map[string]int{"b": 2},
	}
	require.Equal(t, want, before.Complete(plain, "1", true, settled, hold))

	want.Applied, want.Deliveries = before.Applied, before.Deliveries
	require.Equal(t, want, before.Complete(plain, "1", false, settled, hold), "a request that is not applied is not ordered")

	before.Applied = ordered(time.Hour)
	require.Equal(t, before.Applied, before.Complete(plain, "1", true, settled, hold).Applied, "the newest one stays")

	want = Entry{State: Completed, Fingerprint: "f", Applied: ordered(time.Hour), Deliveries: []string{"event:0", "event:1"}, IntegrationID: "2", Settles: settled, UnknownCertificates: map[string]int{"b": 2}}
	require.Equal(t, want, before.Complete(plain, "2", true, settled, time.Time{}), "what is known of another integration is forgotten, except the creates without a response")
}

func TestDeliveriesAreRememberedOnceAndNotForEver(t *testing.T) {
	t.Parallel()
	var e Entry
	for i := range 25 {
		for range 2 {
			asked := Asked{Deliveries: []string{strconv.Itoa(i)}}
			e = e.Complete(asked, "1", true, now, time.Time{})
			require.True(t, e.remembers(asked))
		}
	}
	require.Len(t, e.Deliveries, 20)
	require.False(t, e.remembers(Asked{Deliveries: []string{"4"}}))
	require.True(t, e.remembers(Asked{Deliveries: []string{"x", "5"}}))
	require.True(t, slices.IsSortedFunc(e.Deliveries, func(a, b string) int { return len(a) - len(b) }), "the oldest are forgotten")
}

func TestNewEntry(t *testing.T) {
	t.Parallel()
	key := NewEntry([]string{"https://api.sendgrid.com", ""}, "urn:a").Key
	require.Equal(t, "4d2acdc14f7a328d68b9eff95a3dcbdea1503b0d6120a9907cd00e0da1101baf", key, "entries of earlier versions are found")
	for _, other := range []string{
		NewEntry([]string{"https://api.sendgrid.com", ""}, "urn:b").Key, NewEntry([]string{"https://api.sendgrid.com", "s"}, "urn:a").Key,
		NewEntry([]string{"https://api.eu.sendgrid.com", ""}, "urn:a").Key,
	} {
		require.NotEqual(t, key, other)
	}
}
