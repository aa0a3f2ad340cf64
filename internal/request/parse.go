package request

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
)

// maxProblems bounds how many problems of a request are reported: a response must not grow
// with a meaningless request.
const maxProblems = 30

// Parse parses a request from JSON and reports every problem at once: what is
// missing, unknown, given twice, of the wrong type or against a rule. Its errors are
// *problem.Error with the code PayloadTooLarge, InvalidJSON or InvalidRequest. Certificates
// and SAML metadata are judged by the time now.
//
// With an error it also returns what could be read of metadata, entity_id and the email of a teammate and
// is valid, so that the refusal can be traced back to its ticket; nothing else of that request is set.
//
// A request with a private key anywhere is refused before anything of it is read. That error is
// marked as [problem.Error.Secret].
func Parse(data []byte, now time.Time) (Request, error) {
	if saml.HasPrivateKey(data) {
		return Request{}, PrivateKeyFound()
	}
	members, err := parseDocument(data)
	if err != nil {
		return traceOf(members, now), err
	}
	values, repeated := map[string]json.RawMessage{}, map[string]bool{}
	var unknown []problem.FieldError
	for _, m := range members {
		switch _, given := values[m.name]; {
		case !isField(m.name):
			unknown = append(unknown, problem.FieldError{Field: cut.Runes(m.name, maxNameShown), Message: unknownField(m.name)})
		case given:
			repeated[m.name] = true
		default:
			values[m.name] = m.value
		}
	}
	if len(unknown) > 0 && len(values) == 0 {
		return Request{}, unknownEvent(unknown)
	}
	r, problems := readFields(values, repeated, now)
	if r.hasPrivateKey {
		return Request{}, PrivateKeyFound()
	}
	if problems = append(problems, unknown...); len(problems) > 0 {
		trace := traceOf(members, now)
		if trace.EntityID == "" && !slices.ContainsFunc(problems, func(p problem.FieldError) bool { return p.Field == "entity_id" }) {
			trace.EntityID = r.EntityID // SAML metadata supplied it.
		}
		return trace, invalidRequest(capProblems(problems))
	}
	if !r.awaitsMetadata() {
		r.given = nil
	}
	r.within = nil
	return r, nil
}

// readFields reads a request from the values of its fields.
func readFields(values map[string]json.RawMessage, repeated map[string]bool, now time.Time) (Request, []problem.FieldError) {
	r := Request{given: map[string]bool{}}
	unread := map[string]string{} // Why a field could not be read, by field.
	for _, f := range fields {
		value := values[f.name]
		switch missing := value == nil || string(value) == "null"; {
		case repeated[f.name]:
			unread[f.name] = "must be given only once"
		case !missing:
			r.given[f.name] = true
			unread[f.name] = f.read(value, &r, now)
		}
	}
	if !r.isForConnection() {
		r.restrict(unread)
		return r, r.problems(unread)
	}
	if r.given["saml_metadata"] && r.given["saml_metadata_url"] {
		unread["saml_metadata_url"] = "must not be given together with saml_metadata; send one of them"
	}
	if r.samlMetadata != "" && unread["saml_metadata"] == "" && unread["entity_id"] == "" {
		if parsed, err := saml.ParseMetadata([]byte(r.samlMetadata), r.beside(), now); err != nil {
			unread["saml_metadata"] = r.refused(err)
		} else {
			r.supply(parsed)
		}
	}
	hasMetadata := r.given["saml_metadata"] || r.given["saml_metadata_url"]
	for _, f := range fields {
		supplied := f.fromMetadata && hasMetadata
		if f.required && !r.given[f.name] && !supplied && unread[f.name] == "" {
			unread[f.name] = cmp.Or(f.missing, "is required")
		}
	}
	return r, r.problems(unread)
}

// traceOf returns a request with nothing but what its refusal can be traced by: metadata, entity_id
// and the email of a teammate, if they are valid and given once.
func traceOf(members []member, now time.Time) Request {
	read := func(name string) Request {
		var r Request
		isOther := func(m member) bool { return m.name != name }
		given := slices.DeleteFunc(slices.Clone(members), isOther)
		f, _ := fieldFor(name)
		if len(given) != 1 || string(given[0].value) == "null" || f.read(given[0].value, &r, now) != "" || f.check(r) != "" {
			return Request{}
		}
		return r
	}
	return Request{EntityID: read("entity_id").EntityID, Metadata: read("metadata").Metadata, Teammate: traceOfTeammate(members)}
}

