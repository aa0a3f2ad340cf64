package status_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// everything is an account in which all checks run.
func everything() account {
	return account{checks: append(
		key(full(), nil, true),
		status.EventBus(fails(nil)), status.EventQueue(count(0, nil)), status.DeadLetterQueue(count(0, nil)),
		status.WebhookSecret(schemes(nil, "bearer")), status.Hosts([]string{"*.okta.com"}),
	)}
}

func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		a := everything()
		a.entries = []protocol.Entry{
			own(now.Add(-3 * time.Hour)),
			managed("urn:one", func(e *protocol.Entry) {
				e.IntegrationID, e.Audited, e.Findings = "id-1", now.Add(-3*time.Hour), stored(now.Add(90*day+time.Hour), "IntegrationDisabled")
			}),
		}
		a.integrations = []sendgrid.Integration{integration("id-1", "urn:one"), integration("id-2", "")}
		text, err := json.Marshal(a.report(t))
		require.NoError(t, err)
		require.JSONEq(t, `{
			"ok": true, "version": "1.2.3", "audited": "1999-12-31T21:00:00Z",
			"checks": [
				{"name": "api_key", "ok": true, "message": "The secret can be read, and SendGrid accepts the API key."},
				{"name": "scopes", "ok": true, "message": "The API key has the 4 scopes that are needed."},
				{"name": "event_bus", "ok": true, "message": "The event bus exists."},
				{"name": "event_queue", "ok": true, "message": "Messages in the event queue: 0."},
				{"name": "dead_letter_queue", "ok": true, "message": "Messages in the dead-letter queue: 0."},
				{"name": "webhook_secret", "ok": true, "message": "Webhooks are accepted by bearer."},
				{"name": "saml_metadata_hosts", "ok": true, "message": "SAML metadata is fetched from *.okta.com."},
				{"name": "ledger", "ok": true, "message": "The ledger can be read. Connections whose request it keeps: 1."},
				{"name": "teammates", "ok": true, "message": "TEAMMATES is not true: requests for teammates are refused, and nobody checks who can log in without SSO."},
				{"name": "audit", "ok": true, "message": "The last audit began on 1999-12-31T21:00:00Z."}
			],
			"connections": [{
				"entity_id": "urn:one", "name": "Listed id-1", "integration_id": "id-1", "enabled": true, "state": "managed", "days_left": 90,
				"audited": "1999-12-31T21:00:00Z", "findings": [{"code": "IntegrationDisabled", "message": "About IntegrationDisabled"}]
			}],
			"findings": [{"code": "IntegrationIncomplete", "integration_ids": ["id-2"], "message": `+jsonOf(t, a.report(t).Findings[0].Message)+`}]
		}`, string(text))
	})
}

// Every check has its name, and there is no other.
func TestNames(t *testing.T) {
	t.Parallel()
	a := everything()
	a.list = func(context.Context) error { return errors.New("no list") }
	var names []string
	for _, c := range a.report(t).Checks {
		names = append(names, c.Name)
	}
	require.Equal(t, status.Names(), names)
}

func jsonOf(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// An empty account is not an error, and nothing in the report is null.
func TestReportOfNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := account{}.report(t)
		require.True(t, r.OK)
		require.Contains(t, check(t, r, "audit").Message, "No audit has run yet")
		require.Contains(t, check(t, r, "audit").Message, "AuditCommand")
		text := jsonOf(t, r)
		require.Contains(t, text, `"connections":[],"findings":[]`)
		require.NotContains(t, text, "audited")
		require.NotContains(t, text, "null")
	})
}

