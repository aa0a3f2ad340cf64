package audit_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// The ledger keeps when the last certificate in use expires, so that days can be counted without an audit.
func TestLastExpiryIsStored(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		expire []time.Duration // of the certificates, from the start
		want   time.Duration   // 0 for none
	}{
		"one":           {[]time.Duration{90 * day}, 90 * day},
		"the last":      {[]time.Duration{30 * day, 400 * day, 90 * day}, 400 * day},
		"expired":       {[]time.Duration{-3 * day}, -3 * day},
		"without any":   {},
		"not only read": {[]time.Duration{30 * day, 30 * day}, 30 * day},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, start := newWorld(t), time.Now()
				w.add(entity, tt.expire...)
				c := w.audited()
				last := audit.LastExpiry(w.entry(entity).Findings)
				if tt.want == 0 {
					require.Zero(t, last)
					require.Nil(t, c.DaysLeft)
					return
				}
				require.True(t, start.Add(tt.want).Truncate(time.Second).Equal(last), "%s", last)
				require.Equal(t, time.UTC, last.Location())

				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Times: -1, Status: 500})
				_, err := w.connection(entity, true)
				require.NoError(t, err)
				require.Contains(t, w.stored(), audit.CertificatesUnknown)
				require.True(t, last.Equal(audit.LastExpiry(w.entry(entity).Findings)), "it is still known where an audit fails")
			})
		})
	}
}

// What the identity provider still has counts, not what is left over in SendGrid.
func TestLastExpiryIsOfWhatIsInUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, start := newWorld(t), time.Now()
		id := w.manage(byURL())
		w.certify(id, certificate(800*day))
		w.audited()
		last := audit.LastExpiry(w.entry(entity).Findings)
		require.True(t, start.Add(365*day).Truncate(time.Second).Equal(last), "%s", last)
	})
}

func TestStateOf(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		require.Equal(t, audit.Unmanaged, audit.StateOf(w.entry(entity)))
		w.manage(byHand(entity))
		e := w.entry(entity)
		require.Equal(t, audit.Managed, audit.StateOf(e))
		e.Ended = time.Now()
		require.Equal(t, audit.Ended, audit.StateOf(e), "also if its request is kept")
		e.Kept = ""
		require.Equal(t, audit.Ended, audit.StateOf(e))
	})
}

// What another version stored is as if nothing had been.
func TestRecordOfAnotherVersion(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "null", "[]", `[{"code":"Drifted","identity":"x"}]`, `{"findings":{}}`, `{"last":5}`, "{"} {
		require.Empty(t, audit.Stored(text), text)
		require.Zero(t, audit.LastExpiry(text), text)
	}
	later := `{"last":"2027-01-02T03:04:05Z","new":1,"findings":[{"code":"Drifted","message":"m","identity":"i","new":1}]}`
	require.Equal(t, found{provision.Drifted}, codes(audit.Stored(later)))
	require.Equal(t, 2027, audit.LastExpiry(later).Year())
}
