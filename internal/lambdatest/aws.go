package lambdatest

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// AWS is all services of AWS behind one URL, for AWS_ENDPOINT_URL. It records which actions
// a function calls, so that they can be compared with its role, also those of services that are
// not there.
type AWS struct {
	// Services are the services that are there, as IAM names them.
	Services map[string]http.Handler

	mu      sync.Mutex
	actions map[string]bool
}

// ServeHTTP passes a call on to its service.
func (a *AWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	service := target // IAM has the same name for it, but for these.
	switch target {
	case "AWSEvents":
		service = "events"
	case "AmazonSQS":
		service = "sqs"
	case "DynamoDB_20120810":
		service = "dynamodb"
	case "":
		service, operation = query(r)
	}
	a.mu.Lock()
	if a.actions == nil {
		a.actions = map[string]bool{}
	}
	a.actions[service+":"+permission(operation)] = true
	a.mu.Unlock()
	if handler, ok := a.Services[service]; ok {
		handler.ServeHTTP(w, r)
		return
	}
	w.WriteHeader(http.StatusNotImplemented)
}

// query returns the service and the operation of a call in the query protocol, which STS has.
// The call can be read again.
func query(r *http.Request) (service, operation string) {
	const maxBody = 1 << 20
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil || form.Get("Version") != "2011-06-15" {
		return r.Host, r.Method + r.URL.Path // Another protocol, of a service that nothing here uses.
	}
	return "sts", form.Get("Action")
}

// permission returns the permission that an operation needs: that of a batch is that of one.
func permission(operation string) string {
	if operation == "SendMessageBatch" {
		return "SendMessage"
	}
	return operation
}

// Actions returns the actions that were called, as IAM names them.
func (a *AWS) Actions() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.actions))
}