// Whatever hangs, the report is complete in time, and says what did not end. What ended is in it.
func TestHanging(t *testing.T) {
	t.Parallel()
	hanging := func(check status.Check, run func(context.Context) error) status.Check {
		return status.Check{Name: check.Name, Run: func(ctx context.Context) (string, error) {
			return "", &status.Problem{Message: "It could not be read.", Err: run(ctx)}
		}}
	}
	one, two := status.Hosts(nil), status.EventBus(fails(nil))
	for name, tt := range map[string]struct {
		change     func(*account)
		late, deaf []string
		also       []string // that are not ok for that reason
	}{
		"a check":              {func(a *account) { a.checks[0] = hanging(one, hangs) }, []string{one.Name}, nil, nil},
		"a check that is deaf": {func(a *account) { a.checks[0] = hanging(one, deaf) }, nil, []string{one.Name}, nil},
		"another that is deaf": {func(a *account) { a.checks[1] = hanging(two, deaf) }, nil, []string{two.Name}, nil},
		"the ledger":           {func(a *account) { a.scan = hangs }, []string{"ledger"}, nil, []string{"audit"}},
		"the ledger, deaf":     {func(a *account) { a.scan = deaf }, nil, []string{"ledger"}, []string{"audit"}},
		"the list":             {func(a *account) { a.list = hangs }, []string{"integrations"}, nil, nil},
		"the list, deaf":       {func(a *account) { a.list = deaf }, nil, []string{"integrations"}, nil},
		"the teammates":        {func(a *account) { a.people = &people{wait: hangs} }, []string{"teammates"}, nil, nil},
		"the teammates, deaf":  {func(a *account) { a.people = &people{wait: deaf} }, nil, []string{"teammates"}, nil},
		"every other is deaf": {func(a *account) {
			a.checks[0], a.checks[1], a.scan, a.list = hanging(one, deaf), hanging(two, hangs), deaf, hangs
		},
			[]string{two.Name, "integrations"}, []string{one.Name, "ledger"}, []string{"audit"}},
		"all deaf": {func(a *account) {
			a.checks[0], a.checks[1], a.scan, a.list = hanging(one, deaf), hanging(two, deaf), deaf, deaf
		},
			nil, []string{one.Name, two.Name, "ledger", "integrations"}, []string{"audit"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := account{
					checks: []status.Check{one, two}, entries: []protocol.Entry{own(time.Now()), managed("urn:one", nil)},
					integrations: []sendgrid.Integration{integration("id of urn:one", "urn:one")},
				}
				tt.change(&a)
				r := a.report(t)
				time.Sleep(deafness) // The bubble ends once all have ended.
				require.ElementsMatch(t, slices.Concat(tt.late, tt.deaf, tt.also), failing(r))
				for _, name := range tt.late {
					require.Regexp(t, "^This check did not end within 8s. [A-Z].* could not be ", check(t, r, name).Message)
					require.ErrorIs(t, check(t, r, name).Cause, context.DeadlineExceeded)
				}
				for _, name := range tt.deaf {
					require.Contains(t, check(t, r, name).Message, "This check did not end within 8s. What it asks does not respond. Run the status again")
				}
				if a.scan == nil || a.list == nil {
					require.Len(t, r.Connections, 1, "of what could be read")
				}
			})
		})
	}
}

// A report is complete before the invocation ends, even if that is short.
func TestShortInvocation(t *testing.T) {
	t.Parallel()
	for given, within := range map[time.Duration]string{28 * time.Second: "8s", 4500 * time.Millisecond: "2.5s", time.Second: "500ms"} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), given)
			defer cancel()
			r := account{scan: deaf, list: hangs}.reporter().Report(ctx)
			require.NoError(t, ctx.Err(), given)
			time.Sleep(deafness)
			require.Equal(t, []string{"ledger", "integrations", "audit"}, failing(r))
			require.Contains(t, check(t, r, "ledger").Message, "did not end within "+within+". ")
			require.Contains(t, check(t, r, "integrations").Message, "did not end within "+within+". ")
		})
	}
}

// The checks run side by side, so that together they take as long as the longest one.
func TestChecksRunSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var checks []status.Check
		for i := range 20 {
			checks = append(checks, status.Check{Name: fmt.Sprint(i), Run: func(context.Context) (string, error) {
				time.Sleep(7 * time.Second)
				return "Slow.", nil
			}})
		}
		start := time.Now()
		require.True(t, account{checks: checks}.report(t).OK)
		require.Equal(t, 7*time.Second, time.Since(start))
	})
}

