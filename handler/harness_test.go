package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

const (
	invocationID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
	goodRequest  = `{"name":"Okta","enabled":true,"signin_url":"https://idp.example.com/sso","signout_url":"","entity_id":"urn:idp:1"}`
)

// ensure is a provisioner made of a function. A nil one panics; the handler makes an
// Internal failure of that, which no test takes for a refusal of its own.
type ensure func(context.Context, request.Resolved) (*provision.Result, error)

func (f ensure) Ensure(ctx context.Context, r request.Resolved, _ provision.Delivery) (*provision.Result, error) {
	return f(ctx, r)
}

// verify is a verifier made of a function; a nil one panics.
type verify func(ctx context.Context, header http.Header, body []byte) error

func (f verify) Authenticate(ctx context.Context, header http.Header, body []byte) (string, error) {
	return "bearer", f(ctx, header, body)
}

// created responds to every request with an integration or a teammate made of it.
func created(_ context.Context, r request.Resolved) (*provision.Result, error) {
	if t := r.Teammate; t != nil {
		return &provision.Result{
			Outcome: protocol.OutcomeCreated, Metadata: r.Metadata,
			Teammate: &provision.Teammate{Email: t.Email, FirstName: t.FirstName, LastName: t.LastName, IsAdmin: &t.IsAdmin},
		}, nil
	}
	return &provision.Result{
		Outcome: protocol.OutcomeCreated,
		Integration: sendgrid.Integration{
			ID: "id/1", Name: r.Name, Enabled: r.Enabled, SigninURL: r.SigninURL, SignoutURL: r.SignoutURL, EntityID: r.EntityID,
			SingleSignOnURL: "https://sg.example.com/saml/1", AudienceURL: "https://sg.example.com/saml/1", LastUpdated: "1795446000",
		},
		Metadata: r.Metadata,
	}, nil
}

// fails responds to every request with err.
func fails(err error) ensure {
	return func(context.Context, request.Resolved) (*provision.Result, error) { return nil, err }
}

// auditor is an auditor made of functions; one that is nil panics.
type auditor struct {
	start      func(context.Context, audit.Publish) (*audit.Report, error)
	connection func(ctx context.Context, t audit.Task, maxWait time.Duration, last bool, publish audit.Publish) (*audit.Connection, error)
}

func (a auditor) Start(ctx context.Context, publish audit.Publish) (*audit.Report, error) {
	return a.start(ctx, publish)
}

func (a auditor) Connection(ctx context.Context, t audit.Task, maxWait time.Duration, last bool, publish audit.Publish) (*audit.Connection, error) {
	return a.connection(ctx, t, maxWait, last, publish)
}

// reports always makes the same report of the status.
type reports status.Report

func (r reports) Report(context.Context) *status.Report { return (*status.Report)(&r) }

// fixture is a handler and its log.
type fixture struct {
	*handler.Handler
	log *logBuffer
}

// newFixture returns a handler without a webhook secret, an event bus and metrics.
func newFixture(provisioner ensure) fixture {
	log := &logBuffer{}
	logger := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return fixture{log: log, Handler: &handler.Handler{
		Provisioner:  provisioner,
		SAMLMetadata: fetched{},
		IntegrationURL: func(id string) string {
			return "https://sg.example.com/integrations/" + strings.ReplaceAll(id, "/", "%2F")
		},
		TeammateURL: func(email string) string { return "https://sg.example.com/teammates/" + email },
		Observers:   []handler.Observer{telemetry.Log{Logger: logger}}, Logger: logger,
	}}
}

func (f fixture) invoke(t *testing.T, payload []byte) ([]byte, error) {
	t.Helper()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: invocationID})
	return f.Invoke(ctx, payload)
}

// response is an HTTP response.
type response struct {
	StatusCode      int
	Headers         map[string]string
	Body            string
	IsBase64Encoded bool
}

// call has an HTTP event handled; the function never fails.
func (f fixture) call(t *testing.T, payload []byte) response {
	t.Helper()
	data, err := f.invoke(t, payload)
	require.NoError(t, err)
	return readResponse(t, data)
}

// batchFailure stands for the code of a batch of which messages failed.
const batchFailure = "BatchItemFailures"

