package ledger_test

import (
	"crypto/rand"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	testLedger(t, func(*testing.T) provision.Ledger { return &ledger.Memory{} })
}

// testLedger checks every clause of provision.Ledger. All ledgers that open returns may be
// one and the same, since each test has a key of its own; times are full seconds, as a
// ledger need not know fractions.
func testLedger(t *testing.T, open func(t *testing.T) provision.Ledger) {
	t.Helper()
	for name, test := range map[string]func(*contract){
		"an entry that is free is taken":                         (*contract).takeFree,
		"an entry that is held is not taken":                     (*contract).takeHeld,
		"an entry is taken when its lease has ended":             (*contract).takeEnded,
		"an entry is taken when it was given back":               (*contract).takeGivenBack,
		"taking keeps what is remembered":                        (*contract).takeRemembering,
		"a claim is not yet remembered":                          (*contract).claimNotRemembered,
		"an entry that remembers the fingerprint is not taken":   (*contract).takeFulfilled,
		"a lease runs also on what is remembered":                (*contract).takeHeldRemembering,
		"without a fingerprint an entry is taken":                (*contract).takeWithoutFingerprint,
		"without a fingerprint an entry that is held is not":     (*contract).takeHeldWithoutFingerprint,
		"an entry that has expired is forgotten":                 (*contract).takeExpired,
		"an entry is updated by its owner":                       (*contract).updateOwn,
		"an entry is not updated by another":                     (*contract).updateOther,
		"an entry is not updated by who lost it":                 (*contract).updateLost,
		"an entry that is missing is not updated":                (*contract).updateMissing,
		"an entry is forgotten by its owner":                     (*contract).delete,
		"an entry is not forgotten by another":                   (*contract).deleteOther,
		"an entry that is missing may be forgotten":              (*contract).deleteMissing,
		"entries with different keys have nothing to do":         (*contract).otherKeys,
		"every field comes back":                                 (*contract).fields,
		"of many that take an entry at once, one does":           (*contract).concurrentTakes,
		"of many that take an entry that has ended, one does":    (*contract).concurrentTakesOfEnded,
		"of many that take different entries at once, all do so": (*contract).concurrentKeys,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(&contract{t: t, ledger: open(t), key: rand.Text(), now: time.Now().Truncate(time.Second)})
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

// claim returns what an attempt of the owner takes an entry with.
func (c *contract) claim(owner string) provision.Entry {
	return provision.Entry{
		Key:         c.key,
		EntityID:    "urn:example:" + c.key,
		Owner:       owner,
		State:       provision.Held,
		Lease:       c.now.Add(time.Minute),
		Fingerprint: "fingerprint of " + owner,
		Expires:     c.now.Add(15 * 24 * time.Hour),
	}
}

// claimLater returns the claim of someone who comes when the leases of claim have ended.
func (c *contract) claimLater(owner string) provision.Entry {
	c.now = c.now.Add(time.Hour)
	return c.claim(owner)
}

func (c *contract) take(claim provision.Entry) (provision.Entry, bool) {
	c.t.Helper()
	current, taken, err := c.ledger.Take(c.t.Context(), claim, c.now)
	require.NoError(c.t, err)
	return current, taken
}

// taken takes an entry, and returns it as it is then.
func (c *contract) taken(claim provision.Entry) provision.Entry {
	c.t.Helper()
	current, taken := c.take(claim)
	require.True(c.t, taken)
	require.Equal(c.t, claim.Owner, current.Owner)
	return current
}

// stands requires that an entry cannot be taken by an outsider, and is as told.
func (c *contract) stands(want provision.Entry) {
	c.t.Helper()
	outsider := c.claim("outsider")
	if want.Fingerprint != "" {
		outsider.Fingerprint = want.Fingerprint
	}
	got, taken := c.take(outsider)
	require.False(c.t, taken)
	c.equal(want, got)
}

func (c *contract) update(e provision.Entry) bool {
	c.t.Helper()
	owned, err := c.ledger.Update(c.t.Context(), e)
	require.NoError(c.t, err)
	return owned
}

func (c *contract) forget(owner string) {
	c.t.Helper()
	require.NoError(c.t, c.ledger.Delete(c.t.Context(), c.key, owner))
}

// created lets the owner take the entry and give it back with what it created.
func (c *contract) created(owner string) provision.Entry {
	c.t.Helper()
	e := c.taken(c.claim(owner))
	e.State, e.Lease = provision.Created, time.Time{}
	e.Fingerprint, e.IntegrationID = "fingerprint of "+owner, "id of "+owner
	require.True(c.t, c.update(e))
	return e
}

func (c *contract) equal(want, got provision.Entry) {
	c.t.Helper()
	require.Equal(c.t, want.Lease.IsZero(), got.Lease.IsZero(), "a lease of nobody's is zero")
	require.Equal(c.t, want.Lease.UnixMilli(), got.Lease.UnixMilli())
	require.Equal(c.t, want.Expires.UnixMilli(), got.Expires.UnixMilli())
	want.Lease, want.Expires = time.Time{}, time.Time{}
	got.Lease, got.Expires = time.Time{}, time.Time{}
	require.Equal(c.t, want, got)
}

// atOnce takes with many claims at the same time, and returns what became of each.
func (c *contract) atOnce(claims []provision.Entry) (current []provision.Entry, taken []bool) {
	c.t.Helper()
	current, taken = make([]provision.Entry, len(claims)), make([]bool, len(claims))
	errs := make([]error, len(claims))
	var wg sync.WaitGroup
	for i, claim := range claims {
		wg.Go(func() { current[i], taken[i], errs[i] = c.ledger.Take(c.t.Context(), claim, c.now) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(c.t, err)
	}
	return current, taken
}

// claims returns the claims of many owners.
func (c *contract) claims() []provision.Entry {
	var all []provision.Entry
	for i := range 20 {
		all = append(all, c.claim("owner "+strconv.Itoa(i)))
	}
	return all
}
