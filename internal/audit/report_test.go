package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// The report has what an operator needs, the most urgent first, and is JSON without null.
func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add("none")
		w.add("later", 20*day)
		soon := w.add("soon", 90*time.Minute, -day)
		report := w.started()
		require.Equal(t, []string{"soon", "later", "none"}, []string{report.Connections[0].EntityID, report.Connections[1].EntityID, report.Connections[2].EntityID})
		c := report.Connections[0]
		require.Equal(t, soon, c.IntegrationID)
		require.Equal(t, "Two", c.Name)
		require.True(t, c.Enabled)
		require.True(t, c.Audited.Equal(report.Began))
		require.Len(t, c.Certificates, 2)
		require.Equal(t, time.Now().Add(90*time.Minute).UTC(), c.Certificates[0].NotAfter)
		text, err := json.Marshal(report)
		require.NoError(t, err)
		require.NotContains(t, string(text), "null")
		require.NotContains(t, string(text), "BEGIN CERTIFICATE")
	})
}

// large is an account with integrations as large as the client passes them on, each with many certificates.
type large struct{ account []sendgrid.Integration }

func (l large) ListIntegrations(context.Context) ([]sendgrid.Integration, error) {
	return l.account, nil
}

func (l large) Audit(ctx context.Context, r provision.Audit) (bool, error) {
	list := make([]sendgrid.Certificate, 50)
	for n := range list {
		list[n] = sendgrid.Certificate{ID: strings.Repeat("<", 256), PublicCertificate: "?", NotAfter: int64(n + 1)}
	}
	_, err := r.Judge(ctx, provision.Audited{
		EntityID: r.EntityID, Integrations: []sendgrid.Integration{{ID: r.EntityID[:256], Name: strings.Repeat("<", 4096), EntityID: r.EntityID}}, Certificates: [][]sendgrid.Certificate{list},
	})
	return true, err
}

// The report fits into what Lambda returns, however large the fields are.
func TestReportIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, l := newWorld(t), large{}
		for n := range 500 {
			l.account = append(l.account, sendgrid.Integration{ID: fmt.Sprintf("%0256d", n), EntityID: fmt.Sprintf("%0256d", n) + strings.Repeat("é", 2048)})
		}
		w.SendGrid, w.Connections = l, l
		report := w.started()
		text, err := json.Marshal(report)
		require.NoError(t, err)
		require.Less(t, len(text), 6_000_000)
		require.Positive(t, report.Omitted)
		require.Equal(t, 500, len(report.Connections)+report.Omitted)
		require.Len(t, w.bus.notices, 500)
		for _, n := range w.bus.notices {
			require.LessOrEqual(t, len(n.Connection.Name), 256)
			require.LessOrEqual(t, len(n.Connection.EntityID), 1024)
			require.Len(t, n.Connection.Certificates, 10)
			require.Equal(t, int64(50), n.Connection.Certificates[0].NotAfter.Unix(), "those that expire last")
		}
	})
}
