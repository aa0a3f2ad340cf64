package okta

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/connector"
	"sendgrid-sso-integration/internal/okta"
)

// Sends reports whether an event is one of Okta's log.
func (*Provider) Sends(e connector.Event) bool {
	return strings.HasPrefix(e.Source, "aws.partner/okta.com/") && e.DetailType == "SystemLog"
}

// The types of log events about an application, or about a person who was assigned to it, that may
// need a request. Nothing follows from application.user_membership.remove: Okta
// refuses a person without an assignment already, and a lost assignment of a group would remove a
// department from SendGrid.
//
// https://developer.okta.com/docs/reference/api/event-types/
const (
	eventCreate     = "application.lifecycle.create"
	eventUpdate     = "application.lifecycle.update"
	eventActivate   = "application.lifecycle.activate"
	eventDeactivate = "application.lifecycle.deactivate"
	eventDelete     = "application.lifecycle.delete"
	eventRotateKey  = "app.keys.rotate"
	eventAssign     = "application.user_membership.add"
)

// LogEventTypes returns the types of log events that the connector processes.
func LogEventTypes() []string {
	return []string{eventCreate, eventUpdate, eventActivate, eventDeactivate, eventDelete, eventRotateKey, eventAssign}
}

// logEvent is an event of Okta's log.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/SystemLog/
type logEvent struct {
	UUID      string    `json:"uuid"`
	Published time.Time `json:"published"`
	EventType string    `json:"eventType"`
	Outcome   struct {
		Result string `json:"result"`
	} `json:"outcome"`
	Target []target `json:"target"`
}

// target is what an event is about. Of an application, AlternateID is the name that people gave
// it, and DisplayName that of its kind; of a custom one both are the same.
type target struct {
	ID          string `json:"id"`
	Type        string `json:"type"`
	AlternateID string `json:"alternateId"`
	DisplayName string `json:"displayName"`
}

// concerns reports whether the event is about a change of an application that took place, or about
// an assignment to it.
func (e logEvent) concerns() bool {
	return slices.Contains(LogEventTypes(), e.EventType) && (e.Outcome.Result == "" || e.Outcome.Result == "SUCCESS")
}

// target returns the application that the event is about, zero if there is none. Okta names one
// application in an event.
func (e logEvent) target() target { return e.first("AppInstance") }

// user returns the person whom an assignment is about, zero if there is none. Okta also
// names an AppUser, whose id is that of the assignment, which the API does not take.
func (e logEvent) user() target { return e.first("User") }

// first returns the first target of a type, zero if there is none.
func (e logEvent) first(kind string) target {
	i := slices.IndexFunc(e.Target, func(t target) bool { return t.Type == kind })
	if i < 0 {
		return target{}
	}
	return e.Target[i]
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
