package ledger_test

import (
	"context"
	"crypto/rand"
	"iter"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	testLedger(t, &ledger.Memory{})
}

// wholeLedger is what both ledgers are.
type wholeLedger interface {
	provision.Ledger
	All(context.Context) iter.Seq2[protocol.Entry, error]
}

// testLedger checks every clause of provision.Ledger, and what reads all entries. Each test has a
// key of its own.
func testLedger(t *testing.T, l wholeLedger) {
	t.Helper()
	for name, test := range map[string]func(*contract){
		"a missing entry is zero":                        (*contract).missing,
		"every field is stored":                          (*contract).fields,
		"a revision is stored once":                      (*contract).revisions,
		"a late copy of a write changes nothing":         (*contract).lateCopy,
		"a repeated write succeeds":                      (*contract).repeated,
		"a revision without the one before is refused":   (*contract).gap,
		"entries with different keys are independent":    (*contract).keys,
		"of many writes of a revision, one is stored":    (*contract).concurrentWrites,
		"concurrent writes of different entries succeed": (*contract).concurrentKeys,
		"all entries are read":                           (*contract).all,
		"an expired entry is read as any other":          (*contract).expired,
		"an entry may be written while all are read":     (*contract).writtenMeanwhile,
		"a context that has ended ends the reading":      (*contract).ended,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&contract{t: t, ledger: l, key: rand.Text(), now: time.Now()})
		})
	}
}

// contract is one test of a ledger, on one entry.
type contract struct {
	t      *testing.T
	ledger wholeLedger
	key    string
	now    time.Time
}

func (c *contract) entry(revision int64, owner string) protocol.Entry {
	return protocol.Entry{
		Key: c.key, Teammate: "a@example.com", EntityID: "urn:example:" + c.key, Revision: revision, Owner: owner, State: protocol.Free,
		Lease: c.now.Add(time.Minute), Expires: c.now.Add(15 * 24 * time.Hour),
	}
}

func (c *contract) put(e protocol.Entry) (protocol.Entry, bool) {
	c.t.Helper()
	current, stored, err := c.ledger.Put(c.t.Context(), e)
	require.NoError(c.t, err)
	return current, stored
}

func (c *contract) stored(e protocol.Entry) {
	c.t.Helper()
	current, stored := c.put(e)
	require.True(c.t, stored)
	c.equal(e, current)
}

func (c *contract) refused(want, e protocol.Entry) {
	c.t.Helper()
	current, stored := c.put(e)
	require.False(c.t, stored)
	c.equal(want, current)
}

// is requires that the entry is stored.
func (c *contract) is(want protocol.Entry) {
	c.t.Helper()
	got, err := c.ledger.Get(c.t.Context(), c.key)
	require.NoError(c.t, err)
	c.equal(want, got)
}

// equal compares entries. A ledger stores times in milliseconds, and Expires in seconds.
func (c *contract) equal(want, got protocol.Entry) {
	c.t.Helper()
	for _, e := range []*protocol.Entry{&want, &got} {
		for _, at := range []*time.Time{
			&e.Lease, &e.Settles, &e.Stale, &e.Applied.Sent, &e.Applied.Received, &e.Announced.Sent, &e.Announced.Received, &e.Audited,
			&e.Ended, &e.DeleteAfter,
		} {
			*at = at.Truncate(time.Millisecond).UTC()
		}
		e.Expires = e.Expires.Truncate(time.Second).UTC()
	}
	require.Equal(c.t, want, got)
}

func (c *contract) missing() { c.is(protocol.Entry{}) }

