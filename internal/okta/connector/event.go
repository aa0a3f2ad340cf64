package connector

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// envelope is an EventBridge event.
type envelope struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

// kind is a kind of event.
type kind string

const (
	kindLog      kind = "okta_log"
	kindResult   kind = "result"
	kindSchedule kind = "schedule"
	kindUnknown  kind = "unknown"
)

func (e envelope) kind() kind {
	switch {
	case strings.HasPrefix(e.Source, "aws.partner/okta.com/") && e.DetailType == "SystemLog":
		return kindLog
	case e.Source == "sendgrid.sso":
		return kindResult
	case e.Source == "aws.events" && e.DetailType == "Scheduled Event":
		return kindSchedule
	default:
		return kindUnknown
	}
}

// The types of log events after which SendGrid may have to be told of an application. A deleted
// one is not among them, because nothing can be read of it any more.
//
// https://developer.okta.com/docs/reference/api/event-types/
const (
	eventCreate     = "application.lifecycle.create"
	eventUpdate     = "application.lifecycle.update"
	eventActivate   = "application.lifecycle.activate"
	eventDeactivate = "application.lifecycle.deactivate"
	eventRotateKey  = "app.keys.rotate"
)

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

// LogEventTypes returns the types of log events that the connector processes.
func LogEventTypes() []string {
	return []string{eventCreate, eventUpdate, eventActivate, eventDeactivate, eventRotateKey}
}

// ResultTypes returns the detail types of results that the connector processes.
func ResultTypes() []string { return slices.Clone(resultTypes) }

// concerns reports whether the event is about a change of an application that took place.
func (e logEvent) concerns() bool {
	return slices.Contains(LogEventTypes(), e.EventType) && (e.Outcome.Result == "" || e.Outcome.Result == "SUCCESS")
}

// target returns the application that the event is about, zero if there is none. Okta names one
// application in an event.
func (e logEvent) target() target {
	i := slices.IndexFunc(e.Target, func(t target) bool { return t.Type == "AppInstance" })
	if i < 0 {
		return target{}
	}
	return e.Target[i]
}

// resultTypes are the detail types of the results after which the integration exists.
var resultTypes = []string{
	"SSO Integration Created",
	"SSO Integration Updated",
	"SSO Integration Unchanged",
	"SSO Integration Superseded",
}

// resultEvent is a result event of the SendGrid SSO integration function.
type resultEvent struct {
	Integration struct {
		ID              string `json:"id"`
		EntityID        string `json:"entity_id"`
		SingleSignOnURL string `json:"single_signon_url"`
		AudienceURL     string `json:"audience_url"`
	} `json:"integration"`
	Metadata struct {
		OktaApp   string `json:"okta_app"`
		OktaEvent string `json:"okta_event"`
	} `json:"metadata"`
}

// decodeDetail reads the detail of an event.
func decodeDetail(e envelope, detail any) error {
	if err := json.Unmarshal(e.Detail, detail); err != nil {
		return invalidEvent("The detail of the event is not as its source documents it", err, "published")
	}
	return nil
}

// invalidEvent is the failure of JSON that cannot be decoded, with the name of its one time
// field. It has no cause for the log, because encoding/json and package time quote the JSON in
// their errors.
func invalidEvent(message string, err error, timeField string) *Error {
	var (
		syntax    *json.SyntaxError
		wrongType *json.UnmarshalTypeError
	)
	fault := timeField + " is not in RFC 3339" // No other field has a decoder that fails.
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		fault = wrongType.Field + " has the wrong type"
	case errors.As(err, &wrongType), errors.As(err, &syntax):
		fault = "it is not a JSON object"
	}
	return &Error{Code: InvalidEvent, Message: message + ": " + fault + "."}
}
