package protocol

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// over returns the entry of a connection that was ended, and is deleted later.
func over(changes ...func(*Entry)) Entry {
	return with(kept(other, func(e *Entry) { e.Ended, e.EndedBy, e.DeleteAfter = now, "operator", now.Add(time.Hour) }), changes...)
}

func deleting(e *Entry) { e.Deleting = "1" }

func deletedNow(e *Entry) { e.Deleting, e.IntegrationID, e.Gone = "1", "", "1" }

var ending = with(update, func(a *Asked) { a.Ends, a.Fingerprint = true, "end" })

// Only a request that restores, and is no older, brings back what was ended.
func TestPlanOfWhatWasEnded(t *testing.T) {
	t.Parallel()
	restores := with(restoring, func(a *Asked) { a.Identity = "i" })
	for name, tt := range map[string]planned{
		"the same request":             {asKept, over(), Reader, differs, refused(Ended, 0)},
		"another":                      {with(update, func(a *Asked) { a.Order = ordered(time.Hour) }), over(), Owner, differs, refused(Ended, 0)},
		"one that finds it so":         {plain, over(), Owner, asRequested, refused(Ended, 0)},
		"while something settles":      {plain, over(leased), Spectator, asRequested, refused(Ended, 0)},
		"it was deleted":               {asKept, over(deletedNow), Owner, nothing, refused(Ended, 0)},
		"restoring":                    {restores, over(), Owner, differs, Plan{Step: Update}},
		"restoring what was deleted":   {restores, over(deletedNow), Owner, nothing, Plan{Step: Create}},
		"restoring, and it is older":   {restores, over(applied(time.Second)), Owner, differs, Plan{Step: ReturnSuperseded}},
		"restoring, older and deleted": {restores, over(deletedNow, applied(time.Second)), Owner, nothing, refused(GoneSince, 0)},
		"it may show an older state":   {restores, over(stale(time.Second)), Owner, asRequested, Plan{Step: Update}},
		"older than an end of nothing": {plain, entry(other, Free, applied(time.Second)), Owner, nothing, refused(GoneSince, 0)},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

func TestPlanEnd(t *testing.T) {
	t.Parallel()
	enabled, disabled := with(asRequested, func(s *Shown) { s.NeedsUpdate = true }), asRequested
	for name, tt := range map[string]planned{
		"enabled":                         {ending, entry(other, Completed), Owner, enabled, Plan{Step: Update}},
		"disabled":                        {ending, entry(other, Completed), Owner, disabled, Plan{Step: Complete}},
		"nothing there":                   {ending, Entry{}, Owner, nothing, Plan{Step: Complete}},
		"older":                           {ending, entry(other, Completed, applied(time.Second)), Owner, enabled, Plan{Step: ReturnSuperseded}},
		"applied before":                  {ending, entry(other, Completed, remembers), Owner, enabled, Plan{Step: ReturnUnchanged}},
		"created a moment ago":            {ending, entry(other, Completed, settles(1)), Owner, gone, refused(NotYetVisible, 1)},
		"a create may be on its way":      {ending, entry(other, Unknown), Owner, nothing, Plan{Step: Recheck}},
		"a create was not on its way":     {ending, entry(other, Unknown, rechecked), Owner, nothing, Plan{Step: Complete}},
		"another request has steps left":  {ending, entry(other, Pending), Owner, enabled, Plan{Step: Update}},
		"a certificate may be on its way": {ending, entry(other, Adding, awaits("a")), Owner, enabled, Plan{Step: Update}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.want, View{Asked: tt.asked, Entry: tt.entry, Standing: tt.standing, Shown: tt.shown, AsOf: now}.PlanEnd())
		})
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	require.True(t, entry(other, Completed).Ends(true, true))
	require.True(t, entry(other, Completed).Ends(true, false), "it is disabled already")
	require.True(t, kept(other).Ends(false, false), "it was deleted by hand")
	require.False(t, Entry{}.Ends(false, false), "there is nothing")
	require.False(t, over().Ends(true, false), "it was ended before")
	require.True(t, over().Ends(true, true), "somebody had enabled it")

	later := with(ending, func(a *Asked) { a.Order, a.Deliveries = ordered(time.Second), []string{"event:3"} })
	e := kept(other).End(later, &Ending{By: "operator", At: now, DeleteAfter: now.Add(time.Hour)}, now, time.Time{})
	require.Equal(t, []any{Completed, later.Order, never, "kept", now, now.Add(time.Hour)}, []any{e.State, e.Applied, e.Expires, e.Kept, e.Ended, e.DeleteAfter})
	require.True(t, e.remembers(later))
	require.Equal(t, over().DeleteAfter, over().End(later, nil, now.Add(time.Minute), time.Time{}).DeleteAfter, "it stays as it was ended")

	none := Entry{}.End(later, nil, now, time.Time{})
	require.Equal(t, []any{Free, later.Order, now.Add(retention), false}, []any{none.State, none.Applied, none.Expires, none.IsEnded()})
	require.Equal(t, never, over().Take("owner", now, now).Expires)
}

// The process may die before the create, and only another request that restores may send it then.
func TestRestoringCreateIsEndedUntilItTookEffect(t *testing.T) {
	t.Parallel()
	create := Write{Kind: CreateResource}
	announced := over(deletedNow).Announce(create, restoring, now)
	require.True(t, announced.IsEnded())
	require.True(t, announced.LeaveUnknown(now).IsEnded())
	require.False(t, announced.Confirm(create, "2", now).IsEnded())
	require.False(t, over().Announce(Write{Kind: UpdateResource, Integration: "1"}, restoring, now).IsEnded())
}

// A deletion belongs to no request: it makes nothing newer, and whoever takes the entry finds out about it.
func TestDeletion(t *testing.T) {
	t.Parallel()
	w := Write{Kind: DeleteResource, Integration: "1"}
	announced := over().Announce(w, Asked{}, now)
	require.Equal(t, over(deleting), announced)
	unknown := announced.LeaveUnknown(now.Add(time.Minute))
	require.Equal(t, Completed, unknown.State)
	require.Equal(t, now.Add(time.Minute), unknown.Lease)

	confirmed, after := announced.Reconcile(gone, now)
	require.Equal(t, DeleteResource, confirmed.Kind)
	require.Equal(t, []any{"", "1", "1", true, over().Applied, time.Time{}}, []any{after.IntegrationID, after.Gone, after.Deleting, after.IsEnded(), after.Applied, after.DeleteAfter})
	require.Empty(t, after.Report(now, "").Deleting, "it is reported")
	_, again := after.Reconcile(nothing, now)
	require.Equal(t, after, again)

	none, after := announced.Reconcile(asRequested, now)
	require.Zero(t, none)
	require.Equal(t, over(), after, "it did not happen")
}

func TestRemoval(t *testing.T) {
	t.Parallel()
	removes := with(certifying, func(a *Asked) {
		a.Certificates, a.Removes, a.Order = []string{"b"}, []string{"a"}, ordered(time.Second)
	})
	same := with(removes, func(a *Asked) { a.Identity = "i" })
	has := certificates(asRequested, "a", "b")
	hasOnly := certificates(asRequested, "b")
	remove := Plan{Step: RemoveCertificate, Certificate: "a"}
	for name, tt := range map[string]planned{
		"the same request, and it differs":    {same, kept(other), Owner, with(has, func(s *Shown) { s.Matches, s.NeedsUpdate = false, true }), remove},
		"the same request, and it is read":    {same, kept(other), Reader, has, Plan{Step: Take}},
		"the same request, older":             {with(same, func(a *Asked) { a.Order = ordered(0) }), kept(other, applied(time.Second)), Owner, has, Plan{Step: ReturnUnchanged}},
		"the same request, and it is gone":    {same, kept(other), Owner, hasOnly, Plan{Step: RecordUnchanged}},
		"another, as requested but for that":  {removes, kept(other), Owner, has, remove},
		"another, and a certificate is first": {removes, kept(other), Owner, certificates(asRequested, "a"), Plan{Step: AddCertificate, Certificate: "b"}},
		"announced, and it is left":           {removes, entry(removes, Pending, updated), Owner, has, remove},
		"announced, and done":                 {removes, entry(removes, Pending, updated), Owner, hasOnly, Plan{Step: Complete}},
		"deleted a moment ago, still shown":   {removes, kept(other, settles(time.Second), func(e *Entry) { e.Removed = []string{"a"} }), Owner, has, Plan{Step: RecordUnchanged}},
		"wanted again a moment later":         {certifying, kept(other, settles(time.Second), func(e *Entry) { e.Removed = []string{"a"} }), Owner, has, refused(Changing, time.Second)},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
	w := Write{Kind: DeleteCertificate, Integration: "1", Subject: "a"}
	announced := kept(other, added("a")).Announce(w, same, now)
	require.True(t, announced.Renewing, "the kept request stays completed")
	require.False(t, kept(other).Announce(w, removes, now).Renewing)
	confirmed, after := announced.Reconcile(with(hasOnly, func(s *Shown) { s.CertificatesRead = true }), now.Add(time.Minute))
	require.Equal(t, Write{Kind: DeleteCertificate, Subject: "a"}, confirmed)
	require.Equal(t, []any{"", []string{"a"}, now.Add(time.Minute)}, []any{after.Removing, after.Removed, after.Settles})
	require.Empty(t, after.Added)
	_, after = announced.Reconcile(with(has, func(s *Shown) { s.CertificatesRead = true }), now)
	require.Equal(t, []any{"", 0}, []any{after.Removing, len(after.Removed)}, "it did not happen")
}