func (c *contract) fields() {
	for i, text := range []string{"", "é 語 😀 \" \\ \n", "x"} {
		e := c.entry(int64(i+1), "owner"+text)
		e.EntityID, e.Fingerprint, e.IntegrationID = "urn:"+text, text, text
		e.UnknownCreates, e.Rechecked, e.Bare, e.Trusted = i, i == 1, i == 2, i == 0
		if text != "" {
			e.Deliveries, e.Added, e.Certificate, e.Outcome = []string{text, "another"}, []string{text}, text, protocol.OutcomeUpdated
			e.Applied = protocol.Order{Sent: c.now.Add(-time.Hour), Received: c.now.Add(-time.Minute)}
			e.Announced = protocol.Order{Sent: c.now.Add(-time.Second), Received: c.now}
			e.Gone, e.Baseline, e.Update, e.UnknownCertificates = text, text, text, map[string]int{text: 2, "another": 1}
			e.Kept, e.KeptIdentity, e.Findings, e.Renewing = text, text, text, true
			e.EndedBy, e.Deleting, e.Removing, e.Ended, e.DeleteAfter = text, text, text, c.now.Add(-time.Hour), c.now.Add(time.Hour)
			e.Settles, e.Stale = c.now.Add(time.Duration(i)*time.Second), c.now.Add(time.Duration(i)*time.Minute)
		}
		e.State = []protocol.State{protocol.Pending, protocol.Adding, protocol.Unknown}[i]
		c.stored(e)
		c.is(e)
	}
	e := c.entry(4, "owner")
	e.Lease = time.Time{}
	c.stored(e)
	got, err := c.ledger.Get(c.t.Context(), c.key)
	require.NoError(c.t, err)
	require.True(c.t, got.Lease.IsZero(), "no lease is the zero time")
	require.True(c.t, got.Settles.IsZero())
}

// everything returns an entry that has every field.
func (c *contract) everything() protocol.Entry {
	c.t.Helper()
	e := c.entry(1, "owner")
	e.State, e.Fingerprint, e.Outcome = protocol.Unknown, "fingerprint", protocol.OutcomeUpdated
	e.Announced = protocol.Order{Sent: c.now.Add(-time.Second), Received: c.now}
	e.Applied = protocol.Order{Sent: c.now.Add(-time.Hour), Received: c.now.Add(-time.Minute)}
	e.Deliveries, e.IntegrationID, e.Gone = []string{"message:1", "event:1"}, "id", "gone"
	e.Settles, e.Stale = c.now.Add(time.Minute), c.now.Add(time.Hour)
	e.Baseline, e.Added, e.Bare, e.Trusted, e.Update, e.Certificate = "baseline", []string{"a", "b"}, true, true, "update", "certificate"
	e.UnknownCreates, e.UnknownCertificates, e.Rechecked = 2, map[string]int{"a": 2}, true
	e.Kept, e.KeptIdentity, e.Audited, e.Findings, e.Renewing = "kept", "identity", c.now, "findings", true
	e.Ended, e.EndedBy, e.DeleteAfter, e.Deleting, e.Removing = c.now, "operator", c.now.Add(time.Hour), "deleting", "removing"
	e.Removed = []string{"c"}
	for field, value := range reflect.ValueOf(e).Fields() {
		require.False(c.t, value.IsZero(), "%s belongs here", field.Name)
	}
	return e
}

// all has more than a megabyte of entries, which are several pages of a scan.
func (c *contract) all() {
	long := strings.Repeat("x", 200<<10)
	want := map[string]protocol.Entry{}
	for i := range 8 {
		e := c.everything()
		e.Key, e.Gone = e.Key+strconv.Itoa(i), "gone"+strconv.Itoa(i)
		want[e.Key] = e
		e.Baseline = long
		c.stored(e)
	}
	for _, e := range c.mine(c.t.Context()) {
		require.Contains(c.t, want, e.Key, "each entry is read once")
		require.Zero(c.t, strings.Compare(e.Baseline, long)) // Equal would print all of it.
		e.Baseline = want[e.Key].Baseline
		c.equal(want[e.Key], e)
		delete(want, e.Key)
	}
	require.Empty(c.t, want)

	read := 0
	for _, err := range c.ledger.All(c.t.Context()) {
		require.NoError(c.t, err)
		if read++; read == 2 {
			break
		}
	}
	require.Equal(c.t, 2, read)
}

