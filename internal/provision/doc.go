// Package provision holds the one operation of this project: Ensure, which makes sure that
// an SSO integration exists, exactly once, from requests that arrive at least once.
//
// SendGrid has no idempotency key and refuses no duplicates, so two creates make two
// integrations, and log-in breaks. What guards against that is a ledger, shared by all
// processes, with one entry for each integration: the account and the entity id.
//
// # The protocol
//
//  1. Take the entry, by a write on the condition that no lease runs on it. The lease
//     lasts until this attempt's deadline and a settling time more, so whatever this
//     attempt sends has shown its effect before anyone else can act. While somebody else
//     holds the entry, wait; if time runs out, answer problem.InProgress. An entry that remembers
//     this very request as fulfilled is not taken: looking is enough.
//  2. Look whether SendGrid has the integration. As the request asks: unchanged. With
//     differences: problem.Conflict, unless this very request brought it about and somebody edited
//     it since. If the ledger remembers an id that the list lacks, ask for that id.
//  3. If it is not there, mark the entry "creating", on the condition that it is still
//     ours, and send one create; another one only if that certainly did not happen.
//  4. If SendGrid created it, mark the entry "created" with the id. If it certainly did
//     not - a documented refusal, or no connection - give the entry back. In any other
//     case nobody can tell: look again for a while, adopt what shows up, or else mark the
//     entry "unknown" and leave the lease running for a settling time. Until it ends,
//     anyone may look and nobody creates.
//
// # The states of an entry
//
//	             take                    update
//	(no entry) ────────▶ held ─────────────────────▶ creating
//	    ▲                 │ │                         │  │  │
//	    │ found nothing   │ │ found it                │  │  │ outcome unknown
//	    ├─────────────────┘ │          created it     │  │  ▼
//	    │                   ├───────▶ created ◀───────┘  │ unknown
//	    │ refused           │            │               │  │
//	    └───────────────────┼────────────┼───────────────┘  │ lease ended
//	                        │            │ take             │
//	                        └── held ◀───┴──────────────────┘
//
// A process that dies leaves its entry in the state it was in, with its lease running.
// When the lease has ended, the next attempt takes the entry as if it were free, and sees
// in SendGrid's list whatever the dead one did. So the lease alone decides who may act,
// and the state says only what is known.
//
// Each write after the first is on the condition that the entry still has this attempt's
// owner token. If the last write fails, the entry stays taken until its lease ends, which
// delays others and endangers nothing.
//
// # Time
//
// Every attempt has a deadline, that of the Lambda invocation. It is divided by budget:
// first looking and creating, then settling what came of a create, then writing that down,
// then a margin in which the answer gets out.
package provision
