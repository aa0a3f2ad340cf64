package handler

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// httpRequest is an HTTP request as a gateway passes it on.
type httpRequest struct {
	// id is the gateway's.
	id     string
	method string
	path   string
	header http.Header
	body   string
	// base64 reports whether body is encoded.
	base64 bool
	// authenticated reports whether the gateway authenticated the caller, and callerID names it.
	authenticated bool
	callerID      string
}

// delivery returns the delivery that a request brings. Its Failure is set if the request
// cannot be accepted whoever sends it.
func (r httpRequest) delivery() *delivery.Delivery {
	d := &delivery.Delivery{Header: r.header, SenderID: senderID(r.header)}
	d.GatewayRequestID = cut.ID(r.id)
	if r.authenticated {
		d.Caller, d.CallerID = delivery.Gateway, cut.ID(r.callerID)
	}
	if d.IsStatus = r.isStatus(); d.IsStatus {
		if r.method != http.MethodGet {
			d.Fail(&problem.Error{Code: problem.MethodNotAllowed, Message: "Read the status with GET."})
		}
		return d
	}
	if r.method != http.MethodPost {
		d.Fail(&problem.Error{Code: problem.MethodNotAllowed, Message: "Send the request with POST."})
		return d
	}
	d.ForTeammates = strings.HasSuffix(strings.TrimSuffix(r.path, "/"), teammatesPath)
	d.ForConnections = !d.ForTeammates
	body, err := r.decodeBody()
	if err != nil {
		d.Fail(err)
		return d
	}
	d.Body = body
	return d
}

// teammatesPath ends the path of requests for teammates.
const teammatesPath = "/sso/teammates"

// checkPath returns an error if the path of an HTTP request is for another kind of request.
func checkPath(d *delivery.Delivery) error {
	switch isTeammate := d.Request.Teammate != nil; {
	case d.ForTeammates && !isTeammate:
		return &problem.Error{Code: problem.InvalidRequest, Message: "This path is for requests for teammates. Send the one for a connection to the path that ends in /sso/integrations."}
	case d.ForConnections && isTeammate:
		return &problem.Error{Code: problem.InvalidRequest, Message: "This path is for requests for connections. Send the one for a teammate to the path that ends in " + teammatesPath + "."}
	}
	return nil
}

// senderID returns the id that the sender of a webhook repeats when it delivers it again.
func senderID(header http.Header) string {
	for _, name := range []string{"Webhook-Id", "Svix-Id", "X-Github-Delivery", "X-Atlassian-Webhook-Identifier"} {
		if values := header[name]; len(values) == 1 {
			return cut.ID(values[0])
		}
	}
	return ""
}

// decodeBody returns the body that the caller sent.
func (r httpRequest) decodeBody() ([]byte, error) {
	size := len(r.body)
	if r.base64 {
		size = base64.StdEncoding.DecodedLen(size) - 2 // The padding counts two bytes at most.
	}
	if size > request.MaxRequestBytes {
		return nil, &problem.Error{Code: problem.PayloadTooLarge, Message: fmt.Sprintf("The request may have at most %d bytes.", request.MaxRequestBytes)}
	}
	if !r.base64 {
		return []byte(r.body), nil
	}
	body, err := base64.StdEncoding.DecodeString(r.body)
	if err != nil {
		return nil, &problem.Error{Code: problem.InvalidJSON, Message: "The body is marked as base64 and cannot be decoded; send one JSON object.", Err: err}
	}
	return body, nil
}

// hasIdentity reports whether the authorizer context is non-empty: null, an empty string, and an
// object or array that contains only such values identify nobody.
func hasIdentity(raw json.RawMessage) bool {
	var value any
	return raw != nil && json.Unmarshal(raw, &value) == nil && nonEmpty(value)
}

func nonEmpty(value any) bool {
	switch v := value.(type) {
	case string:
		return v != ""
	case bool:
		return v
	case float64:
		return true
	case []any:
		return slices.ContainsFunc(v, nonEmpty)
	case map[string]any:
		for _, member := range v {
			if nonEmpty(member) {
				return true
			}
		}
	}
	return false
}

// checkContentType returns an error if an HTTP request is not declared as JSON in UTF-8.
func checkContentType(d *delivery.Delivery) error {
	if d.Header == nil || isJSON(d.Header["Content-Type"]) {
		return nil
	}
	return &problem.Error{Code: problem.UnsupportedMediaType, Message: "Send the request as JSON, with the header Content-Type: application/json."}
}

// isJSON reports whether a content type is JSON in UTF-8. A gateway joins two headers with a comma;
// two equal ones count as one. UTF-8 is spelt differently, and the bytes are checked anyway.
func isJSON(contentTypes []string) bool {
	all := strings.Split(strings.Join(contentTypes, ","), ",")
	for _, other := range all {
		if !strings.EqualFold(strings.TrimSpace(other), strings.TrimSpace(all[0])) {
			return false
		}
	}
	mediaType, params, err := mime.ParseMediaType(all[0])
	if err != nil {
		return false
	}
	charset, given := params["charset"]
	charset = strings.ReplaceAll(strings.ToLower(charset), "-", "")
	return (mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")) && (!given || charset == "utf8")
}

// httpResponse is an HTTP response in the form that both kinds of API Gateway and Function URLs
// take.
type httpResponse struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
}

// encodeHTTP responds to an HTTP request, whatever its outcome.
func encodeHTTP(h *Handler, deliveries []*delivery.Delivery) ([]byte, error) {
	return encode(h.httpResponse(deliveries[0])), nil
}

func (h *Handler) httpResponse(d *delivery.Delivery) httpResponse {
	if d.Failure != nil {
		return problemResponse(d)
	}
	if d.IsStatus {
		return newHTTPResponse(d, http.StatusOK, d.Status)
	}
	response := newHTTPResponse(d, http.StatusOK, d.Result)
	if d.Outcome() == protocol.OutcomeCreated {
		response.StatusCode = http.StatusCreated
		response.Headers["Location"] = h.location(d)
	}
	return response
}

// location returns the URL of what a request created.
func (h *Handler) location(d *delivery.Delivery) string {
	if d.IsForTeammate() {
		return h.TeammateURL(d.Email())
	}
	return h.IntegrationURL(d.IntegrationID())
}

// newHTTPResponse returns a response with a JSON body.
func newHTTPResponse(d *delivery.Delivery, status int, body any) httpResponse {
	return httpResponse{StatusCode: status, Body: string(encode(body)), Headers: map[string]string{
		"Content-Type":  "application/json",
		"Cache-Control": "no-store",
		"X-Request-Id":  d.RequestID,
	}}
}
