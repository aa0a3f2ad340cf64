// Package protocol decides how a request takes effect exactly once although it arrives at least
// once, and how the newest request wins. It has no I/O and no clock: package provision reads and
// writes, and asks this package what to do next.
//
// SendGrid has no idempotency key and refuses no duplicates, so two creates make two
// integrations, and login breaks. A ledger prevents that. It is shared by all processes and
// has one entry for each integration: the account and the entity id.
//
// # The steps of an attempt
//
//  1. Take the entry. The lease lasts until this attempt's deadline and a settling period
//     more, so the effect of whatever this attempt sends is visible before anyone else may
//     act. While another attempt works on the entry, wait; if the time runs out, fail with
//     InProgress. A request that most likely only reads does not take the entry, so that it keeps
//     nobody waiting ([Entry.Readable]).
//  2. Read SendGrid: the list and, if it lacks the integration that the entry records, that
//     integration by id.
//  3. Reconcile the write that an earlier attempt, of any request, announced and did not record
//     ([Entry.Reconcile]).
//  4. Make a plan. [View.Plan] is a pure function of the request, the entry and what SendGrid
//     shows, and has all rules.
//  5. Carry out one step of the plan, and make the next plan, until one has the outcome. A write is
//     announced in the entry before it is sent. A create is sent again only if it certainly did not
//     happen: a documented refusal, or no connection. If that is not known, read SendGrid for a
//     while, and what appears is its outcome; otherwise leave the outcome unknown, with a lease
//     of one settling period and no owner. Until it ends anyone may read, and nobody writes. An
//     update is idempotent: it is announced, too, and repeated where its outcome is not known.
//  6. Record the outcome, and only then return it.
//
// A request whose integration exists and whose steps are not completed continues where it
// stopped, with whichever delivery comes next. Its outcome is created or updated once.
//
// # The kept request
//
// The entry of a managed connection keeps its newest request and does not expire. A request is kept
// once it is completed with created or updated; once it is completed with unchanged, if it updates,
// or if its caller may update and nothing is kept yet. So a caller who may only create never
// changes what is kept.
//
// The same request again is the one with the same fields as given ([Asked].Identity): what SAML metadata at a
// URL supplies that day does not count. It changes nothing, whatever was edited since, so that a
// schedule or a repeated ticket never undoes an edit; and where the integration is gone, it is
// refused (KeptGone). A request that restores is applied in both cases. Which steps an announced
// request has left is decided by the values it resolves to (Fingerprint).
//
// An entry of version 1.0 keeps no request; there the fingerprint identifies it.
//
// A request that may not update changes nothing that exists, with one exception: it adds the first
// certificates to an integration that this function created without any ([Entry.Bare]), while
// SendGrid shows none and its fields are as requested. That completes the create, so a caller who may only
// create does it only if such a caller requested the create ([Entry.MayComplete]).
//
// # The end of a connection
//
// A request may end the connection: every integration with the entity id is disabled, the recorded one last,
// and the entry records that it is ended ([Entry.End]). It is ordered like any other; if there is nothing to
// end, only its order is remembered, so that an older request creates nothing. An ended entry does not
// expire, and refuses every request that does not restore (Ended). What was deleted stays ended until the create
// of a request that restores is confirmed.
//
// An audit deletes the integration of an ended connection once that is due, if it is still disabled and is still
// the only one with this entity id. The deletion belongs to no request. It is announced (Deleting) and
// confirmed like any write. Whoever takes the entry next reconciles a deletion whose outcome is not recorded:
// it has settled, so an integration that is still shown was not deleted, and the audit decides again.
// A deletion that took effect stays in Deleting until it is reported.
//
// A request may also name certificates to delete. The same request again deletes those and changes nothing
// else. Until it settles, a certificate that was deleted may still be shown (Removed): it is not deleted
// twice, and a request that brings it waits.
//
// # Audits
//
// An audit takes the entry and reads SendGrid as a request does, compares what is shown with the baseline,
// renews the kept request, and records what it found ([Entry.Report]). It does not change the order: it has the
// order of the kept request. While SendGrid may not show the last write, it cannot compare, and is repeated
// ([Entry.Settling]).
//
// A renewal adds the certificates that are new in the SAML metadata, and sends an update if a URL has changed
// there ([View.PlanRenewal]). Its writes are announced like those of a request, and marked as a renewal's
// ([Entry].Renewing): the kept request stays completed meanwhile, and whoever takes the entry next reconciles
// the write.
//
// # Teammates
//
// A teammate has an entry of its own, and is created, changed and removed by the same steps. The
// differences follow from what SendGrid does. It refuses a second teammate with the same email, so a
// create that was sent twice would still make one. No read shows a persona, and SendGrid adds scopes of
// its own, so what is shown never proves by itself that a declaration was applied: it is the same as the
// kept one, or it is sent, whole. What was declared and is not in SendGrid's response was dropped; then
// the teammate exists, and the request is not completed. A removal deletes at once, and the entry keeps
// nothing of the person but the email. A teammate that is created again has the same id, so for a
// settling period after a deletion, reads may still show the deleted one (Stale).
//
// The writes that end an administrator are made one after the other, under the lease of one more entry,
// so that each counts who is left. The entry remembers for a settling period who is no longer an
// administrator, because lists may still show them (Removed).
//
// # Order
//
// Requests are ordered by when they were sent ([Order]). One that differs from the newest applied
// one and is older changes nothing (superseded). A request is applied once one of its writes takes
// effect, or if it may update and finds what it asks for. To keep this order:
//
//   - A write that is announced is not applied yet. Confirm applies it, by the attempt that sent
//     it or by one that reconciles it. A write that was refused never counts.
//   - A request that may update and finds what it asks for is recorded before it gets its result, too.
//   - A request that may not update and finds what it asks for is not ordered: it asked for
//     nothing that was not there.
//   - A delivery that was applied is remembered: the same delivery again changes nothing.
//   - A newer request that may update replaces an announced one, whose other steps are not
//     carried out.
//
// A sender's clock may be ahead: a request counts as sent at most a minute after it was received. A
// message that is put into the queue again by hand is a new request, unless it has an EventBridge
// event in it.
//
// # Reads that lag
//
// Reads may lag behind writes, by id too, and are as old as their beginning. So what was
// recorded less than a settling period before the reads began, and is not shown, does not count as
// missing, and nothing is sent. An attempt that takes over an entry whose create was announced, and
// finds nothing, lets one more settling period pass before it creates: after an outage the first
// create may still take effect. Creates whose outcome was never known are counted, those of
// certificates for each certificate; after three a person has to check. What is found by entity id after an announced
// create is its outcome, even if SendGrid changed how a URL is written, unless it is the
// integration that was found to be deleted before.
//
// For a settling period after an update, SendGrid may still show what the integration was before
// it (Stale). Until then, an integration that is shown as requested proves nothing to another
// request: its update is sent anyway, and a request that may not update waits. To the request that
// made the update it is proof.
//
// Where two integrations have the entity id, a request may be about another one than the entry
// records. Then a request that may update waits until the recorded one has settled, because the
// entry can record one only.
//
// A try of an update that got no response may take effect after the try that was. So after an
// attempt with such a try nobody may write for a settling period.
//
// # The states of an entry
//
//	free ──announce──▶ creating ───confirm───▶ pending ◀──confirm──▶ adding
//	                     │  ▲                   │    ▲                 │
//	             unknown │  │ recheck  complete │    │ announce        │ unknown
//	                     ▼  │                   ▼    │ an update       ▼
//	                    unknown               completed             unknown
//
// Any state but creating may be followed by adding, where the fields are as requested and a
// certificate is missing; by creating, where the integration was deleted; and by completed, where
// another request finds what it asks for. A write that certainly did not happen is withdrawn: the
// entry becomes what it was before. A recheck leaves it unknown.
//
// The state records what is known; the owner and the lease alone decide who may act. A
// process that dies leaves its entry with the lease running. When the lease has ended, the
// next attempt takes the entry, and its state reports whether a write may be on its way.
//
// Every write replaces exactly the revision before it, so a late copy of a write, of this
// attempt or another, changes nothing. If the last write of an attempt to the entry fails, the
// attempt fails, too. Others wait until the lease ends, and no harm is done.
//
// # Deletion
//
// A delivery that was applied, arriving again after a person deleted the integration or gave it
// another entity id, is Gone, and so are the same request and an older one; another request, or one
// that restores, creates the integration again.
//
// # Promises and assumptions
//
// At most one integration for each entity id, no certificate twice, and SendGrid has what the
// newest applied request asks for, as long as a write takes effect and reads show it within one
// settling period together. The simulation in internal/provision/simulation drives package
// provision through random schedules, with lag, writes that take effect late, crashes, lost
// responses and edits by hand, and checks these promises after each. It is the main proof. The
// model in internal/provision/model covers creates only, and is checked exhaustively within its
// bounds.
//
// For teammates there is a simulation of its own. It also checks that nobody is created twice, that only a request that
// restores brings back who was removed, that an administrator is left who logs in by SSO, and that whoever has a
// password is not touched.
//
// Three things are not prevented. A create whose outcome is unknown adopts an integration of the same
// entity id that a person made in that minute; a request with if_exists: update then makes it as
// requested. After a person deleted something, SendGrid may show it for as long as reads lag. And an
// announced update of a request that restores removes the mark of the end, so if that update never takes
// effect, a later one that does not restore may enable the integration.
//
// A fourth case is about teammates. A request that removes reads nothing that would confirm an announced update of
// another request. So if the process of a newer request died, the removal still deletes the teammate, and the newer
// request is refused (Ended).
package protocol
