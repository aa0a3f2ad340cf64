package connector

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/okta"
)

// LagPeriod is how long Okta gets to show what an event announces, counted from the time of the
// event. What it does not show by then is not going to come: it was changed again, or is out of
// reach of the credential.
const LagPeriod = 10 * time.Minute

// mayLag reports whether Okta's reads may lag behind an event of this time. A time that is not
// near is no reason to wait, also one in the future.
func mayLag(at time.Time) bool { return time.Since(at).Abs() < LagPeriod }

// notShownYet is the failure of an event that is read again, because Okta may lag.
func notShownYet(what string) *Error {
	return &Error{
		Code:    NotShownYet,
		Message: "Okta does not show yet what the event announces: " + what + ". It is read again for ten minutes, and then taken as it is.",
	}
}

// missingStatus returns what the application does not show of the status that the event
// announces, empty if it shows it.
func (e logEvent) missingStatus(app *okta.Application) string {
	switch {
	case e.EventType == eventDeactivate && app.IsActive():
		return "the application is active"
	case e.EventType == eventActivate && !app.IsActive():
		return "the application is not active"
	}
	return ""
}

// missesKey reports whether the event is about a rotated key and does not name the key with
// which Okta shows the application to sign. Okta documents no place for the name in the event,
// so all of its detail is searched; the ids of keys are random and long.
func (e logEvent) missesKey(detail []byte, app *okta.Application) bool {
	return e.EventType == eventRotateKey && (app.SigningKeyID == "" || !bytes.Contains(detail, []byte(app.SigningKeyID)))
}

// mayBeNamed reports whether the name of the application may begin with a prefix, as far as the
// event tells. A credential may see only some applications, and the others, which are never
// found, would otherwise all be read again.
func (e logEvent) mayBeNamed(prefix string) bool {
	names := slices.DeleteFunc([]string{e.target().AlternateID, e.target().DisplayName}, func(name string) bool { return name == "" })
	return len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, prefix) })
}
