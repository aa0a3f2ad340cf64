// Package provision holds the one operation of this project: Ensure, which makes sure that
// an SSO integration exists, exactly once, for requests that arrive at least once.
//
// SendGrid has no idempotency key and refuses no duplicates, so two creates make two
// integrations, and log-in breaks. A ledger prevents that. It is shared by all processes and
// has one entry for each integration: the account and the entity id.
//
// # The protocol
//
//  1. Take the entry. The lease lasts until this attempt's deadline and a settling period
//     more, so the effect of whatever this attempt sends is visible before anyone else may
//     act. While another attempt works on the entry, wait; if the time runs out, answer
//     InProgress. An entry that records this very request as completed is not taken: reading
//     is enough.
//  2. Read SendGrid: the list and, if it lacks the integration that the entry records, that
//     integration by id.
//  3. Make a plan. makePlan is a pure function of the request, the entry and what SendGrid
//     shows, and has all rules.
//  4. Carry out one step of the plan, and make the next plan, until one has the answer. A
//     write that is not idempotent, the create of the integration or of a certificate, is
//     announced in the entry before it is sent, and is sent again only if it certainly did not
//     happen: a documented refusal, or no connection. If nobody can know, read SendGrid for a
//     while and adopt what appears; or else record the outcome as unknown, with a lease of one
//     settling period and no owner. Until it ends anyone may read, and nobody writes. An update
//     is idempotent: it is announced, too, and repeated where its outcome is not known.
//
// A request whose integration exists and whose steps are not completed goes on where it
// stopped, with whichever delivery comes next, and is answered once with created or updated.
// A completed request is answered with unchanged, even if somebody has edited the integration
// since: the edit is meant to stay.
//
// # What reads are worth
//
// Reads may lag behind writes, by id too, and are as old as their beginning. So what was
// recorded less than a settling period before the reads began, and is missing, is not believed
// gone (OutcomeUnknown, nothing is sent). Whoever takes an entry over whose create was
// announced and finds nothing lets one more settling period pass before it creates: after an
// outage the first create may still be on its way. A create whose outcome was never known is
// counted; after three the answer is permanent, because a person has to check. What is found
// by entity id after an announced create of the same request is its outcome, even if SendGrid
// changed how a URL is written.
//
// For a settling period after an update, SendGrid may still show what the integration was before
// it (Stale). Until then, that an integration is shown as requested proves nothing: another
// update is sent all the same, and a request that may not update waits (InProgress).
//
// # What runs side by side
//
// The attempts of a process share lists; sharedList has the proof that a list is newer than
// the entry of everybody who gets it. The calls to SendGrid wait for their turn in the client,
// which keeps to the rate limit. An attempt that can only wait for others, for longer than its
// delivery has patience, fails, to be delivered again.
//
// Within an attempt everything is in sequence:
//
//   - Take the entry, then list. A list that is sent while the entry is being taken may be
//     older than the entry: it may lack the integration that the owner before created. It could
//     be used only if it was sent after the entry was taken, which nobody knows before.
//   - Announce, then create. That is the protocol: what was sent has been announced.
//   - Create, then record it as completed. The outcome is what is recorded.
//
// Recording an outcome and publishing it could overlap safely: the event is at-least-once, and
// neither depends on the other, because a lost record is found again by reading SendGrid. They
// are in sequence all the same: the entry is written in a few milliseconds, beside the 400 that
// a list and a create take, and Ensure would have to know the publisher.
//
// # The states of an entry
//
//	free ──take──▶ leased ──announce──▶ creating ──────▶ pending ◀──────▶ adding
//	 ▲               │                    │  ▲               │ │             │
//	 └───released────┘            unknown │  │ rechecked     │ │ completed   │ unknown
//	                                      ▼  │               │ ▼             ▼
//	                                     unknown             │ completed   unknown
//	                                                         ▲      │
//	                                        update announced └──────┘
//
// Taking an entry changes only its owner and its lease; the state records what is known. A
// process that dies leaves its entry with the lease running. When the lease has ended, the
// next attempt takes the entry, and its state reports whether a create may be on its way.
//
// Every write replaces exactly the revision before it, so a late copy of a write, of this
// attempt or another, changes nothing. If the last write of an attempt fails, the lease runs
// until it ends, which delays others and endangers nothing. The folder model has a model of
// the protocol, with the bounds within which it holds.
//
// # Order
//
// Requests are ordered by when they were sent. One that differs from the request applied last
// and is older changes nothing (superseded). A newer one that may update replaces an announced
// one: what is left of its steps is not carried out.
//
// # Deletion
//
// The entry records the ids of the delivery whose create it completed. The same delivery,
// arriving again after a person deleted the integration, is Gone; a new request creates it again.
//
// # Time
//
// Every attempt has a deadline, that of the Lambda invocation. divideTime divides it: first
// reading and writing (workCtx), then finding out the outcome of a write (reconcileCtx), then
// recording it (commitCtx), then a margin in which the answer is sent.
package provision
