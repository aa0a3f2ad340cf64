package provision

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/problem"
)

// maxProblems bounds how many problems of a request are reported, and maxFieldName how
// much of an unknown field's name is repeated: an answer must not grow with nonsense.
const (
	maxProblems  = 30
	maxFieldName = 64
)

// requestFields lists the fields of a request in the order in which they are reported.
var requestFields = []string{"name", "enabled", "signin_url", "signout_url", "entity_id", "completed_integration", "metadata"}

// ParseRequest reads a request from JSON and reports every problem at once: what is
// missing, unknown, given twice, of the wrong type or against a rule. Its errors are
// *problem.Error with the code problem.PayloadTooLarge, problem.InvalidJSON or problem.InvalidRequest.
func ParseRequest(data []byte) (Request, error) {
	members, err := parseDocument(data)
	if err != nil {
		return Request{}, err
	}
	p := parser{members: map[string]json.RawMessage{}}
	var unknown []problem.FieldError
	for _, m := range members {
		_, twice := p.members[m.name]
		switch {
		case !slices.Contains(requestFields, m.name):
			unknown = append(unknown, problem.FieldError{Field: clipName(m.name), Message: unknownField(m.name)})
		case twice:
			p.fail(m.name, "must be given only once")
		default:
			p.members[m.name] = m.value
		}
	}
	if len(unknown) > 0 && len(p.members) == 0 {
		return Request{}, strangeEvent(unknown)
	}

	r := p.request()
	for _, found := range r.problems() {
		if !p.failed(found.Field) {
			p.problems = append(p.problems, found)
		}
	}
	slices.SortStableFunc(p.problems, func(a, b problem.FieldError) int {
		return slices.Index(requestFields, a.Field) - slices.Index(requestFields, b.Field)
	})
	if problems := slices.Concat(p.problems, unknown); len(problems) > 0 {
		return Request{}, invalidRequest(capProblems(problems))
	}
	return r, nil
}

// strangeEvent answers what has nothing in common with a request: most likely it is the
// event of a source that this function does not know.
func strangeEvent(unknown []problem.FieldError) *problem.Error {
	return &problem.Error{
		Code: problem.InvalidRequest,
		Message: "This is neither a request nor an event that holds one. Understood are API Gateway HTTP API and Function URL " +
			"events (payload 2.0), API Gateway REST API events (payload 1.0), EventBridge events, SQS messages, " +
			"and the request itself: an object with " + strings.Join(requestFields[:5], ", ") + ".",
		Fields: capProblems(unknown),
	}
}

func capProblems(problems []problem.FieldError) []problem.FieldError {
	if len(problems) <= maxProblems {
		return problems
	}
	more := problem.FieldError{Message: fmt.Sprintf("and %d more problems", len(problems)-maxProblems)}
	return append(problems[:maxProblems:maxProblems], more)
}

// parser turns the members of a JSON object into a Request and notes what is wrong.
type parser struct {
	members  map[string]json.RawMessage
	problems []problem.FieldError
}

func (p *parser) fail(field, message string) {
	if !p.failed(field) {
		p.problems = append(p.problems, problem.FieldError{Field: field, Message: message})
	}
}

func (p *parser) failed(field string) bool {
	return slices.ContainsFunc(p.problems, func(f problem.FieldError) bool { return f.Field == field })
}

func (p *parser) request() Request {
	r := Request{
		Name:       strings.TrimSpace(p.text("name")),
		SigninURL:  p.text("signin_url"),
		SignoutURL: p.text("signout_url"),
		EntityID:   p.text("entity_id"),
		Metadata:   p.metadata(),
	}
	if enabled := p.flag("enabled", true); enabled != nil {
		r.Enabled = *enabled
	}
	r.CompletedIntegration = p.flag("completed_integration", false)
	return r
}

// member returns a field's value; absent and null are both missing.
func (p *parser) member(field string, required bool) (json.RawMessage, bool) {
	raw, ok := p.members[field]
	if ok && string(raw) != "null" {
		return raw, true
	}
	if required {
		p.fail(field, "is required")
	}
	return nil, false
}

