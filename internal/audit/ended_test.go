package audit_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const twoWeeks = 14 * day

// ended is a connection that was ended, and that is deleted two weeks later. What happens to its integration
// comes after that.
func ended(w *world, then func(id string)) (id string) {
	w.deletes(twoWeeks)
	id = w.manage(byURL())
	w.end()
	if then != nil {
		then(id)
	}
	return id
}

// enable enables an integration as a person does.
func (w *world) enable(id string, enabled bool) {
	w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Enabled = enabled })
}

// Nothing is missing from a connection that was ended, and nothing of it is renewed. What keeps it from staying
// so is found, and what a person touched since is not deleted.
func TestEndedConnections(t *testing.T) {
	t.Parallel()
	enabled := problem.Change{Field: "enabled", From: false, To: true}
	moved := problem.Change{Field: "entity_id", From: entity, To: "urn:another"}
	for name, tt := range map[string]struct {
		then  func(w *world, id string)
		want  found
		edits []problem.Change
		// left is how many integrations there are after two weeks, and gone whether SendGrid has none that the
		// connection is about.
		left int
		gone bool
	}{
		"as it was ended": {then: func(*world, string) {}},
		"without its certificate, and with another one": {then: func(w *world, id string) {
			w.uncertify(id, 0)
			w.certify(id, certificate(3*day))
		}},
		"with new SAML metadata": {then: func(w *world, _ string) {
			w.idp.Certificates, w.idp.SigninURL = append(w.idp.Certificates, certificate(700*day)), signin+"/2"
		}},
		"with another name": {then: func(w *world, id string) {
			w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Old" })
		}},
		"enabled by somebody": {
			then: func(w *world, id string) { w.enable(id, true) },
			want: found{provision.Drifted}, edits: []problem.Change{enabled}, left: 1,
		},
		"with another entity id": {
			then: func(w *world, id string) {
				w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.EntityID = "urn:another" })
			},
			want: found{provision.Drifted}, edits: []problem.Change{moved}, left: 1,
		},
		"enabled with another entity id": {
			then: func(w *world, id string) {
				w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Enabled, i.EntityID = true, "urn:another" })
			},
			want: found{provision.Drifted}, edits: []problem.Change{enabled, moved}, left: 1,
		},
		"beside another one": {
			then: func(w *world, _ string) { w.add(entity, 90*day) },
			want: found{audit.DuplicateEntityID}, left: 2,
		},
		"with another entity id, beside another one": {
			then: func(w *world, id string) {
				w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.EntityID = "urn:another" })
				w.add(entity, 90*day)
			},
			want: found{provision.Drifted}, edits: []problem.Change{moved}, left: 2,
		},
		"deleted by somebody": {then: func(w *world, id string) { w.sendGrid.Delete(id) }, gone: true},
		"deleted and made again by somebody": {
			then: func(w *world, id string) { w.sendGrid.Delete(id); w.add(entity, 90*day) },
			want: found{provision.Drifted}, edits: []problem.Change{enabled}, left: 1,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := ended(w, func(id string) { tt.then(w, id) })
				writes, fetches, before := w.writes(), w.idp.fetches, w.entry(entity)
				for today := range 14 {
					c := w.audited()
					require.ElementsMatch(t, tt.want, codes(c.Findings))
					require.Equal(t, audit.Ended, c.State)
					require.Equal(t, tt.gone, c.IntegrationID == "")
					require.Nil(t, c.DaysLeft, "nobody logs in with them")
					for _, f := range c.Findings {
						require.Equal(t, tt.edits, f.Changes)
						require.Contains(t, f.Message, "ended")
						require.Contains(t, f.Message, "deleted")
					}
					require.Equal(t, today == 0 && len(tt.want) > 0, len(w.bus.news()) > 0, "once")
				}
				require.Equal(t, writes, w.writes())
				w.audited()
				require.Len(t, w.sendGrid.Integrations(), tt.left)
				require.Equal(t, fetches, w.idp.fetches)
				after := w.entry(entity)
				require.Equal(t, before.Ended, after.Ended)
				require.Equal(t, before.Kept, after.Kept)
				require.Equal(t, before.Applied, after.Applied)
				require.Equal(t, before.Expires, after.Expires)
				if tt.left == 0 && !tt.gone {
					require.Equal(t, id, w.bus.notices[0].Deleted)
				}
			})
		})
	}
}

// A person who enables what was ended keeps it from being deleted, however late. Ended again, it has all its
// time again.
func TestWhatIsEnabledAgainIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := ended(w, nil)
		time.Sleep(13 * day)
		w.enable(id, true)
		time.Sleep(day)
		require.Equal(t, found{provision.Drifted}, codes(w.audited().Findings))
		require.True(t, w.sendGrid.Integrations()[0].Enabled)
		w.end()
		for range 14 {
			require.Empty(t, w.audited().Findings)
		}
		w.audited()
		require.Empty(t, w.sendGrid.Integrations())
	})
}

// An ended connection is deleted by the first audit after its time. That is published once, also if the bus does
// not take it at first. The ledger still has that it was ended.
func TestAnEndedConnectionIsDeleted(t *testing.T) {
	t.Parallel()
	for name, failures := range map[string]int{"and published": 0, "and published at the third try": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				id := ended(w, nil)
				time.Sleep(twoWeeks)
				w.bus.err = errBroken
				for range failures {
					require.ErrorIs(t, w.fails(problem.EventBusUnavailable, false), errBroken)
					require.Empty(t, w.sendGrid.Integrations())
					time.Sleep(3 * time.Minute)
				}
				w.bus.err = nil
				w.requireDeleted(id)
			})
		})
	}
}

