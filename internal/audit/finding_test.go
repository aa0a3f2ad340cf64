package audit_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// An integration in which somebody put very much does not make its entry large. What is found is
// still published once.
func TestStoredFindingsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.manage(byURL())
		bounded := func() {
			require.LessOrEqual(t, len(w.entry(entity).Findings), 8<<10)
			w.bus.notices = nil
		}
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = strings.Repeat("\x01", 4000) })
		w.audited()
		require.Len(t, w.bus.notices[0].Drifted().Changes[0].To, 4000)
		bounded()
		require.Equal(t, found{provision.Drifted}, w.stored())
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 401, Times: 1})
		_, err := w.connection(entity, true)
		require.NoError(t, err)
		require.Equal(t, found{audit.CertificatesUnknown}, w.bus.news())
		time.Sleep(day)
		require.Equal(t, found{provision.Drifted}, codes(w.audited().Findings))
		require.Empty(t, w.bus.news())

		for _, more := range []int{60, 240} {
			for range more {
				w.certify(id, certificate(90*day))
			}
			w.audited()
			require.Len(t, w.bus.notices[0].New, more)
			bounded()
			require.GreaterOrEqual(t, len(w.stored()), 10)
			if more == 60 {
				w.audited()
				require.Empty(t, w.bus.news())
			}
		}
	})
}
