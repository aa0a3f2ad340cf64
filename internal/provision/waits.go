package provision

import "time"

// What an attempt waits for, as the object of "for".
const (
	forLedger   = "the ledger"
	forOthers   = "another request for the same integration"
	forSendGrid = "SendGrid"
)

// waits adds up how long an attempt has waited for each cause, for the message if its time runs out.
type waits map[string]time.Duration

// begin starts a wait; the function that it returns ends it.
func (w waits) begin(what string) (end func()) {
	start := time.Now()
	return func() { w[what] += time.Since(start) }
}

// longest returns what was waited for longest, and how long.
func (w waits) longest() (what string, d time.Duration) {
	for _, each := range []string{forLedger, forOthers, forSendGrid} {
		if w[each] > d {
			what, d = each, w[each]
		}
	}
	return what, d
}