// requireDeleted audits a connection that is due, or was deleted already, and requires that this is reported
// once.
func (w *world) requireDeleted(id string) {
	w.t.Helper()
	c := w.audited()
	require.Equal(w.t, audit.Ended, c.State)
	require.Empty(w.t, c.IntegrationID)
	require.Empty(w.t, w.sendGrid.Integrations())
	require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpDeleteIntegration))
	require.Len(w.t, w.bus.notices, 1)
	require.Equal(w.t, id, w.bus.notices[0].Deleted)
	require.Equal(w.t, "OPS-1", w.bus.notices[0].Kept.Metadata["ticket"])
	e := w.entry(entity)
	require.True(w.t, e.IsEnded())
	require.True(w.t, e.Managed())
	require.Empty(w.t, e.Deleting)
	require.Equal(w.t, 9999, e.Expires.UTC().Year())
	w.bus.notices = nil
	c = w.audited()
	require.Equal(w.t, audit.Ended, c.State)
	require.Empty(w.t, c.Findings)
	require.Empty(w.t, w.bus.notices)
	require.Equal(w.t, 1, w.sendGrid.Count(sendgrid.OpDeleteIntegration))
}

// A deletion whose event the bus does not take at the last try is published with the failure.
func TestADeletionIsPublishedByTheLastTry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := ended(w, nil)
		time.Sleep(twoWeeks)
		tries := 0
		flaky := func(ctx context.Context, n audit.Notice) error {
			if tries++; tries == 1 {
				return errBroken
			}
			return w.bus.publish(ctx, n)
		}
		c, err := w.Connection(t.Context(), audit.Task{EntityID: entity, Began: time.Now()}, 0, true, flaky)
		require.NoError(t, err)
		require.Equal(t, found{audit.CertificatesUnknown}, codes(c.Findings))
		require.Equal(t, id, w.bus.notices[0].Deleted)
		w.bus.notices = nil
		time.Sleep(day)
		require.Empty(t, w.audited().Findings)
		require.Empty(t, w.bus.notices)
	})
}

// What is not to be deleted stays: where an audit only reports, where a person deletes, and where the time was
// set only after the end.
func TestNothingElseIsDeleted(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*world){
		"an audit that only reports": func(w *world) { ended(w, nil); w.Renews = false },
		"without a time":             func(w *world) { w.manage(byURL()); w.end() },
		"a time that came later":     func(w *world) { w.manage(byURL()); w.end(); w.deletes(time.Second) },
		"not ended":                  func(w *world) { w.deletes(time.Second); w.manage(byURL()) },
		"two that were ended":        func(w *world) { w.deletes(time.Second); w.manage(byURL()); w.add(entity, 90*day); w.end() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				set(w)
				there := len(w.sendGrid.Integrations())
				time.Sleep(twoWeeks)
				for range 3 {
					w.audited()
				}
				require.Len(t, w.sendGrid.Integrations(), there)
				require.Zero(t, w.sendGrid.Count(sendgrid.OpDeleteIntegration))
			})
		})
	}
}

// Without the scope to delete, that is what is found, and it concerns no other connection.
func TestADeletionThatIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := ended(w, nil)
		w.sendGrid.SetScopes("SG.key", sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate)
		time.Sleep(twoWeeks)
		w.fails(problem.SendGridForbidden, false)
		w.fails(problem.SendGridForbidden, false)
		require.Empty(t, w.bus.notices)
		c, err := w.connection(entity, true)
		require.NoError(t, err)
		require.Equal(t, found{audit.CertificatesUnknown}, codes(c.Findings))
		require.Contains(t, c.Findings[0].Message, "sso.settings.delete")
		require.Equal(t, id, c.IntegrationID)
		require.Equal(t, found{audit.CertificatesUnknown}, w.bus.news())
		require.Len(t, w.sendGrid.Integrations(), 1)

		w.sendGrid.SetScopes("SG.key", sendgrid.ScopeRead, sendgrid.ScopeDelete)
		time.Sleep(day)
		require.Empty(t, w.audited().Findings)
		require.Empty(t, w.sendGrid.Integrations())
		require.Equal(t, id, w.bus.notices[0].Deleted)
	})
}

// The request that restored the connection enabled it, though its response was lost: nobody else did.
func TestARestoreIsNoEdit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sendGrid.Delete(ended(w, nil))
		time.Sleep(day)
		w.audited()
		w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Drop: true, Commit: true})
		w.sendGrid.SetLag(40*time.Second, 40*time.Second)
		fields := byURL()
		fields["if_exists"] = "restore"
		require.Error(t, w.request(fields))
		time.Sleep(time.Hour)
		require.NotContains(t, codes(w.audited().Findings), provision.Drifted)
	})
}

// Creates of unknown outcome are counted once each, also after a deletion that was not reported.
func TestCreatesAfterADeletionAreCountedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		ended(w, nil)
		time.Sleep(twoWeeks)
		w.bus.err = errBroken
		_, err := w.connection(entity, false)
		require.Error(t, err)
		require.Empty(t, w.sendGrid.Integrations())
		fields := byURL()
		fields["if_exists"] = "restore"
		for n := range 2 {
			time.Sleep(2 * time.Minute)
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Drop: true})
			require.Error(t, w.request(fields))
			time.Sleep(2 * time.Minute)
			require.Error(t, w.request(fields), "it reads once more")
			require.Equal(t, n+1, w.entry(entity).UnknownCreates)
		}
	})
}
