package ledger_test

import (
	"crypto/rand"
	"strconv"
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

// testLedger checks every clause of provision.Ledger. Each test has a key of its own.
func testLedger(t *testing.T, l provision.Ledger) {
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
	ledger provision.Ledger
	key    string
	now    time.Time
}

func (c *contract) entry(revision int64, owner string) protocol.Entry {
	return protocol.Entry{
		Key: c.key, EntityID: "urn:example:" + c.key, Revision: revision, Owner: owner, State: protocol.Free,
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
			&e.Lease, &e.Settles, &e.Stale, &e.Applied.Sent, &e.Applied.Received, &e.Announced.Sent, &e.Announced.Received,
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
		e.UnknownCreates, e.Rechecked, e.Bare = i, i == 1, i == 2
		if text != "" {
			e.Deliveries, e.Added, e.Certificate, e.Outcome = []string{text, "another"}, []string{text}, text, protocol.OutcomeUpdated
			e.Applied = protocol.Order{Sent: c.now.Add(-time.Hour), Received: c.now.Add(-time.Minute)}
			e.Announced = protocol.Order{Sent: c.now.Add(-time.Second), Received: c.now}
			e.Gone, e.Baseline, e.Update, e.UnknownCertificates = text, text, text, map[string]int{text: 2, "another": 1}
			e.Kept, e.KeptIdentity = text, text
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
