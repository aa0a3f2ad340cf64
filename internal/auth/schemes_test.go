package auth_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const body = `{"name":"Okta","entity_id":"http://www.okta.com/exk1"}`

// eachSender runs a test for each scheme, at a time that does not pass by itself.
func eachSender(t *testing.T, test func(*testing.T, sender)) {
	t.Helper()
	for name, s := range senders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, s) })
		})
	}
}

// The old secret and the new one are good for as long as they are configured.
func TestRotationOfEachScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		for secret, good := range map[string]map[string]bool{
			"old":  {s.old: true, s.new: false},
			"both": {s.old: true, s.new: true},
			"new":  {s.old: false, s.new: true},
		} {
			var texts []string
			for _, text := range []string{s.new, s.old} {
				if good[text] {
					texts = append(texts, text)
				}
			}
			v := knows(t, has(s.field, texts...))
			for text, good := range good {
				err := v.Verify(t.Context(), s.prove(text, body), []byte(body))
				if good {
					require.NoError(t, err, secret)
				} else {
					requireRefused(t, err, s.field+": the ")
					require.ErrorContains(t, err, "configured")
				}
			}
		}
	})
}

// A scheme is off unless its secret is there: the secrets of the others are not its own.
func TestSchemeWithoutSecret(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		others := everything()
		delete(others, s.field)
		err := knows(t, others).Verify(t.Context(), s.prove(s.new, body), []byte(body))
		requireRefused(t, err, s.field+": no "+s.field+" secret is configured")
	})
}

func TestFlippedBit(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		v, header := knows(t, everything()), s.prove(s.new, body)
		if !s.static {
			requireFlipsRefused(t, v, header, body)
			return
		}
		value := header.Get(s.proof)
		for changed := range flips(value[len(s.prefix):]) {
			err := v.Verify(t.Context(), with(header, s.proof, s.prefix+changed), []byte(body))
			requireRefused(t, err, s.field+": ")
		}
	})
}

// What is signed cannot be passed off as something else that reads the same in a row.
func TestPartsDoNotShift(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v, s := knows(t, everything()), senders()["standard webhooks"]
		now := s.prove(s.new, "").Get("Webhook-Timestamp")
		inner := now + "." + body
		header := with(s.prove(s.new, inner), "Webhook-Id", "msg_1."+now)
		requireRefused(t, v.Verify(t.Context(), header, []byte(body)), "a full stop")

		z := senders()["zendesk"]
		header = z.prove(z.new, "0"+body)
		stamp := header.Get("X-Zendesk-Webhook-Signature-Timestamp")
		requireRefused(t, v.Verify(t.Context(), with(header, "X-Zendesk-Webhook-Signature-Timestamp", stamp+"0"), []byte(body)), "not in the form")
	})
}

// A proof is good only where it belongs: with the scheme and the secret that it is for.
func TestProofOfAnotherScheme(t *testing.T) {
	t.Parallel()
	eachSender(t, func(t *testing.T, s sender) {
		t.Helper()
		v := knows(t, everything())
		value := s.prove(s.new, body).Get(s.proof)
		for _, other := range senders() {
			if other.proof == s.proof || other.field == s.field {
				continue
			}
			// The other scheme's own headers, with this one's proof in the place of its own.
			header := with(other.prove(other.new, body), other.proof, value)
			requireRefused(t, v.Verify(t.Context(), header, []byte(body)), other.field+": ")
		}
	})
}

// One good proof is enough, in whatever company.
func TestSeveralSchemes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := knows(t, everything())
		for name, good := range senders() {
			for otherName, bad := range senders() {
				if good.proof == bad.proof {
					continue
				}
				header := with(bad.prove(bad.new, "another body"), bad.proof, "rubbish")
				requireRefused(t, v.Verify(t.Context(), header, []byte(body)), bad.field+": ")
				for name, values := range good.prove(good.new, body) {
					header[name] = values
				}
				require.NoError(t, v.Verify(t.Context(), header, []byte(body)), "%s beside %s", name, otherName)
			}
		}
	})
}

// Each bad proof is named in the log.
func TestSeveralRefusals(t *testing.T) {
	t.Parallel()
	header := http.Header{
		"Authorization": {"Bearer guess"}, "X-Api-Key": {"guess"}, "X-Hub-Signature": {"sha1=guess"}, "Svix-Signature": {"v1,guess"},
	}
	err := knows(t, everything()).Verify(t.Context(), header, []byte(body))
	requireRefused(t, err, "bearer: the secret is not one of those configured; "+
		"authorization: the secret is not one of those configured; "+
		"api_key: the secret is not one of those configured; "+
		"standard_webhooks: there is no Svix-Id header; "+
		"jira: the X-Hub-Signature header is not sha256= and 64 digits")
	require.NotContains(t, err.Error(), "guess")
}

// The limits of time are inclusive.
func TestWindow(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		if len(s.signed) == 0 {
			continue
		}
		for offset, refusal := range map[time.Duration]string{
			5 * time.Minute:      "",
			5*time.Minute + 1:    "more than five minutes old",
			365 * 24 * time.Hour: "more than five minutes old",
		} {
			t.Run(name+" "+offset.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					header := s.prove(s.new, body)
					time.Sleep(offset)
					requireVerdict(t, knows(t, everything()).Verify(t.Context(), header, []byte(body)), refusal)
				})
			})
		}
	}
}

// The limits of time are inclusive ahead of time, too.
func TestWindowAhead(t *testing.T) {
	t.Parallel()
	for name, s := range senders() {
		if len(s.signed) == 0 {
			continue
		}
		for offset, refusal := range map[time.Duration]string{
			5 * time.Minute:   "",
			5*time.Minute + 1: "more than five minutes ahead",
			time.Hour:         "more than five minutes ahead",
		} {
			t.Run(name+" "+offset.String(), func(t *testing.T) {
				t.Parallel()
				// The clock begins anew in each bubble, so what is signed late in one is ahead in the next.
				var header http.Header
				synctest.Test(t, func(*testing.T) {
					time.Sleep(2 * time.Hour)
					header = s.prove(s.new, body)
				})
				synctest.Test(t, func(t *testing.T) {
					time.Sleep(2*time.Hour - offset)
					requireVerdict(t, knows(t, everything()).Verify(t.Context(), header, []byte(body)), refusal)
				})
			})
		}
	}
}

// requireVerdict expects a request to be believed unless there is a reason.
func requireVerdict(t *testing.T, err error, refusal string) {
	t.Helper()
	if refusal == "" {
		require.NoError(t, err)
		return
	}
	requireRefused(t, err, refusal)
}
