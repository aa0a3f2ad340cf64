package ledger_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
)

// The clauses of the contract. "a" is whoever comes first.

func (c *contract) takeFree() {
	claim := c.claim("a")
	want := claim
	want.Fingerprint = "" // That is what is remembered: nothing yet.
	c.equal(want, c.taken(claim))
}

func (c *contract) takeHeld() {
	held := c.taken(c.claim("a"))
	for _, state := range []provision.State{provision.Creating, provision.Unknown} {
		current, taken := c.take(c.claim("b"))
		require.False(c.t, taken)
		c.equal(held, current)

		same := c.claim("b")
		same.Fingerprint = c.claim("a").Fingerprint
		current, taken = c.take(same)
		require.False(c.t, taken)
		c.equal(held, current)

		held.State = state
		require.True(c.t, c.update(held), "nothing has changed for the holder")
	}
	c.stands(held)
}

func (c *contract) takeEnded() {
	for _, state := range []provision.State{provision.Held, provision.Creating, provision.Unknown, provision.Created} {
		held := c.taken(c.claimLater("a"))
		held.State = state
		require.True(c.t, c.update(held))
		c.stands(held)

		claim := c.claimLater("b")
		want := claim
		want.Fingerprint = ""
		c.equal(want, c.taken(claim))
		c.stands(want)
	}
}

func (c *contract) takeGivenBack() {
	c.created("a")
	c.taken(c.claim("b"))
}

func (c *contract) takeRemembering() {
	remembered := c.created("a")
	for _, owner := range []string{"b", "c"} {
		want := c.claimLater(owner)
		want.Fingerprint, want.IntegrationID = remembered.Fingerprint, remembered.IntegrationID
		c.equal(want, c.taken(c.claim(owner)))
		c.stands(want)
	}
}

func (c *contract) claimNotRemembered() {
	c.taken(c.claim("a"))
	claim := c.claimLater("b")
	claim.Fingerprint = c.claim("a").Fingerprint
	require.Empty(c.t, c.taken(claim).Fingerprint, "a never said that it fulfilled its request")
}

func (c *contract) takeFulfilled() {
	remembered := c.created("a")
	for range 2 {
		claim := c.claimLater("b")
		claim.Fingerprint = remembered.Fingerprint
		current, taken := c.take(claim)
		require.False(c.t, taken)
		c.equal(remembered, current)
	}
}

func (c *contract) takeHeldRemembering() {
	remembered := c.created("a")
	held := c.taken(c.claim("b"))
	claim := c.claim("c")
	claim.Fingerprint = remembered.Fingerprint
	current, taken := c.take(claim)
	require.False(c.t, taken)
	c.equal(held, current)
	require.True(c.t, current.Lease.After(c.now))

	// When it has ended, what is remembered counts again.
	claim = c.claimLater("c")
	claim.Fingerprint = remembered.Fingerprint
	current, taken = c.take(claim)
	require.False(c.t, taken)
	c.equal(held, current)
	require.False(c.t, current.Lease.After(c.now))
}

func (c *contract) takeWithoutFingerprint() {
	anonymous := func(owner string) provision.Entry {
		claim := c.claimLater(owner)
		claim.Fingerprint = ""
		return claim
	}
	c.taken(anonymous("a")) // There was no entry.

	held := c.taken(anonymous("b")) // The entry remembers nothing.
	held.State = provision.Unknown
	require.True(c.t, c.update(held))
	c.taken(anonymous("c")) // So it does after an update.

	c.claimLater("")
	remembered := c.created("d")
	claim := anonymous("e") // The entry remembers a request.
	want := claim
	want.Fingerprint, want.IntegrationID = remembered.Fingerprint, remembered.IntegrationID
	c.equal(want, c.taken(claim))
}

func (c *contract) takeHeldWithoutFingerprint() {
	held := c.taken(c.claim("a"))
	claim := c.claim("b")
	claim.Fingerprint = ""
	current, taken := c.take(claim)
	require.False(c.t, taken)
	c.equal(held, current)
}

