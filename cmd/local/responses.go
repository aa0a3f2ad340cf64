package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// maxRecorded bounds what is kept of a response. Thousands of integrations are shorter.
const maxRecorded = 16 << 20

// recorder keeps SendGrid's last response unchanged: the client drops fields that it does not know. It is for
// one call at a time.
type recorder struct {
	next http.RoundTripper
	last recorded
}

// recorded is a response.
type recorded struct {
	status int
	header http.Header
	body   []byte
}

// record makes a client keep its responses in the recorder that it returns.
func record(client *http.Client) *recorder {
	r := &recorder{next: client.Transport}
	client.Transport = r
	return r
}

// RoundTrip sends a request, and keeps its response.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.last = recorded{}
	res, err := r.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxRecorded))
	if err != nil {
		_ = res.Body.Close() // Reading has failed already.
		return nil, err
	}
	r.last = recorded{res.StatusCode, res.Header, body}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), res.Body), res.Body}
	return res, nil
}

// CloseIdleConnections forwards the call to the transport.
func (r *recorder) CloseIdleConnections() {
	if closer, ok := r.next.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// entry is an object of a response.
type entry map[string]json.RawMessage

// entries returns the objects of a response, which is a list or one of them.
func (r recorded) entries() ([]entry, error) {
	var list []entry
	if err := json.Unmarshal(r.body, &list); err == nil {
		return list, nil
	}
	var one entry
	if err := json.Unmarshal(r.body, &one); err != nil {
		return nil, fmt.Errorf("the response has no objects: %w", err)
	}
	return []entry{one}, nil
}

// kind is a JSON type, as JSON Schema names it.
type kind string

const (
	isString  kind = "string"
	isNumber  kind = "number"
	isBoolean kind = "boolean"
	isArray   kind = "array"
	isObject  kind = "object"
	isNull    kind = "null"
)

func kindOf(raw json.RawMessage) kind {
	switch raw[0] { // A value that was decoded has no white space before it.
	case '"':
		return isString
	case 't', 'f':
		return isBoolean
	case '[':
		return isArray
	case '{':
		return isObject
	case 'n':
		return isNull
	}
	return isNumber
}

// assumption is what the function assumes about the objects of a response.
type assumption struct {
	// always and sometimes are the fields that every object has, and that some have.
	always, sometimes map[string]kind
	// oneOf are fields; every object has at least one of them.
	oneOf []string
	// incomplete reports that an object may lack any field; nil means that none may.
	incomplete func(entry) bool
}

// differences returns how the objects differ from the assumption, without their values. Each difference is one line,
// however many objects have it.
func (a assumption) differences(objects []entry) []string {
	counts := map[string]int{}
	for _, object := range objects {
		for _, difference := range a.of(object) {
			counts[difference]++
		}
	}
	var lines []string
	for _, difference := range slices.Sorted(maps.Keys(counts)) {
		if len(objects) > 1 {
			difference = fmt.Sprintf("%s, in %d of %d", difference, counts[difference], len(objects))
		}
		lines = append(lines, difference)
	}
	return lines
}

// of returns how one object differs from the assumption.
func (a assumption) of(object entry) (differences []string) {
	known := maps.Clone(a.sometimes)
	if known == nil {
		known = map[string]kind{}
	}
	maps.Copy(known, a.always)
	for name, raw := range object {
		switch want, ok := known[name]; {
		case !ok:
			differences = append(differences, fmt.Sprintf("%q is an unknown field (%s)", name, kindOf(raw)))
		case kindOf(raw) != want:
			differences = append(differences, fmt.Sprintf("%q is %s, not %s", name, kindOf(raw), want))
		}
	}
	if a.incomplete != nil && a.incomplete(object) {
		return differences
	}
	for name := range a.always {
		if _, ok := object[name]; !ok {
			differences = append(differences, fmt.Sprintf("%q is missing", name))
		}
	}
	if len(a.oneOf) > 0 && !slices.ContainsFunc(a.oneOf, func(name string) bool { return object[name] != nil }) {
		differences = append(differences, fmt.Sprintf("%s are missing", strings.Join(a.oneOf, " and ")))
	}
	return differences
}

// readIntegration is an integration that is read. Those that somebody left half configured lack more.
func readIntegration() assumption {
	a := writtenIntegration()
	for name, want := range a.sometimes {
		a.always[name] = want
	}
	a.incomplete = func(object entry) bool { return string(object["entity_id"]) == `""` || object["entity_id"] == nil }
	return a
}

// writtenIntegration is the response to a create or an update. Clients report that it may lack
// what SendGrid adds.
func writtenIntegration() assumption {
	return assumption{
		always: map[string]kind{
			"name": isString, "enabled": isBoolean, "signin_url": isString, "signout_url": isString, "entity_id": isString, "last_updated": isNumber,
		},
		sometimes: map[string]kind{"id": isString, "single_signon_url": isString, "audience_url": isString, "completed_integration": isBoolean},
	}
}

// anyCertificate is a certificate in any response. SendGrid's document misspells the integration's id.
func anyCertificate() assumption {
	return assumption{
		always:    map[string]kind{"id": isNumber, "public_certificate": isString, "not_before": isNumber, "not_after": isNumber},
		sometimes: map[string]kind{"intergration_id": isString, "integration_id": isString},
		oneOf:     []string{"intergration_id", "integration_id"},
	}
}

// anyScopes is the response to a list of scopes.
func anyScopes() assumption { return assumption{always: map[string]kind{"scopes": isArray}} }
