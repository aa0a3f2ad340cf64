package connector_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
	"sendgrid-sso-integration/internal/idp"
	"sendgrid-sso-integration/internal/okta"
)

// assignment is an event of Okta's log about a person who was assigned. Its targets have the
// order that Okta gives them.
type assignment struct{ app, label, user, result, published string }

func newAssignment() assignment {
	return assignment{"0oa1", "SendGrid", "00u1", "SUCCESS", "2026-11-23T15:00:00Z"}
}

func (a assignment) String() string {
	return fmt.Sprintf(`{"id":"e","source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","time":"2026-11-23T15:00:01Z",
		"detail":{"uuid":"u","published":%q,"eventType":"application.user_membership.add","outcome":{"result":%q},"target":[
		{"id":"0ua1","type":"AppUser","alternateId":"jane.doe@example.com"},{"id":%q,"type":"AppInstance","alternateId":%q},
		{"id":%q,"type":"User","alternateId":"jane@corp.example.com"}]}}`, a.published, a.result, a.app, a.label, a.user)
}

// newTeammates returns a fixture with teammates on and a person who is assigned.
func newTeammates(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	f.okta.user, f.okta.appUser = &okta.User{FirstName: " Jane", LastName: "Doe "}, &okta.AppUser{UserName: "Jane.Doe@example.com "}
	f.Providers = []connector.Provider{&oktaadapter.Provider{API: f.okta, NamePrefix: "SendGrid", Persona: "marketer"}}
	f.Metrics = &connector.Metrics{Out: &f.logs, FunctionName: "f"}
	return f
}

// The email is what Okta sends as NameID. The request never has if_exists: it changes nobody.
func TestAssignmentBecomesATeammate(t *testing.T) {
	t.Parallel()
	f := newTeammates(t)
	outcome, _ := f.invoke(t, newAssignment().String())
	require.Equal(t, "Announced", outcome)
	require.Len(t, f.bus.details, 1)
	require.JSONEq(t, `{"teammate":{"email":"Jane.Doe@example.com","first_name":"Jane","last_name":"Doe","persona":"marketer"},
		"metadata":{"okta_app":"0oa1","okta_event":"u","okta_user":"00u1"}}`, f.bus.details[0])
	require.Equal(t, time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), f.bus.at)
	require.Contains(t, f.logs.String(), `"okta_user":"00u1"`)
	require.NotContains(t, f.logs.String(), "Jane", "the log has ids of people only")
}

func TestAssignmentsWithoutATeammate(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change          func(*fixture, *assignment)
		outcome, reason string
		calls           int
	}{
		"off": {func(f *fixture, _ *assignment) {
			f.Providers = []connector.Provider{&oktaadapter.Provider{API: f.okta, NamePrefix: "SendGrid"}}
		}, "Ignored", "TEAMMATES is off", 0},
		"failed": {func(_ *fixture, a *assignment) { a.result = "FAILURE" }, "Ignored", "neither", 0},
		// Okta's rate limit is not spent on the assignments of the whole org.
		"another application":        {func(_ *fixture, a *assignment) { a.label = "Payroll" }, "Ignored", "APPLICATION_NAME_PREFIX", 0},
		"renamed":                    {func(f *fixture, _ *assignment) { f.okta.app.Label = "Payroll" }, "Ignored", "APPLICATION_NAME_PREFIX", 1},
		"not SAML":                   {func(f *fixture, _ *assignment) { f.okta.app.SignOnMode = "BOOKMARK" }, "Ignored", "SAML 2.0", 1},
		"unassigned since":           {func(f *fixture, _ *assignment) { f.okta.appUser = nil }, "Ignored", "not assigned", 2},
		"deleted since":              {func(f *fixture, _ *assignment) { f.okta.user = nil }, "Ignored", "does not exist", 3},
		"a path for the application": {func(_ *fixture, a *assignment) { a.app = "0oa1/x" }, "InvalidEvent", "", 0},
		"a path for the person":      {func(_ *fixture, a *assignment) { a.user = "../00u1" }, "InvalidEvent", "", 0},
		"no person":                  {func(_ *fixture, a *assignment) { a.user = "" }, "InvalidEvent", "", 0},
		"Okta is unavailable":        {func(f *fixture, _ *assignment) { f.okta.err = &idp.Error{Provider: okta.Name, Status: 503} }, "OktaUnavailable", "", 1},
		"no first name":              {func(f *fixture, _ *assignment) { f.okta.user.FirstName = " " }, "Skipped", "no first name", 3},
		"no last name":               {func(f *fixture, _ *assignment) { f.okta.user.LastName = "" }, "Skipped", "no last name", 3},
		"no email":                   {func(f *fixture, _ *assignment) { f.okta.appUser.UserName = "jdoe" }, "Skipped", "not an email", 3},
		"a name and an email":        {func(f *fixture, _ *assignment) { f.okta.appUser.UserName = "Jane <j@example.com>" }, "Skipped", "not an email", 3},
		"no username":                {func(f *fixture, _ *assignment) { f.okta.appUser.UserName = "" }, "Skipped", "not an email", 3},
		"another NameID":             {func(f *fixture, _ *assignment) { f.okta.app.NameIDTemplate = "${source.login}" }, "Skipped", "NameID", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, a := newTeammates(t), newAssignment()
			tt.change(f, &a)
			outcome, reason := f.invoke(t, a.String())
			require.Equal(t, tt.outcome, outcome)
			require.Contains(t, reason, tt.reason)
			require.Equal(t, tt.calls, f.okta.calls)
			require.Empty(t, f.bus.details)
			require.NotContains(t, f.logs.String(), "Doe")
			if outcome == "Skipped" {
				require.Contains(t, f.logs.String(), `"level":"WARN"`, "the output ShowFailuresCommand shows it")
				require.Contains(t, f.logs.String(), `"code":"TeammateIncomplete"`)
				require.Contains(t, f.logs.String(), `"TeammateIncomplete":1`)
			}
		})
	}
}

// What was skipped is done: the queue does not bring it again.
func TestSkippedIsNotRepeated(t *testing.T) {
	t.Parallel()
	f := newTeammates(t)
	f.okta.user.LastName = ""
	body, err := f.Invoke(t.Context(), fmt.Appendf(nil, `{"Records":[{"messageId":"1","body":%q}]}`, newAssignment()))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(body))
	body, err = f.Invoke(t.Context(), []byte(newAssignment().String()))
	require.NoError(t, err)
	require.Contains(t, string(body), `"code":"TeammateIncomplete"`)
}

// A person whom Okta does not show yet is read again for ten minutes.
func TestOktaShowsAPersonLater(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]func(*fakeOkta){
		"application": func(o *fakeOkta) { o.app = nil }, "assignment": func(o *fakeOkta) { o.appUser = nil }, "person": func(o *fakeOkta) { o.user = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, a := newTeammates(t), newAssignment()
				a.published = time.Now().Format(time.RFC3339Nano)
				before := *f.okta
				lag(f.okta)
				outcome, _ := f.invoke(t, a.String())
				require.Equal(t, "NotShownYet", outcome)
				shown := *f.okta
				*f.okta = before
				outcome, _ = f.invoke(t, a.String())
				require.Equal(t, "Announced", outcome)
				*f.okta = shown
				time.Sleep(10 * time.Minute)
				outcome, _ = f.invoke(t, a.String())
				require.Equal(t, "Ignored", outcome)
			})
		})
	}
}