// A mistake in a check is that check's only. Its error is for the log.
func TestMistakes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := everything()
		a.checks = append(a.checks,
			status.Check{Name: "panics", Run: func(context.Context) (string, error) { panic(secretText) }},
			status.Check{Name: "fails", Run: func(context.Context) (string, error) { return "", errBroken }},
		)
		a.scan = func(context.Context) error { panic("another") }
		a.list = func(context.Context) error { panic("a third") }
		r := a.report(t)
		require.Equal(t, []string{"panics", "fails", "ledger", "integrations", "audit"}, failing(r))
		for name, cause := range map[string]string{"panics": "panic: " + secretText, "fails": errBroken.Error(), "ledger": "panic: another", "integrations": "panic: a third"} {
			require.Equal(t, "This check failed because of a mistake in this function; its log has the cause.", check(t, r, name).Message)
			require.ErrorContains(t, check(t, r, name).Cause, cause)
			if name != "fails" {
				require.ErrorContains(t, check(t, r, name).Cause, "status_test.go", "where it was")
			}
		}
	})
}

// What the list says about connections is what is the case now, and the ledger has the rest.
func TestConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC()
		tests := map[string]struct {
			account account
			want    []audit.Connection
		}{
			"managed": {
				account{
					entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) {
						e.Audited, e.Findings = now.Add(-time.Hour), stored(now.Add(20*day+time.Minute), "CertificateExpiresSoon", "Drifted")
					})},
					integrations: []sendgrid.Integration{{ID: "id of urn:one", EntityID: "urn:one", Name: "Renamed", Enabled: false}},
				},
				[]audit.Connection{{
					EntityID: "urn:one", Name: "Renamed", IntegrationID: "id of urn:one", State: audit.Managed, DaysLeft: new(20), Audited: now.Add(-time.Hour),
					Findings: []audit.Finding{{Code: "CertificateExpiresSoon", Message: "About CertificateExpiresSoon"}, {Code: "Drifted", Message: "About Drifted"}},
				}},
			},
			"days are counted now, not when it was audited": {
				account{
					entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) {
						e.Audited, e.Findings = now.Add(-40*day), stored(now.Add(-2*day-time.Hour))
					})},
					integrations: []sendgrid.Integration{integration("id of urn:one", "urn:one")},
				},
				[]audit.Connection{{EntityID: "urn:one", Name: "Listed id of urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Managed, DaysLeft: new(-3), Audited: now.Add(-40 * day), Findings: []audit.Finding{}}},
			},
			"never audited": {
				account{entries: []protocol.Entry{managed("urn:one", nil)}, integrations: []sendgrid.Integration{integration("id of urn:one", "urn:one")}},
				[]audit.Connection{{EntityID: "urn:one", Name: "Listed id of urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Managed, Findings: []audit.Finding{}}},
			},
			"ended": {
				account{
					entries:      []protocol.Entry{managed("urn:one", func(e *protocol.Entry) { e.Ended = now.Add(-day) })},
					integrations: []sendgrid.Integration{{ID: "id of urn:one", EntityID: "urn:one", Name: "Old"}},
				},
				[]audit.Connection{{EntityID: "urn:one", Name: "Old", IntegrationID: "id of urn:one", State: audit.Ended, Findings: []audit.Finding{}}},
			},
			"ended and deleted": {
				account{entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) { e.Ended, e.IntegrationID = now.Add(-day), "" })}},
				[]audit.Connection{{EntityID: "urn:one", Name: "Kept urn:one", State: audit.Ended, Findings: []audit.Finding{}}},
			},
			"unmanaged": {
				account{integrations: []sendgrid.Integration{integration("id-1", "urn:one")}},
				[]audit.Connection{{EntityID: "urn:one", Name: "Listed id-1", IntegrationID: "id-1", Enabled: true, State: audit.Unmanaged, Findings: []audit.Finding{}}},
			},
			"unmanaged and audited": {
				account{
					entries: []protocol.Entry{entry("urn:one", func(e *protocol.Entry) {
						e.Audited, e.Findings = now.Add(-time.Hour), stored(time.Time{}, "NoCertificate")
					})},
					integrations: []sendgrid.Integration{integration("id of urn:one", "urn:one")},
				},
				[]audit.Connection{{
					EntityID: "urn:one", Name: "Listed id of urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Unmanaged, Audited: now.Add(-time.Hour),
					Findings: []audit.Finding{{Code: "NoCertificate", Message: "About NoCertificate"}},
				}},
			},
			"unmanaged and gone":          {account{entries: []protocol.Entry{entry("urn:one", nil)}}, nil},
			"forgotten":                   {account{entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) { e.Expires = now.Add(-time.Second) })}}, nil},
			"the audits' entry":           {account{entries: []protocol.Entry{own(now)}}, nil},
			"an entry of another version": {account{entries: []protocol.Entry{{Key: "teammate", Kept: "{}", Expires: now.Add(day)}}}, nil},
			"without entity_id":           {account{integrations: []sendgrid.Integration{integration("id-1", "")}}, nil},
			"two with one entity_id": {
				account{
					entries:      []protocol.Entry{managed("urn:one", func(e *protocol.Entry) { e.IntegrationID = "id-2" })},
					integrations: []sendgrid.Integration{integration("id-1", "urn:one"), integration("id-2", "urn:one")},
				},
				[]audit.Connection{{EntityID: "urn:one", Name: "Listed id-2", IntegrationID: "id-2", Enabled: true, State: audit.Managed, Findings: []audit.Finding{}}},
			},
			"deleted in SendGrid": {
				account{entries: []protocol.Entry{managed("urn:one", nil)}, integrations: []sendgrid.Integration{integration("id-9", "urn:nine")}},
				[]audit.Connection{
					{EntityID: "urn:nine", Name: "Listed id-9", IntegrationID: "id-9", Enabled: true, State: audit.Unmanaged, Findings: []audit.Finding{}},
					{EntityID: "urn:one", Name: "Kept urn:one", State: audit.Managed, Findings: []audit.Finding{}},
				},
			},
			"another one in its place": {
				account{entries: []protocol.Entry{managed("urn:one", nil)}, integrations: []sendgrid.Integration{integration("id-9", "urn:one")}},
				[]audit.Connection{{EntityID: "urn:one", Name: "Listed id-9", IntegrationID: "id-9", Enabled: true, State: audit.Managed, Findings: []audit.Finding{}}},
			},
			"with another entity_id now": {
				account{entries: []protocol.Entry{managed("urn:one", nil)}, integrations: []sendgrid.Integration{integration("id of urn:one", "urn:nine")}},
				[]audit.Connection{
					{EntityID: "urn:nine", Name: "Listed id of urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Unmanaged, Findings: []audit.Finding{}},
					{EntityID: "urn:one", Name: "Listed id of urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Managed, Findings: []audit.Finding{}},
				},
			},
			"not created yet": {
				account{entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) { e.IntegrationID = "" })}, integrations: []sendgrid.Integration{{Name: "Begun by hand"}}},
				[]audit.Connection{{EntityID: "urn:one", Name: "Kept urn:one", State: audit.Managed, Findings: []audit.Finding{}}},
			},
			"the list only": {
				account{entries: []protocol.Entry{managed("urn:one", nil)}, scan: fails(errBroken), integrations: []sendgrid.Integration{integration("id-1", "urn:two")}},
				[]audit.Connection{{EntityID: "urn:two", Name: "Listed id-1", IntegrationID: "id-1", Enabled: true, Findings: []audit.Finding{}}},
			},
			"the ledger only": {
				account{
					list: fails(errBroken), integrations: []sendgrid.Integration{integration("id-1", "urn:two")},
					entries: []protocol.Entry{managed("urn:one", func(e *protocol.Entry) {
						e.Audited, e.Findings = now.Add(-time.Hour), stored(now.Add(9*day+time.Hour), "Drifted")
					})},
				},
				[]audit.Connection{{
					EntityID: "urn:one", Name: "Kept urn:one", IntegrationID: "id of urn:one", Enabled: true, State: audit.Managed, DaysLeft: new(9), Audited: now.Add(-time.Hour),
					Findings: []audit.Finding{{Code: "Drifted", Message: "About Drifted"}},
				}},
			},
			"neither": {account{list: fails(errBroken), scan: fails(errBroken)}, nil},
		}
		for name, tt := range tests {
			got := tt.account.report(t)
			if tt.want == nil {
				tt.want = []audit.Connection{}
			}
			require.Equal(t, jsonOf(t, tt.want), jsonOf(t, got.Connections), name)
			if name == "the list only" {
				require.NotContains(t, jsonOf(t, got), "state", "it is not known")
			}
		}
	})
}

