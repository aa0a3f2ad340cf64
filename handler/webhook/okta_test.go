package webhook_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler/webhook"
)

// A challenge is answered if the hook's secret is configured and, where sent, correct.
func TestChallenge(t *testing.T) {
	t.Parallel()
	hook := has("authorization", oldSecret, newSecret)
	challenge := func(more http.Header) http.Header {
		return with(more, webhook.ChallengeHeader, "Me_rShK8JHsTnbyYrWXCEoMGbM_zsZ6k0hLPZ_Pg")
	}
	tests := map[string]struct {
		secret  map[string][]string
		header  http.Header
		refusal string
	}{
		"no secret sent":                     {hook, challenge(http.Header{}), ""},
		"old secret sent":                    {hook, challenge(bearer(oldSecret)), ""},
		"new secret sent":                    {hook, challenge(bearer(newSecret)), ""},
		"wrong secret sent":                  {hook, challenge(bearer("guess")), "authorization: the secret is not one of those configured"},
		"empty secret sent":                  {hook, challenge(bearer("")), "authorization: the secret is not one of those configured"},
		"secret sent twice":                  {hook, challenge(bearer(newSecret, newSecret)), "more than one Authorization header"},
		"none configured":                    {has("bearer", newSecret), challenge(http.Header{}), "no authorization secret is configured"},
		"nothing configured":                 {map[string][]string{}, challenge(http.Header{}), "no authorization secret is configured"},
		"another configured, and not sent":   {everything(), challenge(bearer(newSecret)), "authorization: the secret is not one of those configured"},
		"sent as a bearer secret":            {has("bearer", newSecret), challenge(bearer("Bearer " + newSecret)), ""},
		"sent as an API key":                 {has("api_key", newSecret), challenge(http.Header{"X-Api-Key": {newSecret}}), ""},
		"wrong API key sent":                 {hook, challenge(http.Header{"X-Api-Key": {"guess"}}), "api_key: no api_key secret is configured"},
		"a signature is no secret of a hook": {has("github", newSecret), challenge(hubSender("github", "X-Hub-Signature-256").prove(newSecret, "")), "no authorization secret is configured"},
		"no challenge":                       {hook, bearer(newSecret), "there is no X-Okta-Verification-Challenge header"},
		"two challenges":                     {hook, http.Header{webhook.ChallengeHeader: {"a", "b"}}, "more than one X-Okta-Verification-Challenge header"},
		"long challenge":                     {hook, http.Header{webhook.ChallengeHeader: {strings.Repeat("a", 4097)}}, "longer than 4096 bytes"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireVerdict(t, knows(t, test.secret).VerifyChallenge(t.Context(), test.header), test.refusal)
		})
	}
}

func TestChallengeHeaderIsCanonical(t *testing.T) {
	t.Parallel()
	require.Equal(t, webhook.ChallengeHeader, http.CanonicalHeaderKey(webhook.ChallengeHeader))
}

// The secret may have been configured a moment ago.
func TestChallengeRefreshes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &manager{}
		m.put("1", `{"bearer":"`+newSecret+`"}`)
		v := webhook.NewVerifier(m, "sso/webhook", time.Hour, (&logBook{}).logger())
		header := http.Header{webhook.ChallengeHeader: {"x"}}
		for range 100 {
			requireRefused(t, v.VerifyChallenge(t.Context(), header), "no authorization secret is configured")
		}
		require.Equal(t, 2, m.count())
		m.put("2", `{"authorization":"`+newSecret+`"}`)
		time.Sleep(time.Minute)
		require.NoError(t, v.VerifyChallenge(t.Context(), header))
	})
}

func TestChallengeWithoutSecrets(t *testing.T) {
	t.Parallel()
	v, _ := newVerifier(source{get: func(context.Context) (webhook.Secrets, string, error) {
		return webhook.Secrets{}, "", errUnreachable
	}})
	err := v.VerifyChallenge(t.Context(), http.Header{webhook.ChallengeHeader: {"x"}})
	require.ErrorIs(t, err, errUnreachable)
}
