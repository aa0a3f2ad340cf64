package connector

import "time"

// LagPeriod is how long a provider gets to show what an event announces, counted from the time
// of the event. What it does not show by then will not appear: it was changed again, or
// the credential may not read it.
const LagPeriod = 10 * time.Minute

// MayLag reports whether a provider's reads may lag behind an event of this time. A time that is
// not near is no reason to wait, also one in the future.
func MayLag(at time.Time) bool { return time.Since(at).Abs() < LagPeriod }

// AsOf returns the latest time whose state a read that begins now certainly shows. A request with
// that time never undoes what an event of the last minutes announced, however much the read lags.
func AsOf() time.Time { return time.Now().Add(-LagPeriod) }

// NotShown is the failure of an event that is read again, because the provider may lag.
func NotShown(provider, what string) *Error {
	return &Error{
		Code:    NotShownYet,
		Message: provider + " does not show yet what the event announces: " + what + ". It is read again for ten minutes, and then taken as it is.",
	}
}