// The connections with the most findings come first.
func TestConnectionsAreSorted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		found := func(codes ...string) func(*protocol.Entry) {
			return func(e *protocol.Entry) { e.Findings = stored(time.Time{}, codes...) }
		}
		r := account{entries: []protocol.Entry{
			managed("urn:b", nil), managed("urn:d", found("Drifted")), managed("urn:a", nil), managed("urn:e", found("Drifted", "NoCertificate")), managed("urn:c", found("Missing")),
		}}.report(t)
		var order []string
		for _, c := range r.Connections {
			order = append(order, c.EntityID)
		}
		require.Equal(t, []string{"urn:e", "urn:c", "urn:d", "urn:a", "urn:b"}, order)
		require.Zero(t, r.Omitted)
	})
}

// A report has a thousand connections, and says how many more there are.
func TestMoreThanAThousand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := account{}
		for i := range 600 {
			a.entries = append(a.entries, managed(fmt.Sprintf("urn:%04d", i), nil))
			a.integrations = append(a.integrations, integration(fmt.Sprint("listed-", i), fmt.Sprintf("urn:%04d", 2000+i)))
		}
		a.entries = append(a.entries, managed("urn:9999", func(e *protocol.Entry) { e.Findings = stored(time.Time{}, "Drifted") }))
		r := a.report(t)
		require.Len(t, r.Connections, 1000)
		require.Equal(t, 201, r.Omitted)
		require.Equal(t, "urn:9999", r.Connections[0].EntityID, "it has a finding")
		require.Contains(t, jsonOf(t, r), `"omitted":201`)
	})
}

