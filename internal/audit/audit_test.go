package audit_test

import (
	"encoding/json"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Nothing but the message of a task is one: another message is a request.
func FuzzParseTask(f *testing.F) {
	for _, seed := range []string{
		`{"audit":{"entity_id":"urn:idp:1","began":"2026-11-27T05:19:02.123456789Z"}}`, `{"audit":{"entity_id":"urn:idp:1"}}`, `{"audit":{"began":"2026-11-27T05:19:02Z"}}`,
		`{"audit":{"entity_id":"urn:idp:1","began":"2026-11-27T05:19:02Z"},"name":"Okta"}`, `{"audit":{"entity_id":1,"began":"2026-11-27T05:19:02Z"}}`,
		`{"Audit":{"entity_id":"urn:idp:1","began":"2026-11-27T05:19:02Z"}}`, `{"audit":{"entity_id":"urn:idp:1","began":"0001-01-01T00:00:00Z"}}`,
		`{"audit":null}`, `{"audit":[]}`, `{}`, `null`, `[]`, `{"audit":{}}{}`, `{"name":"Okta","enabled":true}`, `{"audit":{"entity_id":"\ud800","began":"2026-11-27T05:19:02+23:59"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		task, ok := audit.ParseTask(body)
		var fields map[string]any
		if json.Unmarshal(body, &fields) != nil || len(fields) != 1 || fields["audit"] == nil {
			require.False(t, ok)
		}
		if !ok {
			return
		}
		require.NotEmpty(t, task.EntityID)
		require.False(t, task.Began.IsZero())
		again, err := json.Marshal(map[string]audit.Task{"audit": task})
		require.NoError(t, err)
		same, ok := audit.ParseTask(again)
		require.True(t, ok)
		require.Equal(t, task.EntityID, same.EntityID)
		require.True(t, task.Began.Equal(same.Began))
	})
}

// A finding that changes is another one.
func TestChangesOfAFindingArePublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.manage(byURL())
		for at, name := range []string{"Edited", "Edited", "Edited again", "One", "Edited"} {
			w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = name })
			w.audited()
			notices := w.bus.notices
			if at == 1 || name == "One" {
				require.Empty(t, w.bus.news())
				continue
			}
			require.Equal(t, []problem.Change{{Field: "name", From: "One", To: name}}, notices[0].Drifted().Changes)
			require.Equal(t, "OPS-1", notices[0].Kept.Metadata["ticket"])
			require.Equal(t, "operator", notices[0].Kept.By)
			require.Equal(t, found{provision.Drifted}, w.bus.news())
		}
	})
}

// What expires is published at every audit, so that nobody forgets it.
func TestExpiryIsPublishedAtEveryAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(entity, 10*day)
		for n := range 3 {
			require.Equal(t, 10-n, *w.audited().DaysLeft)
			require.Len(t, w.bus.notices, 1)
			require.True(t, w.bus.notices[0].Connection.Expiring())
			require.Empty(t, w.bus.notices[0].Findings(), "it has an event of its own")
			require.Equal(t, n == 0, len(w.bus.news()) == 1)
		}
	})
}

// Without an event bus, findings are stored.
func TestFindingsAreStoredWithoutAnEventBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.add(entity)
		c, err := w.Connection(t.Context(), audit.Task{EntityID: entity, Began: time.Now()}, 0, false, nil)
		require.NoError(t, err)
		require.Equal(t, audit.Unmanaged, c.State)
		require.Equal(t, found{provision.NoCertificate}, w.stored())
	})
}

// What could not be published is not recorded, so that the next try publishes it: also what was renewed.
func TestNothingIsRecordedBeforeItIsPublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.manage(byURL())
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		w.idp.SigninURL += "/2"
		w.bus.err = errBroken
		require.ErrorIs(t, w.fails(problem.EventBusUnavailable, false), errBroken)
		w.bus.err = nil
		w.fails(problem.InProgress, false) // What was written settles.
		time.Sleep(time.Minute)
		w.audited()
		require.Len(t, w.bus.notices, 1)
		require.Equal(t, []problem.Change{{Field: "signin_url", From: signin, To: signin + "/2"}}, w.bus.notices[0].Renewed)
		require.Equal(t, found{provision.Drifted}, w.bus.news())
		w.audited()
		require.Empty(t, w.bus.notices)
	})
}

// What fails for the last time is a finding in addition to the earlier ones, and is published once.
func TestTheLastFailureIsAFinding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.manage(byURL())
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		w.audited()
		w.bus.notices = nil
		for try, status := range []int{500, 401} {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: status, Times: -1})
			w.fails(map[int]problem.Code{500: problem.SendGridUnavailable, 401: problem.SendGridUnauthorized}[status], false)
			require.Empty(t, w.log.String())
			c, err := w.connection(entity, true)
			require.NoError(t, err)
			require.Equal(t, found{audit.CertificatesUnknown, provision.Drifted}, codes(c.Findings))
			require.Equal(t, audit.Managed, c.State)
			require.Equal(t, id, c.IntegrationID)
			require.Contains(t, c.Findings[1].Message, map[int]string{500: "status 500", 401: "Put a valid key into the secret"}[status])
			require.Nil(t, c.DaysLeft)
			require.Equal(t, found{audit.CertificatesUnknown, provision.Drifted}, w.stored())
			if try == 0 {
				require.Equal(t, found{audit.CertificatesUnknown}, w.bus.news())
			}
			require.Empty(t, w.bus.news())
			require.Contains(t, w.log.String(), "could not be audited")
			w.log.Reset()
			w.sendGrid.ClearFaults()
			time.Sleep(day)
		}
		require.Equal(t, found{provision.Drifted}, codes(w.audited().Findings))
		require.Empty(t, w.bus.news())
	})
}

// A failure that cannot be recorded either stays one.
func TestTheLastFailureIsRecordedOrStays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*world)
		code problem.Code
	}{
		"a request is working":      {(*world).lease, problem.InProgress},
		"the ledger is not read":    {func(w *world) { w.ledger.reads = errBroken }, problem.LedgerUnavailable},
		"the ledger is not written": {func(w *world) { w.ledger.writes = errBroken }, problem.LedgerUnavailable},
		"the event bus is down":     {func(w *world) { w.idp.SigninURL, w.bus.err = "https://stranger.example", errBroken }, problem.EventBusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.manage(byURL())
				tt.set(w)
				w.fails(tt.code, true)
			})
		})
	}
}

// A message from the future keeps no audit from its work.
func TestATaskOfTheFutureIsOfNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.manage(byURL())
		c, err := w.Connection(t.Context(), audit.Task{EntityID: entity, Began: time.Now().Add(1000 * day)}, 0, false, nil)
		require.NoError(t, err)
		require.Equal(t, time.Now(), c.Audited)
		time.Sleep(time.Second)
		w.audited()
	})
}

// While a write settles, nothing that SendGrid shows counts.
func TestAnAuditWaitsForWritesToSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		require.NoError(t, w.request(byURL()))
		require.Contains(t, w.fails(problem.InProgress, false).Message, "a moment ago")
		require.Equal(t, 1, w.sendGrid.Count(sendgrid.OpListIntegrations))
		c, err := w.connection(entity, true)
		require.NoError(t, err)
		require.Equal(t, "The connection could not be audited. A request was working on it, or had just changed it. The next audit tries again.", c.Findings[0].Message)
		time.Sleep(time.Minute)
		require.Empty(t, w.audited().Findings)
	})
}

// An audit that only reports finds what another one finds, and writes nothing.
func TestAuditThatOnlyReports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		old := certificate(700 * day)
		w.idp.Certificates = append(w.idp.Certificates, old)
		id := w.manage(byURL())
		w.Renews = false
		w.idp.Certificates[1], w.idp.SigninURL = certificate(700*day), signin+"/2"
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		writes := w.writes()
		for range 7 {
			require.Equal(t, found{provision.Drifted}, codes(w.audited().Findings))
		}
		c := w.audited()
		require.Equal(t, found{audit.CertificateRetirable, provision.Drifted}, codes(c.Findings))
		w.idp.SigninURL = "https://stranger.example/in"
		require.Contains(t, codes(w.audited().Findings), audit.MetadataChanged)
		require.Equal(t, writes, w.writes())
		require.Len(t, w.sendGrid.Certificates(id), 2)
	})
}

// Where SAML metadata supplies the certificates, the others are not in use, and hide no expiry.
func TestDaysLeft(t *testing.T) {
	t.Parallel()
	days := func(n int) *int { return &n }
	for name, tt := range map[string]struct {
		set  func(*world)
		want *int
	}{
		"none":                {expiring(), nil},
		"the last of several": {expiring(-day, 3*day, 90*day), days(90)},
		"expired":             {expiring(-time.Hour), days(-1)},
		"the last day":        {expiring(time.Hour), days(0)},
		"only the dates are known": {func(w *world) {
			expiring(5 * day)(w)
			w.sendGrid.SetCertificateForm(func(string) string { return "?" })
		}, days(5)},
		"supplied": {func(w *world) { w.certify(w.manage(byURL()), certificate(900*day)) }, days(364)},
		"supplied, and none is left": {func(w *world) {
			id := w.manage(byURL())
			w.certify(id, certificate(90*day))
			w.uncertify(id, 0)
		}, days(90)},
		"given by the request": {func(w *world) { w.certify(w.manage(byHand(entity)), certificate(900*day)) }, days(900)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w)
				require.Equal(t, tt.want, w.audited().DaysLeft)
			})
		})
	}
}

// A renewal sends what the SAML metadata changed, and leaves everything else as it is: what somebody
// edited, and the order of requests.
func TestRenewal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id, next := w.manage(byURL()), certificate(700*day)
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name, i.Enabled = "Edited", false })
		before := w.entry(entity)
		w.idp.Certificates, w.idp.SigninURL = append(w.idp.Certificates, next), signin+"/2"
		w.audited()
		i := w.sendGrid.Integrations()[0]
		require.Equal(t, signin+"/2", i.SigninURL)
		require.Equal(t, "Edited", i.Name)
		require.False(t, i.Enabled, "an audit enables nothing")
		require.True(t, *i.CompletedIntegration)
		require.Len(t, w.sendGrid.Certificates(id), 2)
		notice := w.bus.notices[0]
		require.Equal(t, []problem.Change{{Field: "signin_url", From: signin, To: signin + "/2"}, {Field: "public_certificate", To: sha256(next)}}, notice.Renewed)
		require.Equal(t, signin+"/2", notice.Kept.SigninURL)
		require.Equal(t, signin+"/2", notice.Integration.SigninURL)
		require.Equal(t, 700, *notice.Connection.DaysLeft)
		require.Equal(t, found{provision.Drifted, provision.IntegrationDisabled}, w.bus.news())
		after := w.entry(entity)
		require.Equal(t, before.Applied, after.Applied)
		require.Equal(t, before.KeptIdentity, after.KeptIdentity)
		require.Equal(t, protocol.Completed, after.State)

		writes := w.writes()
		require.Equal(t, found{provision.Drifted, provision.IntegrationDisabled}, codes(w.audited().Findings), "what was renewed is nobody's edit")
		require.Equal(t, writes, w.writes(), "and is done once")
		require.Empty(t, w.bus.notices)
	})
}

// A message that comes twice is done once, without a call to SendGrid. Two at once are done once.
func TestAnAuditIsDoneOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.manage(byURL())
		time.Sleep(1234567 * time.Nanosecond)
		task := audit.Task{EntityID: entity, Began: time.Now()}
		once := func() bool {
			c, err := w.Connection(t.Context(), task, 0, false, w.bus.publish)
			require.NoError(t, err)
			return c != nil
		}
		var running sync.WaitGroup
		done := make(chan bool, 2)
		for range 2 {
			running.Go(func() { done <- once() })
		}
		running.Wait()
		one, another := <-done, <-done
		require.NotEqual(t, one, another)
		require.Equal(t, 2, w.sendGrid.Count(sendgrid.OpListIntegrations), "one for the request")
		time.Sleep(time.Hour)
		require.False(t, once())
		require.Equal(t, 2, w.sendGrid.Count(sendgrid.OpListIntegrations))
	})
}

// What a request has kept while SAML metadata was read is not replaced by what was kept before.
func TestARequestMeanwhileIsKept(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string]map[string]any{
		"the same request with other metadata": {"if_exists": "update", "metadata": map[string]string{"ticket": "OPS-2"}},
		"another request":                      {"if_exists": "update", "name": "OPS-2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.manage(byURL())
				fields := byURL()
				maps.Copy(fields, changed)
				w.idp.during = func() { require.NoError(t, w.request(fields)) }
				w.fails(problem.InProgress, false)
				time.Sleep(time.Hour)
				w.audited()
				require.Contains(t, w.entry(entity).Kept, "OPS-2")
			})
		})
	}
}

// What a renewal did is published even if it took all the time that writes have.
func TestPublishingHasTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.manage(byURL())
		w.idp.Certificates = append(w.idp.Certificates, certificate(700*day))
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Commit: true, Delay: time.Hour})
		start := time.Now()
		_, err := w.connection(entity, false)
		require.NoError(t, err)
		require.Greater(t, time.Since(start), invocation-invocation/4)
		require.Len(t, w.bus.notices, 1)
	})
}

// A certificate whose create got no response may still be on its way. An audit that does not get to renewing
// does not forget that, so that the next one does not add it twice.
func TestARenewalWithoutResponseIsNotForgotten(t *testing.T) {
	t.Parallel()
	for name, disturb := range map[string]func(*world){
		"its SAML metadata cannot be read": func(w *world) { w.idp.err = &saml.FetchError{Retryable: true, Message: "could not be fetched"} },
		"it fails for the last time": func(w *world) {
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 500, Times: 4})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id, next := w.manage(byURL()), certificate(700*day)
				w.idp.Certificates = append(w.idp.Certificates, next)
				w.sendGrid.SetLag(50*time.Second, 50*time.Second)
				w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Drop: true})
				w.fails(problem.OutcomeUnknown, false)
				time.Sleep(50 * time.Second)
				w.certify(id, next) // It takes effect late.
				time.Sleep(10 * time.Second)
				disturb(w)
				_, err := w.connection(entity, true)
				require.NoError(t, err)
				time.Sleep(time.Second)
				w.idp.err = nil
				w.fails(problem.OutcomeUnknown, false)
				time.Sleep(time.Minute)
				require.Empty(t, w.audited().Findings)
				require.Equal(t, 2, w.sendGrid.Count(sendgrid.OpCreateCertificate), "one is that of the request")
			})
		})
	}
}
