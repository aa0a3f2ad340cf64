package sendgrid

import (
	"errors"
	"net/http"
	"strings"
)

// Class is what a failed operation means for the caller: whether SendGrid may have carried
// it out, and whether repeating it can help.
type Class int

const (
	// Ambiguous means that an operation that is not idempotent was sent, and got
	// neither with success nor with a documented refusal. It may have been carried out, so it
	// must not be repeated before the outcome is known.
	Ambiguous Class = iota
	// Unavailable means that an idempotent operation got a 5xx, no response or an unreadable
	// one. It may be repeated.
	Unavailable
	// Throttled means that the rate limit refused the operation, or that it was not sent
	// because the limit is used up. Nothing happened; repeating it after RateLimit.Reset helps.
	Throttled
	// NeverSent means that no connection was obtained. Nothing happened; repeating it may help.
	NeverSent
	// Refused means that SendGrid refused the operation. Nothing happened, and repeating it
	// does not help.
	Refused
	// NoKey means that no usable API key was available (*KeyError). Nothing happened.
	NoKey
)

// String returns the class in words, for logs and tests.
func (c Class) String() string {
	switch c {
	case Ambiguous:
		return "ambiguous"
	case Unavailable:
		return "unavailable"
	case Throttled:
		return "throttled"
	case NeverSent:
		return "never sent"
	case Refused:
		return "refused"
	case NoKey:
		return "no key"
	}
	return "unknown class"
}

// Repeatable reports whether the same operation may be repeated and may then succeed.
func (c Class) Repeatable() bool { return c == Unavailable || c == Throttled || c == NeverSent }

// Open reports whether the operation may have been carried out.
func (c Class) Open() bool {
	switch c {
	case Ambiguous, Unavailable:
		return true
	case Throttled, NeverSent, Refused, NoKey:
		return false
	}
	return true
}

// ClassOf classifies the error of a client's method. An error of another origin is
// Ambiguous, because nothing is known about it.
func ClassOf(err error) Class {
	var key *KeyError
	if errors.As(err, &key) {
		return NoKey
	}
	var failure *Error
	if errors.As(err, &failure) {
		return failure.Class()
	}
	return Ambiguous
}

// Class classifies the error. The refusals of an operation that is not idempotent are those
// that SendGrid documents: an undocumented status may come from a gateway that has passed
// the request on.
func (e *Error) Class() Class {
	status := e.StatusCode
	switch {
	case errors.Is(e.Err, errPaced):
		return Throttled
	case status == 0 && !e.Sent:
		return NeverSent
	case status == http.StatusTooManyRequests:
		return Throttled
	case status == http.StatusBadRequest, status == http.StatusUnauthorized, status == http.StatusForbidden,
		status == http.StatusPaymentRequired, status == http.StatusConflict: // Not documented, and only SendGrid itself can mean them.
		return Refused
	case e.refusesScopes():
		return Refused
	case !e.Op.Idempotent():
		return Ambiguous
	case status < 300, status >= 500:
		return Unavailable
	default:
		return Refused
	}
}

// refusesScopes reports whether the error is SendGrid's refusal of an update of a teammate because
// of a scope, which has a status of its own failures.
func (e *Error) refusesScopes() bool {
	return e.Op == OpUpdateTeammate && e.StatusCode == http.StatusInternalServerError &&
		strings.Contains(strings.ToLower(e.Reason()), "invalid scopes")
}

// IsNotFound reports whether SendGrid returned 404: what the operation is about does not
// exist, or does not show up yet.
func IsNotFound(err error) bool {
	var failure *Error
	return errors.As(err, &failure) && failure.StatusCode == http.StatusNotFound
}
