package connector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// fresh is an event of Okta's log that was published a moment ago, with more fields of its
// detail and of its target.
func fresh(eventType, detail, target string) string {
	return fmt.Sprintf(`{"id":"e","source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","time":"2001-01-01T00:00:00Z",
		"detail":{"uuid":"u","published":%q,"eventType":%q%s,"target":[{"id":"0oa1","type":"AppInstance"%s}]}}`,
		time.Now().Format(time.RFC3339Nano), eventType, detail, target)
}

// freshResult is a result event of a moment ago.
func freshResult() string {
	return fmt.Sprintf(`{"source":"sendgrid.sso","detail-type":"SSO Integration Created","time":%q,"detail":{"metadata":{"okta_app":"0oa1"},
		"integration":{"entity_id":%q,"id":%q,"single_signon_url":%q,"audience_url":%[4]q}}}`, time.Now().Format(time.RFC3339Nano), entityID, integration, responseURL)
}

// Okta's reads may lag behind its log. What an event announces and Okta does not show yet is
// read again for ten minutes, and taken as it is after that.
func TestOktaLagsBehindItsLog(t *testing.T) {
	t.Parallel()
	missing, there := func(f *fakeOkta) { f.app = nil }, func(*fakeOkta) {}
	as := func(status string) func(*fakeOkta) { return func(f *fakeOkta) { f.app.Status = status } }
	signsWith := func(kid string) func(*fakeOkta) { return func(f *fakeOkta) { f.app.SigningKeyID = kid } }
	for name, tt := range map[string]struct {
		event func() string
		// lag is what Okta shows at first, over what it shows in the end.
		lag, over func(*fakeOkta)
		// then is what the event finds when the lag is over, late what it finds if it never is.
		then, late string
		// early is how many requests are sent while Okta lags.
		early int
	}{
		"created, but not found": {func() string { return fresh("application.lifecycle.create", "", "") }, missing, there, "Announced", "Ignored", 0},
		"updated, but not found": {func() string { return fresh("application.lifecycle.update", "", "") }, missing, there, "Announced", "Ignored", 0},
		"not found, named by its label": {
			func() string {
				return fresh("application.lifecycle.create", "", `,"alternateId":"SendGrid EU","displayName":"org_app_1"`)
			}, missing, there, "Announced", "Ignored", 0,
		},
		"not found, named by its kind": {
			func() string {
				return fresh("application.lifecycle.create", "", `,"alternateId":"Mail","displayName":"SendGrid"`)
			}, missing, there, "Announced", "Ignored", 0,
		},
		"result, but not found":     {freshResult, missing, there, "Unchanged", "Ignored", 0},
		"deactivated, but active":   {func() string { return fresh("application.lifecycle.deactivate", "", "") }, as("ACTIVE"), as("INACTIVE"), "Announced", "Announced", 0},
		"activated, but not active": {func() string { return fresh("application.lifecycle.activate", "", "") }, as("INACTIVE"), as("ACTIVE"), "Announced", "Announced", 0},
		// The request is sent at once, because nothing says where an event names the key: a key
		// that is there must not wait.
		"key rotated, but only the old one": {
			func() string { return fresh("app.keys.rotate", `,"debugContext":{"debugData":{"keyId":"akm2"}}`, "") },
			signsWith("akm1"), signsWith("akm2"), "Announced", "Announced", 3,
		},
		"key rotated, but none": {
			func() string { return fresh("app.keys.rotate", `,"debugContext":{"debugData":{"keyId":"akm2"}}`, "") },
			signsWith(""), signsWith("akm2"), "Announced", "Announced", 3,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Hour)
				f := newFixture(t)
				event := tt.event()
				tt.lag(f.okta)
				for _, wait := range []time.Duration{0, 6 * time.Minute, 4*time.Minute - time.Nanosecond} {
					time.Sleep(wait)
					outcome, _ := f.invoke(t, event)
					require.Equal(t, "NotShownYet", outcome)
				}
				require.Len(t, f.bus.details, tt.early)
				time.Sleep(time.Nanosecond)
				outcome, _ := f.invoke(t, event)
				require.Equal(t, tt.late, outcome, "after ten minutes it is taken as it is")

				f = newFixture(t)
				event = tt.event()
				tt.lag(f.okta)
				outcome, _ = f.invoke(t, event)
				require.Equal(t, "NotShownYet", outcome)
				f.okta.app = newOkta(t).app
				tt.over(f.okta)
				outcome, _ = f.invoke(t, event)
				require.Equal(t, tt.then, outcome, "what Okta shows counts at once")
			})
		})
	}
}

// What there is no reason to wait for is not read again.
func TestOktaDoesNotLag(t *testing.T) {
	t.Parallel()
	missing := func(f *fakeOkta) { f.app = nil }
	as := func(status string) func(*fakeOkta) { return func(f *fakeOkta) { f.app.Status = status } }
	in := func(d time.Duration) string { return `,"published":"` + time.Now().Add(d).Format(time.RFC3339) + `"` }
	for name, tt := range map[string]struct {
		event   func() string
		shows   func(*fakeOkta)
		outcome string
	}{
		"not found, of another name": {
			func() string {
				return fresh("application.lifecycle.update", "", `,"alternateId":"Payroll","displayName":"Payroll"`)
			}, missing, "Ignored",
		},
		"created":              {func() string { return fresh("application.lifecycle.create", "", "") }, as("ACTIVE"), "Announced"},
		"created, not active":  {func() string { return fresh("application.lifecycle.create", "", "") }, as("INACTIVE"), "Announced"},
		"updated, not active":  {func() string { return fresh("application.lifecycle.update", "", "") }, as("INACTIVE"), "Announced"},
		"deactivated":          {func() string { return fresh("application.lifecycle.deactivate", "", "") }, as("INACTIVE"), "Announced"},
		"activated":            {func() string { return fresh("application.lifecycle.activate", "", "") }, as("ACTIVE"), "Announced"},
		"key in the debugData": {func() string { return fresh("app.keys.rotate", `,"debugContext":{"debugData":{"x":"akm1"}}`, "") }, as("ACTIVE"), "Announced"},
		"key in the target":    {func() string { return fresh("app.keys.rotate", "", `,"detailEntry":{"x":"akm1"}`) }, as("ACTIVE"), "Announced"},
		"in the future":        {func() string { return fresh("application.lifecycle.deactivate", in(10*time.Minute), "") }, as("ACTIVE"), "Announced"},
		"failed":               {func() string { return fresh("application.lifecycle.deactivate", `,"outcome":{"result":"FAILURE"}`, "") }, as("ACTIVE"), "Ignored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t)
				tt.shows(f.okta)
				outcome, _ := f.invoke(t, tt.event())
				require.Equal(t, tt.outcome, outcome)
			})
		})
	}
}