func (p *parser) text(field string) string {
	var text string
	if raw, ok := p.member(field, true); ok && json.Unmarshal(raw, &text) != nil {
		p.fail(field, "must be a string, not "+kind(raw))
	}
	return text
}

func (p *parser) flag(field string, required bool) *bool {
	raw, ok := p.member(field, required)
	if !ok {
		return nil
	}
	var flag bool
	if json.Unmarshal(raw, &flag) != nil {
		p.fail(field, "must be true or false, not "+kind(raw))
	}
	return &flag
}

func (p *parser) metadata() map[string]string {
	const field = "metadata"
	raw, ok := p.member(field, false)
	if !ok {
		return nil
	}
	members, err := parseObject(raw)
	if err != nil {
		p.fail(field, "must be an object of strings, not "+kind(raw))
		return nil
	}
	metadata := make(map[string]string, len(members))
	for _, m := range members {
		var value string
		if string(m.value) == "null" || json.Unmarshal(m.value, &value) != nil {
			p.fail(field, fmt.Sprintf("must be an object of strings; the value of %q is %s", clipName(m.name), kind(m.value)))
		}
		if _, twice := metadata[m.name]; twice {
			p.fail(field, fmt.Sprintf("must have each key only once; %q is there twice", clipName(m.name)))
		}
		metadata[m.name] = value
	}
	return metadata
}

// member is a name and its value in a JSON object. A map would hide names given twice.
type member struct {
	name  string
	value json.RawMessage
}

// parseDocument reads the one JSON object that data must be.
func parseDocument(data []byte) ([]member, error) {
	switch {
	case len(data) > MaxRequestBytes:
		return nil, &problem.Error{Code: problem.PayloadTooLarge, Message: fmt.Sprintf("The request may have at most %d bytes, and has %d.", MaxRequestBytes, len(data))}
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is empty; send one JSON object."}
	case !utf8.Valid(data):
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is not valid UTF-8; send one JSON object in UTF-8."}
	}
	members, err := parseObject(data)
	if err != nil {
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is not one JSON object: " + err.Error() + "."}
	}
	return members, nil
}

// parseObject reads a JSON object into its members. Its errors name a place, never what
// stands there.
func parseObject(data []byte) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	syntax := func() error { return fmt.Errorf("it is malformed or cut off near byte %d", dec.InputOffset()) }

	switch start, err := dec.Token(); {
	case err != nil:
		return nil, syntax()
	case start != json.Delim('{'):
		return nil, fmt.Errorf("it is %s", kind(bytes.TrimSpace(data)))
	}
	var members []member
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, syntax()
		}
		m := member{name: name.(string)} // The decoder yields nothing else as a name.
		if dec.Decode(&m.value) != nil {
			return nil, syntax()
		}
		members = append(members, m)
	}
	if _, err := dec.Token(); err != nil {
		return nil, syntax()
	}
	end := dec.InputOffset()
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("something follows the object after byte %d", end)
	}
	return members, nil
}

// kind names the JSON type of a value, for an error message.
func kind(raw []byte) string {
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '"':
		return "a string"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case raw[0] == 't', raw[0] == 'f':
		return "a boolean"
	case raw[0] == 'n':
		return "null"
	default:
		return "a number"
	}
}

// unknownField says what to do about a field that does not exist; the most common cause
// is another spelling, such as signinUrl.
func unknownField(name string) string {
	plain := strings.NewReplacer("_", "", "-", "", " ", "")
	for _, field := range requestFields {
		if strings.EqualFold(plain.Replace(name), plain.Replace(field)) {
			return "is not a field of a request; did you mean " + field + "?"
		}
	}
	return "is not a field of a request; remove it, or put it into metadata"
}

func clipName(name string) string {
	if utf8.RuneCountInString(name) <= maxFieldName {
		return name
	}
	return string([]rune(name)[:maxFieldName]) + "…"
}