// mine returns what reading all entries yields of those of this test.
func (c *contract) mine(ctx context.Context) (entries []protocol.Entry) {
	c.t.Helper()
	for e, err := range c.ledger.All(ctx) {
		require.NoError(c.t, err)
		if strings.HasPrefix(e.Key, c.key) {
			entries = append(entries, e)
		}
	}
	return entries
}

func (c *contract) expired() {
	e := c.entry(1, "a")
	e.Expires = c.now.Add(-time.Minute)
	c.stored(e)
	c.is(e)
	all := c.mine(c.t.Context())
	require.Len(c.t, all, 1)
	c.equal(e, all[0])
}

func (c *contract) writtenMeanwhile() {
	c.stored(c.entry(1, "a"))
	for e, err := range c.ledger.All(c.t.Context()) {
		require.NoError(c.t, err)
		if e.Key == c.key {
			c.stored(c.entry(2, "b"))
		}
	}
	c.is(c.entry(2, "b"))
}

func (c *contract) ended() {
	c.stored(c.entry(1, "a"))
	ctx, cancel := context.WithCancel(c.t.Context())
	cancel()
	read := 0
	for e, err := range c.ledger.All(ctx) {
		require.ErrorIs(c.t, err, context.Canceled)
		require.Zero(c.t, e)
		read++
	}
	require.Equal(c.t, 1, read)
}

func (c *contract) revisions() {
	first, second := c.entry(1, "a"), c.entry(2, "b")
	c.stored(first)
	c.refused(first, c.entry(1, "b"))
	c.stored(second)
	c.refused(second, c.entry(2, "a"))
	c.is(second)
}

func (c *contract) lateCopy() {
	creating := c.entry(2, "a")
	creating.State = protocol.Creating
	completed := c.entry(3, "a")
	completed.State, completed.Lease = protocol.Completed, time.Time{}
	c.stored(c.entry(1, "a"))
	c.stored(creating)
	c.stored(completed)
	c.refused(completed, creating)
	c.refused(completed, c.entry(1, "a"))
	c.is(completed)
}

func (c *contract) repeated() {
	e := c.entry(1, "a")
	c.stored(e)
	c.stored(e)
	other := e
	other.State = protocol.Creating
	c.refused(e, other)
	other = e
	other.Lease = time.Time{}
	c.refused(e, other)
}

func (c *contract) gap() {
	c.refused(protocol.Entry{}, c.entry(2, "a"))
	c.stored(c.entry(1, "a"))
	c.refused(c.entry(1, "a"), c.entry(3, "a"))
}

func (c *contract) keys() {
	mine := c.entry(1, "a")
	other := mine
	other.Key += "2"
	c.stored(other)
	c.is(protocol.Entry{})
	c.stored(mine)
}

func (c *contract) concurrentWrites() {
	c.stored(c.entry(1, "before"))
	winners := c.atOnce(func(i int) protocol.Entry { return c.entry(2, strconv.Itoa(i)) })
	require.Len(c.t, winners, 1)
	got, err := c.ledger.Get(c.t.Context(), c.key)
	require.NoError(c.t, err)
	require.Equal(c.t, winners[0], got.Owner)
}

func (c *contract) concurrentKeys() {
	winners := c.atOnce(func(i int) protocol.Entry {
		e := c.entry(1, strconv.Itoa(i))
		e.Key += e.Owner
		return e
	})
	require.Len(c.t, winners, 20)
}

// atOnce stores many entries at the same time, and returns the owners of those stored.
func (c *contract) atOnce(entry func(i int) protocol.Entry) (winners []string) {
	c.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			e := entry(i)
			if _, stored := c.put(e); stored {
				mu.Lock()
				defer mu.Unlock()
				winners = append(winners, e.Owner)
			}
		})
	}
	all.Wait()
	return winners
}
