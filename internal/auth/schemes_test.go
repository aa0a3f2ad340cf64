package auth_test

import (
	"iter"
	"maps"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The old secret and the new one are valid as long as they are configured. A scheme without
// any is disabled: it does not use those of other schemes.
func TestRotationOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		for name, texts := range map[string][]string{"old": {s.old}, "both": {s.new, s.old}, "new": {s.new}, "twice": {s.new, s.new}} {
			v := configured(t, only(s.field, texts...))
			for _, text := range []string{s.old, s.new} {
				scheme, err := v.Authenticate(t.Context(), s.prove(text, body), []byte(body))
				if text == texts[0] || text == texts[len(texts)-1] {
					require.NoError(t, err, name)
					require.Equal(t, s.field, scheme)
				} else {
					requireRejected(t, err, s.field+": the ")
					require.ErrorContains(t, err, "configured")
					require.Empty(t, scheme)
				}
			}
		}
		others := everything()
		delete(others, s.field)
		err := verify(t.Context(), configured(t, others), s.prove(s.new, body), []byte(body))
		requireRejected(t, err, s.field+": no "+s.field+" secret is configured")
	})
}

func TestFlippedBit(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		v, header := configured(t, everything()), s.prove(s.new, body)
		for name := range header {
			prefix := ""
			if name == s.proof {
				prefix = s.prefix
			}
			for changed := range flips(header.Get(name)[len(prefix):]) {
				err := verify(t.Context(), v, with(header, name, prefix+changed), []byte(body))
				requireRejected(t, err, s.field+": ")
			}
		}
		for changed := range flips(body) {
			err := verify(t.Context(), v, header, []byte(changed))
			require.Equal(t, s.static, err == nil, changed)
		}
	})
}

// flips yields a text with each of its bits flipped, one at a time.
func flips(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range len(text) * 8 {
			changed := []byte(text)
			changed[i/8] ^= 1 << (i % 8)
			if !yield(string(changed)) {
				return
			}
		}
	}
}

// What is signed cannot be split differently into id, timestamp and body.
func TestSignedPartsDoNotShift(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, s := configured(t, everything()), senders()["standard webhooks"]
		now := s.prove(s.new, "").Get("Webhook-Timestamp")
		header := with(s.prove(s.new, now+"."+body), "Webhook-Id", "msg_1."+now)
		requireRejected(t, verify(t.Context(), v, header, []byte(body)), "a full stop")

		const timestamp = "X-Zendesk-Webhook-Signature-Timestamp"
		s = senders()["zendesk"]
		header = s.prove(s.new, "0"+body)
		header = with(header, timestamp, header.Get(timestamp)+"0")
		requireRejected(t, verify(t.Context(), v, header, []byte(body)), "not in the form")
	})
}

// A proof is valid only in its own header and with its own secret. One valid proof is enough,
// whatever else the request carries.
func TestSeveralSchemes(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, good sender) {
		t.Helper()
		v, valid := configured(t, everything()), good.prove(good.new, body)
		for name, other := range senders() {
			if other.proof == good.proof || other.field == good.field {
				continue
			}
			header := with(other.prove(other.new, body), other.proof, valid.Get(good.proof))
			requireRejected(t, verify(t.Context(), v, header, []byte(body)), other.field+": ")
			maps.Copy(header, valid)
			scheme, err := v.Authenticate(t.Context(), header, []byte(body))
			require.NoError(t, err, name)
			require.Equal(t, good.field, scheme)
		}
	})
}

// The error names each bad proof, and quotes none.
func TestSeveralBadProofs(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Authorization": {"Bearer guess"}, "X-Api-Key": {"guess"}, "X-Hub-Signature": {"sha1=guess"}, "Svix-Signature": {"v1,guess"},
	}
	err := verify(t.Context(), configured(t, everything()), header, []byte(body))
	requireRejected(t, err, "bearer: the secret is not one of those configured; "+
		"authorization: the secret is not one of those configured; "+
		"api_key: the secret is not one of those configured; "+
		"standard_webhooks: there is no Svix-Id header; "+
		"jira: the X-Hub-Signature header is not sha256= and 64 digits")
	require.NotContains(t, err.Error(), "guess")
}

// A signed timestamp may differ by five minutes, inclusive, either way.
func TestClockSkew(t *testing.T) {
	t.Parallel()
	const old, ahead = "more than five minutes old", "more than five minutes ahead"
	for age, rejected := range map[time.Duration]string{
		0: "", 5 * time.Minute: "", 5*time.Minute + 1: old, 365 * 24 * time.Hour: old,
		-5 * time.Minute: "", -5*time.Minute - 1: ahead, -time.Hour: ahead,
	} {
		for name, s := range senders() {
			if !s.dated {
				continue
			}
			t.Run(name+" "+age.String(), func(t *testing.T) {
				t.Parallel()
				// The clock starts again in each bubble, so a request can be verified before it was signed.
				var header http.Header
				synctest.Test(t, func(*testing.T) {
					time.Sleep(2 * time.Hour)
					header = s.prove(s.new, body)
				})
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(2*time.Hour + age)
					err := verify(t.Context(), configured(t, everything()), header, []byte(body))
					if rejected == "" {
						require.NoError(t, err)
					} else {
						requireRejected(t, err, s.field+": the timestamp is "+rejected)
					}
				})
			})
		}
	}
}