// code has an event handled and returns the code of its failure, empty for a success. The
// response is as the trigger of the event has to give it.
func (f fixture) code(t *testing.T, payload []byte) string {
	t.Helper()
	data, err := f.invoke(t, payload)
	switch trigger := handler.Recognise(payload); {
	case trigger == handler.TriggerHTTPAPI, trigger == handler.TriggerRESTAPI:
		require.NoError(t, err)
		a := readResponse(t, data)
		if a.StatusCode >= 400 {
			return a.problem(t).Code
		}
		data = []byte(a.Body)
	case err != nil:
		return functionError(t, data, err).Type
	case trigger == handler.TriggerSchedule:
		var report audit.Report
		strictly(t, data, &report)
		return ""
	case trigger == handler.TriggerSQS:
		if len(failed(t, data)) > 0 {
			return batchFailure
		}
		return ""
	}
	if bytes.Contains(data, []byte(`"checks":`)) {
		var report status.Report
		strictly(t, data, &report)
		return ""
	}
	var got result
	strictly(t, data, &got)
	require.Equal(t, "created", got.Outcome)
	return ""
}

// readResponse reads a response that every gateway passes on.
func readResponse(t *testing.T, data []byte) response {
	t.Helper()
	var a response
	strictly(t, data, &a)
	require.NotEmpty(t, http.StatusText(a.StatusCode), "status %d", a.StatusCode)
	require.False(t, a.IsBase64Encoded)
	require.True(t, json.Valid([]byte(a.Body)), a.Body)
	require.Equal(t, "no-store", a.Headers["Cache-Control"])
	want := "application/json"
	if a.StatusCode >= 400 {
		want = "application/problem+json"
	}
	require.Equal(t, want, a.Headers["Content-Type"])
	return a
}

// strictly decodes JSON that has no field that v does not have.
func strictly(t *testing.T, data []byte, v any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(v), "%s", data)
	_, err := decoder.Token()
	require.ErrorIs(t, err, io.EOF, "%s", data)
}

// problemResponse is the body of an HTTP response to a failure.
type problemResponse struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail"`
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
	// The others are optional.
	TraceID          string            `json:"trace_id"`
	GatewayRequestID string            `json:"gateway_request_id"`
	IntegrationID    string            `json:"integration_id"`
	EntityID         string            `json:"entity_id"`
	Email            string            `json:"email"`
	Metadata         map[string]string `json:"metadata"`
	Errors           []struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	} `json:"errors"`
}

// problem reads the document of a failure, whose required fields are set.
func (a response) problem(t *testing.T) problemResponse {
	t.Helper()
	require.GreaterOrEqual(t, a.StatusCode, 400, a.Body)
	var p problemResponse
	strictly(t, []byte(a.Body), &p)
	require.Equal(t, "urn:sendgrid-sso-integration:problem:"+p.Code, p.Type)
	require.NotEmpty(t, p.Title)
	require.Equal(t, a.StatusCode, p.Status)
	require.Equal(t, problem.Code(p.Code).Status(), p.Status)
	require.NotEmpty(t, p.Detail)
	require.Equal(t, invocationID, p.RequestID)
	return p
}

// fields returns the fields at fault, in the order of the document.
func (p problemResponse) fields() (names []string) {
	for _, e := range p.Errors {
		names = append(names, e.Field)
	}
	return names
}

// result is the body of the response to a success.
type result struct {
	Outcome      string                  `json:"outcome"`
	Integration  sendgrid.Integration    `json:"integration"`
	Teammate     *provision.Teammate     `json:"teammate"`
	Certificates []provision.Certificate `json:"certificates"`
	Warnings     []provision.Warning     `json:"warnings"`
	Metadata     map[string]string       `json:"metadata"`
}

// functionError returns the error that the caller of a trigger without HTTP gets.
func functionError(t *testing.T, data []byte, err error) messages.InvokeResponse_Error {
	t.Helper()
	require.Error(t, err)
	require.Nil(t, data)
	// Lambda's runtime library checks for this type without unwrapping.
	failure, ok := err.(messages.InvokeResponse_Error) //nolint:errorlint // See above.
	require.True(t, ok, "%T", err)
	require.False(t, failure.ShouldExit)
	require.Empty(t, failure.StackTrace)
	return failure
}

var errUpstream = errors.New("cause for the log only")

// logBuffer collects what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// lines returns the lines so far.
func (b *logBuffer) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	for text := range strings.Lines(b.String()) {
		var line map[string]any
		require.NoError(t, json.Unmarshal([]byte(text), &line), text)
		lines = append(lines, line)
	}
	return lines
}

// line returns the only line.
func (b *logBuffer) line(t *testing.T) map[string]any {
	t.Helper()
	lines := b.lines(t)
	require.Len(t, lines, 1)
	return lines[0]
}
