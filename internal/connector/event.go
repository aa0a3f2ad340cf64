package connector

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// Event is an EventBridge event.
type Event struct {
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Detail     json.RawMessage `json:"detail"`
}

// kind is a kind of event. That of an event of a provider has its name.
type kind string

const (
	kindResult   kind = "result"
	kindSchedule kind = "schedule"
	kindUnknown  kind = "unknown"
)

// ResultTypes returns the detail types of results that the connector processes: those after
// which the integration exists.
func ResultTypes() []string { return slices.Clone(resultTypes) }

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
	Metadata map[string]string `json:"metadata"`
}

// DecodeDetail reads the detail of an event, which may have one time field of that name.
func (e Event) DecodeDetail(detail any, timeField string) error {
	if err := json.Unmarshal(e.Detail, detail); err != nil {
		return invalidEvent("The detail of the event is not as its source documents it", err, timeField)
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
