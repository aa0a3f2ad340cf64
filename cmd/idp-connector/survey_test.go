package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta/oktatest"
)

// The daily event finds every application with the prefix, however many pages they take and
// whatever the rate limit says.
func TestScheduleReadsEveryApplication(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.okta.SetPageSize(2)
	for _, id := range []string{"0oa1", "0oa2", "0oa3", "0oa4"} {
		w.okta.Put(strings.Replace(application(t), appID, id, 1), metadata(t))
	}
	w.okta.Put(strings.NewReplacer(appID, "0oa5", `"label": "SendGrid"`, `"label": "Payroll"`).Replace(application(t)), metadata(t))
	f := w.start(t)
	w.okta.Fail(oktatest.Fault{Path: "/api/v1/apps", Status: http.StatusTooManyRequests, RetryAfter: time.Second})

	require.JSONEq(t, `{"outcome":"Checked","applications":{"Announced":4}}`, string(f.Invoke(sample(t, "check"), timeout).Body))
	require.Len(t, w.bus.Taken(), 4)
	require.Contains(t, w.sent(), "GET /api/v1/apps?after=0oa4&limit=50")
}
