package publish

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/problem"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// Source is the source of the events, by which rules match them.
const Source = "sendgrid.sso"

// version is the version of an event's detail: events/results/schema.json describes it. A
// change that readers have to know of makes another.
const version = "1"

// maxDetail bounds the size of an event's detail. EventBridge takes entries of less than
// 256 KB; this leaves room for source and detail type, which count as well, and for the
// envelope around what it delivers.
const maxDetail = 240 << 10

// What a detail is shortened to where it is larger than that. The lengths are in bytes, of
// a member in JSON, and of a text or an id before it becomes JSON.
const (
	maxMember = 2048
	maxTexts  = 31 // What provision lists at most.
	maxText   = 256
	maxID     = 256
)

// Event is what became of one request.
type Event struct {
	// Result or Failure is set.
	Result  *provision.Result
	Failure *problem.Error
	// Request is nil where what came could not be read as a request.
	Request *provision.Request
	Origin  Origin
	// DurationMS is the time that the request took, in milliseconds.
	DurationMS int64
}

// Origin says what brought a request, with every id under which it is known.
type Origin struct {
	Trigger          string `json:"trigger"`
	RequestID        string `json:"request_id,omitempty"`
	TraceID          string `json:"trace_id,omitempty"`
	GatewayRequestID string `json:"gateway_request_id,omitempty"`
	EventID          string `json:"event_id,omitempty"`
	MessageID        string `json:"message_id,omitempty"`
}

// detail is the body of an event.
type detail struct {
	Version     string                       `json:"version"`
	Outcome     provision.Outcome            `json:"outcome"`
	Integration any                          `json:"integration,omitempty"`
	Error       *failure                     `json:"error,omitempty"`
	Request     *sendgrid.IntegrationRequest `json:"request,omitempty"`
	Metadata    map[string]string            `json:"metadata,omitempty"`
	Origin      Origin                       `json:"origin"`
	DurationMS  int64                        `json:"duration_ms"`
	Truncated   bool                         `json:"truncated,omitempty"`
}

// failure is an error as a caller sees it.
type failure struct {
	Code      problem.Code         `json:"code"`
	Message   string               `json:"message"`
	Retryable bool                 `json:"retryable"`
	Errors    []problem.FieldError `json:"errors,omitempty"`
}

// The detail types, by outcome.
var detailTypes = map[provision.Outcome]string{
	provision.OutcomeCreated:   "SSO Integration Created",
	provision.OutcomeUnchanged: "SSO Integration Unchanged",
	provision.OutcomeRejected:  "SSO Integration Rejected",
	provision.OutcomeFailed:    "SSO Integration Failed",
}

// encode returns the detail type and the detail of an event.
func (e Event) encode() (detailType, body string, err error) {
	d := detail{Version: version, Origin: e.Origin, DurationMS: e.DurationMS}
	if r := e.Request; r != nil {
		integration := r.Integration()
		d.Request, d.Metadata = &integration, r.Metadata
	}
	if e.Failure != nil {
		d.Outcome = provision.OutcomeOf(e.Failure)
		d.Error = &failure{
			Code: e.Failure.Code, Message: e.Failure.Message,
			Retryable: e.Failure.Retryable(), Errors: e.Failure.Fields,
		}
	} else {
		d.Outcome = e.Result.Outcome
		d.Integration = e.Result.Integration
	}
	text, err := d.fit()
	return detailTypes[d.Outcome], text, err
}

// fit encodes the detail, shortened where it would be too large. A request has bounds of
// its own: it comes to some 80 KiB if JSON escapes all of it. So have the errors that
// SendGrid is quoted with, which come to some 140 KiB. What has none is an integration that
// someone edited into something very long, its id where a message names it, and an id that
// a sender made up; without the excess of those, every detail fits.
func (d detail) fit() (string, error) {
	text, err := json.Marshal(d)
	if err == nil && size(text) > maxDetail {
		if d, err = d.shortened(); err == nil {
			text, err = json.Marshal(d)
		}
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("encode the event: %w", err)
	case size(text) > maxDetail:
		return "", fmt.Errorf("encode the event: it has %d bytes and may have %d", size(text), maxDetail)
	}
	return string(text), nil
}

// size returns what a detail takes in a request to EventBridge: it is a string there, in
// which every quote and backslash takes two bytes. The documented measure has them once.
func size(text []byte) int {
	return len(text) + bytes.Count(text, []byte(`"`)) + bytes.Count(text, []byte(`\`))
}

// shortened returns the detail without what makes it too large. The request stays whole.
func (d detail) shortened() (detail, error) {
	d.Truncated = true
	if d.Integration != nil {
		brief, err := withoutLong(d.Integration)
		if err != nil {
			return d, err
		}
		d.Integration = brief
	}
	if d.Error != nil {
		brief := *d.Error
		brief.Message, brief.Errors = clip(brief.Message), nil
		for _, e := range d.Error.Errors[:min(len(d.Error.Errors), maxTexts)] {
			brief.Errors = append(brief.Errors, problem.FieldError{Field: clip(e.Field), Message: clip(e.Message)})
		}
		d.Error = &brief
	}
	for _, id := range []*string{
		&d.Origin.RequestID, &d.Origin.TraceID, &d.Origin.GatewayRequestID, &d.Origin.EventID, &d.Origin.MessageID,
	} {
		if len(*id) > maxID {
			*id = ""
		}
	}
	return d, nil
}

// withoutLong returns the members of a JSON object that are not long. Half a URL would be
// a wrong URL, so a long one is left out as a whole.
func withoutLong(object any) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	maps.DeleteFunc(members, func(_ string, value json.RawMessage) bool { return len(value) > maxMember })
	return members, nil
}

// clip shortens a text for people, between two characters.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}