// One list shows what is about several integrations, or about one without entity_id; no audit is needed.
func TestFindingsOfTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := account{integrations: []sendgrid.Integration{
			integration("id-1", "urn:b"), integration("id-2", "urn:a"), integration("id-3", ""), integration("id-4", "urn:a"),
			integration("id-5", "urn:c"), integration("id-6", "urn:b"), integration("id-7", "urn:a"), {Name: "Begun by hand"}, integration("id-8", ""),
		}}.report(t)
		require.True(t, r.OK, "findings are about connections")
		require.Equal(t, []status.Finding{
			{provision.IntegrationIncomplete, []string{"id-3", "id-8"}, "Integrations without entity_id: 3. Nobody can log in with them. Finish their setup in SendGrid's SSO settings, or delete them."},
			{audit.DuplicateEntityID, []string{"id-2", "id-4", "id-7"}, "3 integrations have the entity_id urn:a, so that login may fail. Delete all but one in SendGrid's SSO settings."},
			{audit.DuplicateEntityID, []string{"id-1", "id-6"}, "2 integrations have the entity_id urn:b, so that login may fail. Delete all but one in SendGrid's SSO settings."},
		}, r.Findings)
		require.Len(t, r.Connections, 3, "one for each entity id")
	})
}

// The audit is late if none began for two days, or if one has not reached every connection after an hour.
func TestAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		audited := func(ago time.Duration) func(*protocol.Entry) {
			return func(e *protocol.Entry) { e.Audited = now.Add(-ago) }
		}
		tests := map[string]struct {
			entries []protocol.Entry
			ok      bool
			want    string
		}{
			"never":                     {nil, true, "No audit has run yet"},
			"never, connections":        {[]protocol.Entry{managed("urn:one", nil)}, true, "No audit has run yet"},
			"recent":                    {[]protocol.Entry{own(now.Add(-23 * time.Hour)), managed("urn:one", audited(23*time.Hour))}, true, "The last audit began on 1999-12-31T01:00:00Z."},
			"two days ago":              {[]protocol.Entry{own(now.Add(-2 * day))}, true, "The last audit began on"},
			"more than two days ago":    {[]protocol.Entry{own(now.Add(-2*day - time.Second))}, false, "more than 48 hours ago. Look for \"audit failed\" in the function's log, and start one with the output AuditCommand."},
			"a month ago":               {[]protocol.Entry{own(now.Add(-31 * day))}, false, "more than 48 hours ago"},
			"running":                   {[]protocol.Entry{own(now.Add(-time.Hour)), managed("urn:one", audited(25*time.Hour)), managed("urn:two", nil)}, true, "The last audit began on"},
			"does not end":              {[]protocol.Entry{own(now.Add(-61 * time.Minute)), managed("urn:one", audited(25*time.Hour)), managed("urn:two", nil), managed("urn:three", audited(time.Hour))}, false, "Connections that the audit of 1999-12-31T22:59:00Z has not reached: 2. Look for"},
			"made since":                {[]protocol.Entry{own(now.Add(-5 * time.Hour)), managed("urn:one", func(e *protocol.Entry) { e.Kept = kept("urn:one", now.Add(-4*time.Hour)) })}, true, "The last audit began on"},
			"applied again since":       {[]protocol.Entry{own(now.Add(-5 * time.Hour)), managed("urn:one", func(e *protocol.Entry) { e.Kept, e.Audited = kept("urn:one", now.Add(-4*time.Hour)), now.Add(-day) })}, true, "The last audit began on"},
			"unmanaged need not be":     {[]protocol.Entry{own(now.Add(-61 * time.Minute)), entry("urn:one", audited(25*time.Hour))}, true, "The last audit began on"},
			"nor what is forgotten":     {[]protocol.Entry{own(now.Add(-61 * time.Minute)), managed("urn:one", func(e *protocol.Entry) { e.Expires = now.Add(-day) })}, true, "The last audit began on"},
			"ended ones are to be":      {[]protocol.Entry{own(now.Add(-61 * time.Minute)), managed("urn:one", func(e *protocol.Entry) { e.Ended = now.Add(-9 * day) })}, false, "has not reached"},
			"long ago, and not reached": {[]protocol.Entry{own(now.Add(-3 * day)), managed("urn:one", nil)}, false, "more than 48 hours ago"},
		}
		for name, tt := range tests {
			r := account{entries: tt.entries}.report(t)
			got := check(t, r, "audit")
			require.Equal(t, tt.ok, got.OK, name+": "+got.Message)
			require.Contains(t, got.Message, tt.want, name)
			if at := slices.IndexFunc(tt.entries, func(e protocol.Entry) bool { return e.Key == audit.LedgerKey }); at >= 0 {
				require.True(t, tt.entries[at].Audited.Equal(r.Audited), name)
			} else {
				require.Zero(t, r.Audited, name)
			}
		}
	})
}

