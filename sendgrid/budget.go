package sendgrid

import (
	"net/http"
	"time"
)

const (
	// shareGrowth is by how much a share grows after a window that was not used up, and
	// minShare, beside one call, what is left of it in any case. TestPacerKeepsToTheLimit
	// measures what other values cost: more growth is refused more often, and less of it, or
	// no minimum, lets a process that came last in a window wait for long.
	shareGrowth = 1.25
	minShare    = 0.05
	// firstPart is the part of what is left that a process takes at a time in its first window.
	firstPart = 3
)

// budget is what is known of one rate limit.
//
// Other processes draw on the same limit. If each took all of it after a reset, most of them
// would be refused. So each keeps to its share: the part that it got of the last window that
// was used up. Within a window, it also takes its share of what the answers report as left.
type budget struct {
	// limit is 0 until an answer reports one.
	limit int
	// share is the part of the limit that this process takes, at most 1.
	share float64
	// window is the current one, and before the one before.
	window, before *window
	// refusals counts the refusals in a row that had no reset to wait for, and quiet is until
	// when no call is made because of them.
	refusals int
	quiet    time.Time
	// waitingWrites counts the calls that wait and are not idempotent.
	waitingWrites int
}

// window is what this process did in a window of a rate limit.
type window struct {
	// reset is the end; zero until an answer reports it.
	reset time.Time
	// remaining is the least that an answer reported as left.
	remaining int
	// taken counts the calls, inFlight those that are not answered, and accepted those that
	// were not refused.
	taken, inFlight, accepted int
	// usedUp reports whether nothing was left in the end, and wanted whether a call had to wait
	// or was refused.
	usedUp, wanted bool
	// share is that of the budget when the window began.
	share float64
}

// untilChanged is how long to wait for what only another answer can change.
const untilChanged = time.Hour

// wait returns how long a call has to wait for its turn, 0 if it may be made now.
func (b *budget) wait(now time.Time, write bool) time.Duration {
	w := b.current(now)
	switch {
	case b.refusals > 0 && w.inFlight > 0: // One call finds out whether the limit has reset.
		return untilChanged
	case b.refusals > 0:
		return max(0, b.quiet.Sub(now))
	case b.limit == 0:
		return 0
	case w.remaining == 0:
		return w.reset.Sub(now)
	case !write && b.waitingWrites > 0:
		return b.untilReset(now)
	}
	left := w.remaining - w.inFlight
	if b.before == nil { // Nobody knows yet how many others there are.
		left = (w.remaining+firstPart-1)/firstPart - w.inFlight
	}
	// One that is left to many is better left over: most of them would be refused.
	inShare := w.taken < max(1, b.part(b.limit)) || w.inFlight < b.part(w.remaining)
	if left > 0 && inShare {
		return 0
	}
	return b.untilReset(now)
}

// usedUp reports whether nothing is left before a reset that is known.
func (b *budget) usedUp(now time.Time) bool {
	return b.refusals == 0 && b.limit > 0 && b.current(now).remaining == 0
}

// part returns this process's share of a number of calls.
func (b *budget) part(calls int) int { return int(b.share*float64(calls) + 1e-9) }

func (b *budget) untilReset(now time.Time) time.Duration {
	if b.window.reset.IsZero() {
		return untilChanged
	}
	return max(time.Millisecond, b.window.reset.Sub(now))
}

// current returns the window at a time.
func (b *budget) current(now time.Time) *window {
	if b.window == nil {
		b.window = &window{share: b.share}
	}
	if ends := b.window.reset; !ends.IsZero() && !now.Before(ends) {
		b.begin(time.Time{}, b.limit)
	}
	return b.window
}

// begin begins a window. What came of the one before decides about the share.
func (b *budget) begin(reset time.Time, remaining int) {
	b.before = b.window
	b.settleShare()
	b.window = &window{reset: reset, remaining: remaining, share: b.share, wanted: b.waitingWrites > 0}
}

// settleShare sets the share by what this process got of the window before. If that was not
// used up, the others have left something, and the share grows.
func (b *budget) settleShare() {
	switch last := b.before; {
	case last == nil || b.limit == 0:
	case !last.usedUp:
		b.share = min(1, last.share*shareGrowth)
	case last.wanted:
		got := float64(last.accepted) / float64(b.limit)
		b.share = min(1, max(minShare+1/float64(b.limit), got))
	default:
		b.share = last.share
	}
}

// answered learns from the answer to a call that was made in a window.
func (b *budget) answered(made *window, status int, limit RateLimit, now time.Time) {
	made.inFlight--
	refused := status == http.StatusTooManyRequests
	if status != 0 && !refused {
		made.accepted++
		b.refusals = 0
	}
	if refused {
		made.wanted = true
		limit.Remaining = 0
	}
	switch {
	case refused && !limit.Reset.After(now):
		b.quiet = now.Round(0).Add(min(maxQuiet, firstQuiet<<min(b.refusals, 10)))
		b.refusals++
	case refused: // Retry-After states no number of calls.
		limit.Limit = max(1, limit.Limit, b.limit)
		b.learn(limit, now)
	case limit.Limit > 0 && !limit.Reset.IsZero():
		b.learn(limit, now)
	}
	if made == b.before && made.reset.Equal(limit.Reset) {
		b.settleShare() // It had not got all its answers when it ended.
	}
}

// learn takes over what an answer reports.
func (b *budget) learn(limit RateLimit, now time.Time) {
	w := b.current(now)
	switch {
	case b.before != nil && limit.Reset.Equal(b.before.reset):
		w = b.before // A late answer.
	case w.reset.IsZero() && limit.Reset.After(now):
		if b.limit == 0 {
			w.remaining = limit.Remaining
		}
		w.reset = limit.Reset
	case !limit.Reset.Equal(w.reset): // An earlier one, too: the one before was wrong.
		b.begin(limit.Reset, limit.Remaining)
		w = b.window
	}
	b.limit = limit.Limit
	w.remaining = min(w.remaining, limit.Remaining)
	w.usedUp = w.usedUp || limit.Remaining == 0
}
