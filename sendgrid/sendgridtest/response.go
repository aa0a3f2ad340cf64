package sendgridtest

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// response is a response before it is written.
type response struct {
	status int
	header http.Header
	body   []byte
}

func jsonResponse(status int, value any) response {
	body, err := json.Marshal(value)
	if err != nil {
		panic(err) // Only types that can be encoded are passed.
	}
	return response{status: status, body: body}
}

// refusal is an error response in the form that the SSO API documents, and names no field.
func refusal(status int, message string) response {
	return jsonResponse(status, []problem{{Message: message, ErrorID: newID()}})
}

// refusal is an error response in the form that is documented for the path.
func (c *call) refusal(status int, message string) response {
	if c.wrapsErrors {
		return jsonResponse(status, map[string]any{"errors": []map[string]any{{"field": nil, "message": message}}})
	}
	return refusal(status, message)
}

// omit removes fields from the body's object, or from each object of its array, which may be the
// result in an object; any other body is unchanged.
func (a *response) omit(fields []string) {
	if len(fields) == 0 {
		return
	}
	var list []map[string]json.RawMessage
	var one map[string]json.RawMessage
	var value any
	switch {
	case json.Unmarshal(a.body, &list) == nil:
		value = list
	case json.Unmarshal(a.body, &one) == nil && json.Unmarshal(one["result"], &list) == nil:
		value = map[string]any{"result": list}
	case one != nil:
		value, list = one, append(list[:0], one)
	default:
		return
	}
	for _, each := range list {
		for _, field := range fields {
			delete(each, field)
		}
	}
	a.body = jsonResponse(a.status, value).body
}

// describe sets the headers that describe the body.
func (a *response) describe(h http.Header) {
	for name, values := range a.header {
		h[name] = values
	}
	h.Set("Content-Type", "application/json")
	if len(a.body) > 0 {
		h.Set("Content-Length", strconv.Itoa(len(a.body)))
	}
}

func (a *response) write(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) //nolint:gosec // It is JSON, no page. A client that has disconnected cannot be told.
}

// writeHalf announces the whole response, writes half of it and closes the connection.
func (a *response) writeHalf(w http.ResponseWriter) {
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body[:len(a.body)/2]) //nolint:gosec // As above.
	_ = http.NewResponseController(w).Flush()
	abort()
}

// abort closes the connection without a response, which net/http does for this panic.
func abort() { panic(http.ErrAbortHandler) }
