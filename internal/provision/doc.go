// Package provision holds the one operation of this project: Ensure, which makes sure that
// an SSO connection or a teammate exists, exactly once, for requests that arrive at least once. Package
// protocol has the rules; this package reads and writes SendGrid and the ledger as they say.
//
// [Provisioner.Ensure] makes an attempt. An attempt takes the entry (acquire.go), reads SendGrid
// and carries out plans (attempt.go). Every change at SendGrid is a write that perform announces,
// sends, and reconciles (write.go). What SendGrid has, and what follows from it, is up to the
// resource: a connection (connection.go, observe.go, connectionwrites.go, end.go) or a teammate
// (teammate.go, teammateobserve.go, teammatewrites.go, removal.go, administrators.go). A new kind of change is one more
// write, and a step of the plan.
//
// # What runs side by side
//
// The attempts of a process share lists; sharedList has the proof that a list is newer than
// the entry of everybody who gets it. The calls to SendGrid wait for their turn in the client,
// which keeps to the rate limit. An attempt that can only wait for others, for longer than its
// delivery's maximum wait, fails, to be delivered again.
//
// Within an attempt everything is in sequence:
//
//   - Take the entry, then list. A list that is sent while the entry is being taken may be
//     older than the entry: it may lack the integration that the owner before created.
//   - Announce, then send. What was sent has been announced.
//   - Confirm, then record. The outcome is what is recorded.
//
// Every attempt has a deadline, that of the Lambda invocation; divideTime divides it.
package provision
