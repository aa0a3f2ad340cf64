package provision

import "time"

// What an attempt waits for, as it continues "for".
const (
	forLedger   = "the ledger"
	forOthers   = "another request for the same integration"
	forSendGrid = "SendGrid"
)

// waits sums up how long an attempt has waited for what, so that the message can say it where the
// time runs out.
type waits map[string]time.Duration

// begin begins to wait; the function that it returns ends that.
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
