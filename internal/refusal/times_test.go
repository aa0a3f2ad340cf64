package refusal_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
	"sendgrid-sso-integration/sendgrid/sendgridtest/logintest"
)

func sha256Of(idp *sendgridtest.IDP) string {
	sum := sha256.Sum256(idp.Certificate.Raw)
	return hex.EncodeToString(sum[:])
}

// A response is judged at the time when it was issued, unless another is asked for; the certificates are
// judged at the present as well.
func TestTimes(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // That is when time begins in a bubble.
	idp, err := sendgridtest.NewIDP(logintest.EntityID, start.Add(-day), start.Add(day))
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		// pasted is how long after its issue the response is pasted, and used how long after it was used
		// if that is known.
		pasted time.Duration
		used   *time.Duration
		want   []refusal.Code
	}{
		"at once":                                   {0, nil, nil},
		"an hour later":                             {time.Hour, nil, nil},
		"an hour later, and used at once":           {time.Hour, new(time.Second), nil},
		"an hour later, and used then":              {time.Hour, new(time.Hour), []refusal.Code{refusal.ResponseExpired}},
		"used two minutes after it":                 {time.Hour, new(2 * time.Minute), []refusal.Code{refusal.ResponseExpired}},
		"used before it, by a clock that is behind": {time.Hour, new(-time.Hour), []refusal.Code{refusal.ResponseNotYetValid}},
		"after the certificate expired":             {3 * day, nil, []refusal.Code{refusal.CertificateExpired}},
		"after that, and used at once":              {3 * day, new(time.Second), nil},
		"used before the certificate was valid":     {0, new(-3 * day), []refusal.Code{refusal.CertificateNotYetValid, refusal.ResponseNotYetValid}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := logintest.NewOf(t, logintest.IDPs{Right: idp})
				issued, response := time.Now(), w.Respond(idp)
				time.Sleep(tt.pasted)
				q := about(w, response)
				if tt.used != nil {
					q.At = issued.Add(*tt.used)
				}
				v := refusal.Explain(q)
				require.Equal(t, tt.want, codes(v))
				require.WithinDuration(t, issued, v.At, max(0, absolute(tt.used)))
			})
		})
	}
}

func absolute(d *time.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.Abs()
}