func (c *contract) takeExpired() {
	for _, fingerprint := range []string{"fingerprint of a", "fingerprint of b", ""} {
		c.created("a")
		c.now = c.now.Add(16 * 24 * time.Hour)
		claim := c.claim("b")
		claim.Fingerprint = fingerprint
		current := c.taken(claim)
		require.Empty(c.t, current.Fingerprint)
		require.Empty(c.t, current.IntegrationID)
		c.forget("b")
	}
}

func (c *contract) updateOwn() {
	held := c.taken(c.claim("a"))
	held.State, held.Lease = provision.Unknown, c.now.Add(time.Hour)
	for range 2 {
		require.True(c.t, c.update(held))
		c.stands(held)
	}
}

func (c *contract) updateOther() {
	held := c.taken(c.claim("a"))
	other := held
	other.Owner, other.State = "b", provision.Created
	require.False(c.t, c.update(other))
	c.stands(held)
}

func (c *contract) updateLost() {
	lost := c.taken(c.claim("a"))
	held := c.taken(c.claimLater("b"))
	lost.State = provision.Creating
	require.False(c.t, c.update(lost))
	c.stands(held)
}

func (c *contract) updateMissing() {
	require.False(c.t, c.update(c.claim("a")))
	claim := c.claim("b")
	claim.Fingerprint = "fingerprint of a"
	require.Empty(c.t, c.taken(claim).Fingerprint, "there is no entry still")
}

func (c *contract) delete() {
	c.created("a")
	c.forget("a")
	claim := c.claim("b")
	claim.Fingerprint = "fingerprint of a"
	current := c.taken(claim)
	require.Empty(c.t, current.Fingerprint)
	require.Empty(c.t, current.IntegrationID)
	require.False(c.t, c.update(c.claim("a")), "it belongs to another")
}

func (c *contract) deleteOther() {
	held := c.taken(c.claim("a"))
	c.forget("b")
	c.stands(held)
	held = c.taken(c.claimLater("b"))
	c.forget("a")
	c.stands(held)
}

func (c *contract) deleteMissing() {
	c.forget("a")
	c.taken(c.claim("a"))
	c.forget("a")
	c.forget("a")
	c.taken(c.claim("b"))
}

func (c *contract) otherKeys() {
	held := c.taken(c.claim("a"))
	other := &contract{t: c.t, ledger: c.ledger, key: c.key + "2", now: c.now}
	other.created("a")
	other.forget("a")
	c.stands(held)
}

func (c *contract) fields() {
	e := c.taken(c.claim("a"))
	for _, state := range []provision.State{provision.Held, provision.Creating, provision.Unknown, provision.Created} {
		e.State = state
		for _, lease := range []time.Duration{time.Second, time.Hour, 24 * time.Hour} {
			e.Lease = c.now.Add(lease)
			for _, remembers := range []string{"", "é 語 😀 \" \\ \n"} {
				e.Fingerprint, e.IntegrationID = remembers, remembers
				e.EntityID = "urn:" + remembers
				e.Expires = e.Expires.Add(time.Second)
				require.True(c.t, c.update(e))
				c.stands(e)
			}
		}
	}
	e.Lease = time.Time{}
	require.True(c.t, c.update(e))
	c.stands(e)
}

func (c *contract) concurrentTakes() {
	c.oneWins(c.claims())
}

func (c *contract) concurrentTakesOfEnded() {
	c.created("a")
	c.taken(c.claim("b"))
	c.claimLater("")
	c.oneWins(c.claims())
}

// oneWins requires that one of the claims wins, and that all others see that.
func (c *contract) oneWins(claims []provision.Entry) {
	c.t.Helper()
	current, taken := c.atOnce(claims)
	winner := ""
	for i := range claims {
		if taken[i] {
			require.Empty(c.t, winner, "two have taken it")
			winner = claims[i].Owner
		}
	}
	require.NotEmpty(c.t, winner)
	for i := range claims {
		require.Equal(c.t, winner, current[i].Owner)
	}
}

func (c *contract) concurrentKeys() {
	claims := c.claims()
	for i := range claims {
		claims[i].Key += claims[i].Owner
	}
	current, taken := c.atOnce(claims)
	for i := range claims {
		require.True(c.t, taken[i])
		require.Equal(c.t, claims[i].Owner, current[i].Owner)
	}
}