// traceOfTeammate returns a teammate with nothing but the email, empty unless it is valid and given once;
// nil if the request is about no teammate.
func traceOfTeammate(members []member) *Teammate {
	var given, emails []member
	for _, m := range members {
		if m.name == "teammate" && string(m.value) != "null" {
			given = append(given, m)
		}
	}
	if len(given) == 0 {
		return nil
	}
	within, _ := parseObject(given[0].value)
	for _, m := range within {
		if m.name == "email" {
			emails = append(emails, m)
		}
	}
	var t Teammate
	if len(given) == 1 && len(emails) == 1 {
		_ = readEmail(emails[0].value, &t) // One that is not valid is not set.
	}
	return &t
}

// parseDocument parses the one JSON object that data must be. Of one that is malformed it returns
// the members before the fault.
func parseDocument(data []byte) ([]member, error) {
	switch {
	case len(data) > MaxRequestBytes:
		return nil, &problem.Error{Code: problem.PayloadTooLarge, Message: fmt.Sprintf("The request may have at most %d bytes, and has %d.", MaxRequestBytes, len(data))}
	case saml.IsUTF16(data, '{'):
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is encoded in UTF-16; send one JSON object in UTF-8."}
	}
	data = saml.CutMark(data)
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is empty; send one JSON object."}
	case saml.IsXML(data):
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "This is XML; send one JSON object. SAML metadata goes in its field saml_metadata, as a string."}
	case !utf8.Valid(data):
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The request is not valid UTF-8; send one JSON object in UTF-8."}
	}
	members, ok := parseObject(data)
	if !ok {
		message := cmp.Or(malformed(data), noObject(kind(bytes.TrimSpace(data))))
		return members, &problem.Error{Code: problem.InvalidJSON, Message: message}
	}
	return members, nil
}

// noObject returns the message about a request that is JSON of another kind.
func noObject(kind string) string {
	if kind == "an array" {
		return "The request is an array; send one JSON object for each request. " +
			"If an EventBridge Pipe sent it, give the pipe an SQS queue as its source and remove its input transformer, so that the messages arrive as SQS sends them."
	}
	return "The request is " + kind + "; send one JSON object."
}

// unknownEvent returns the error of an event without any field of a request: most likely it is that of a
// source that this function does not support.
func unknownEvent(unknown []problem.FieldError) *problem.Error {
	_, required := FieldNames()
	return &problem.Error{
		Code: problem.InvalidRequest,
		Message: "This is neither a request nor an event that holds one. Supported are API Gateway HTTP API and Function URL " +
			"events (payload 2.0), API Gateway REST API events (payload 1.0), EventBridge events, SQS messages, " +
			"and the request itself: an object with " + strings.Join(required, ", ") + ".",
		Fields: capProblems(unknown),
	}
}

// unknownField returns the message about a field that does not exist; the most common cause is
// the name that another system uses for it.
func unknownField(name string) string {
	const unknown = "is not a field of a request; "
	if f, ok := fieldFor(name); ok {
		return unknown + "did you mean " + f.name + "?"
	}
	for _, e := range elsewhere {
		if slices.ContainsFunc(e.names, func(n string) bool { return isLike(name, n) }) {
			return unknown + e.advice
		}
	}
	if slices.Contains(TeammateFields(), name) {
		return unknown + "give it within teammate"
	}
	for _, f := range fields {
		if slices.ContainsFunc(append([]string{f.name}, f.aliases...), func(n string) bool { return isLike(name, n) }) {
			return unknown + "did you mean " + f.name + "?"
		}
	}
	return unknown + "remove it, or put it into metadata"
}

// PrivateKeyFound returns the error of a request that contains a private key. It repeats nothing of
// the request.
func PrivateKeyFound() *problem.Error {
	return &problem.Error{
		Code: problem.InvalidRequest, Secret: true,
		Message: "The request contains a private key, so nothing of it was read or kept. Remove the key, replace it if it is in use, and send the identity provider's certificate as public_certificate.",
	}
}

func invalidRequest(problems []problem.FieldError) *problem.Error {
	message := "One field of the request is not valid; correct it and send the request again."
	if len(problems) > 1 {
		message = fmt.Sprintf("%d fields of the request are not valid; correct them and send the request again.", len(problems))
	}
	return &problem.Error{Code: problem.InvalidRequest, Message: message, Fields: problems}
}

func capProblems(problems []problem.FieldError) []problem.FieldError {
	if len(problems) <= maxProblems {
		return problems
	}
	more := problem.FieldError{Message: fmt.Sprintf("and %d more problems", len(problems)-maxProblems)}
	return append(problems[:maxProblems:maxProblems], more)
}
