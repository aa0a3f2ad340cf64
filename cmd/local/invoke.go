package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/invocation"
)

// scheduled is the event of a schedule, which starts an audit.
const scheduled = `{"source":"by-hand","detail-type":"Scheduled Event"}`

// response is what an invocation returned, and the record of its deliveries.
type response struct {
	// requestID is Lambda's id of the invocation, which the caller gets as X-Request-Id.
	requestID string
	data      []byte
	err       error
	// http is nil if the response is not one to an HTTP request.
	http       *events.APIGatewayV2HTTPResponse
	deliveries []*delivery.Delivery
}

// invoke handles one event in the context that Lambda gives an invocation.
func invoke(ctx context.Context, h *handler.Handler, payload []byte) response {
	a := response{requestID: rand.Text()}
	ctx, cancel := context.WithTimeout(ctx, invocation.Timeout)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: a.requestID})

	a.data, a.err = h.Invoke(context.WithValue(ctx, deliveriesKey{}, &a.deliveries), payload)
	var response events.APIGatewayV2HTTPResponse
	if a.err == nil && json.Unmarshal(a.data, &response) == nil && response.StatusCode != 0 {
		a.http = &response
	}
	return a
}

type deliveriesKey struct{}

// collector passes the deliveries of an invocation to invoke.
type collector struct{}

// Observe implements handler.Observer.
func (collector) Observe(ctx context.Context, deliveries []*delivery.Delivery) {
	if into, ok := ctx.Value(deliveriesKey{}).(*[]*delivery.Delivery); ok {
		*into = deliveries
	}
}

// codeOf returns the code of a delivery that failed, empty for a success.
func codeOf(d *delivery.Delivery) string {
	if d.Failure == nil {
		return ""
	}
	return string(d.Failure.Code)
}

// verdict returns the code of a failure, else the outcome.
func verdict(d *delivery.Delivery) string {
	switch {
	case d.Failure != nil:
		return codeOf(d)
	case d.IsStatus:
		return "reported"
	case d.Audits():
		return "audited"
	default:
		return string(d.Outcome())
	}
}

// code returns the code that the sender gets, empty for a success.
func (a response) code() string {
	var failure messages.InvokeResponse_Error
	if errors.As(a.err, &failure) {
		return failure.Type
	}
	if a.http != nil {
		var problem struct {
			Code string `json:"code"`
		}
		_ = json.Unmarshal([]byte(a.http.Body), &problem) // A success has no code.
		return problem.Code
	}
	var batch events.SQSEventResponse
	if json.Unmarshal(a.data, &batch) == nil && len(batch.BatchItemFailures) > 0 {
		id := batch.BatchItemFailures[0].ItemIdentifier
		if i := slices.IndexFunc(a.deliveries, func(d *delivery.Delivery) bool { return d.MessageID == id }); i >= 0 {
			return codeOf(a.deliveries[i])
		}
		return "BatchItemFailures"
	}
	return ""
}

// failed returns the code of the first delivery that failed, also where its sender does not get it;
// empty if all succeeded.
func (a response) failed() string {
	for _, d := range a.deliveries {
		if d.Failure != nil {
			return codeOf(d)
		}
	}
	return a.code()
}

// text returns the response as a person reads it.
func (a response) text() string {
	var failure messages.InvokeResponse_Error
	switch {
	case errors.As(a.err, &failure):
		return "function error " + pretty(failure)
	case a.err != nil:
		return "function error " + a.err.Error()
	case a.http != nil:
		return httpText(a.http)
	default:
		return pretty(json.RawMessage(a.data))
	}
}

func httpText(response *events.APIGatewayV2HTTPResponse) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d %s\n", response.StatusCode, http.StatusText(response.StatusCode))
	for _, name := range []string{"Location", "Allow", "WWW-Authenticate", "Accept-Post", "Retry-After", "Content-Type"} {
		if value, ok := response.Headers[name]; ok {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return b.String() + pretty(json.RawMessage(response.Body))
}

// pretty indents JSON, and does not escape what HTML would need.
func pretty(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimRight(b.String(), "\n")
}