func TestLedger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := account{entries: []protocol.Entry{own(time.Now()), managed("urn:one", nil), entry("urn:two", nil), managed("urn:three", nil)}}
		got := check(t, good.report(t), "ledger")
		require.True(t, got.OK)
		require.Equal(t, "The ledger can be read. Connections whose request it keeps: 2.", got.Message)

		memory := good.reporter()
		memory.Durable = false
		got = check(t, memory.Report(t.Context()), "ledger")
		require.True(t, got.OK, "it is not configured")
		require.Contains(t, got.Message, "LEDGER_TABLE is not set")

		for name, tt := range unreadable("LEDGER_TABLE", "dynamodb:Scan", "restore it from its backup: an empty table forgets every connection") {
			r := account{entries: good.entries, scan: fails(tt.err)}.report(t)
			require.Equal(t, []string{"ledger", "audit"}, failing(r), name)
			require.Contains(t, check(t, r, "ledger").Message, "The table"+tt.want, name)
			require.Contains(t, check(t, r, "ledger").Message, " Until then, connections have only what SendGrid shows.")
			require.ErrorIs(t, check(t, r, "ledger").Cause, tt.err)
			require.Contains(t, check(t, r, "audit").Message, "not known when the last audit began, because the ledger could not be read")
			require.Zero(t, r.Audited)
		}
	})
}

// Why the integrations cannot be listed is said once: by the checks of the key, if that is why.
func TestListFails(t *testing.T) {
	t.Parallel()
	refused := func(code int) error {
		return &sendgrid.Error{Op: sendgrid.OpListIntegrations, StatusCode: code, Sent: true}
	}
	for name, tt := range map[string]struct {
		scopes []string
		key    error
		list   error
		want   []string
		say    string
	}{
		"the key is revoked":     {full(), refused(401), refused(401), []string{"api_key", "scopes"}, ""},
		"the key lacks a scope":  {full(sendgrid.ScopeRead), nil, refused(403), []string{"scopes"}, ""},
		"the plan lacks SSO":     {others(60), nil, refused(403), []string{"scopes"}, ""},
		"an outage of the list":  {full(), nil, refused(503), []string{"integrations"}, "connections that only SendGrid has are missing here. Run the status again"},
		"an outage, and a scope": {full(sendgrid.ScopeUpdate), nil, refused(503), []string{"scopes", "integrations"}, "connections that only SendGrid has are missing here"},
		"refused nevertheless":   {full(), nil, refused(403), []string{"integrations"}, "does not let the API key list the integrations"},
		"an outage of SendGrid":  {nil, refused(503), refused(503), []string{"api_key", "scopes"}, ""},
		"a response of no form":  {full(), nil, errBroken, []string{"integrations"}, "Run the status again"},
		"accepted and then not":  {full(), nil, refused(401), []string{"integrations"}, "does not accept the API key"},
		"nothing is wrong at it": {full(), nil, nil, []string{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := account{checks: key(tt.scopes, tt.key, false), list: fails(tt.list)}.report(t)
			require.Equal(t, tt.want, failing(r))
			if tt.say == "" {
				require.NotContains(t, jsonOf(t, r.Checks), "integrations\"")
				return
			}
			require.Contains(t, check(t, r, "integrations").Message, tt.say)
			require.ErrorIs(t, check(t, r, "integrations").Cause, tt.list)
		})
	}
}

// A reporter makes reports at the same time. Run with -race.
func TestReportsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := everything()
		a.entries, a.integrations = []protocol.Entry{own(time.Now()), managed("urn:one", nil)}, []sendgrid.Integration{integration("id-1", "urn:two")}
		reporter, reports := a.reporter(), make(chan *status.Report)
		for range 4 {
			go func() { reports <- reporter.Report(t.Context()) }()
		}
		for range 4 {
			r := <-reports
			require.True(t, r.OK)
			require.Len(t, r.Connections, 2)
		}
	})
}

// Lambda returns 6 MB at most, and an HTTP response has the report as a text in JSON, where a quote takes two
// bytes more.
func TestLargestReportFits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		quotes := strings.Repeat(`"`, 4096)
		a := account{}
		for i := range 200 {
			id := fmt.Sprintf("urn:%04d:%s", i, quotes[:1000])
			a.entries = append(a.entries, managed(id, func(e *protocol.Entry) { e.Findings = stored(time.Time{}, quotes[:1000], quotes[:1000], quotes[:1000]) }))
			for range 2 {
				a.integrations = append(a.integrations, sendgrid.Integration{ID: fmt.Sprint("id-", len(a.integrations), quotes[:240]), EntityID: id, Name: quotes})
			}
			a.integrations = append(a.integrations, sendgrid.Integration{ID: fmt.Sprint("nameless-", i, quotes[:240])})
		}
		r := a.report(t)
		require.Less(t, len(jsonOf(t, jsonOf(t, r))), 6_000_000-10_000)
		require.Greater(t, len(r.Connections), 100)
		require.Equal(t, 200, len(r.Connections)+r.Omitted)
		require.Len(t, r.Findings, 100)
		require.Contains(t, r.Findings[0].Message, "Integrations without entity_id: 200.")
		for _, f := range r.Findings {
			require.LessOrEqual(t, len(f.IntegrationIDs), 20)
		}
	})
}
