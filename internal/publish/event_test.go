package publish_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// Every failure agrees with the schema, and its cause is not published.
func TestEveryFailureAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	const secret = "SECRET5417"
	causes := []error{
		nil, errors.New("Authorization: Bearer " + secret),
		&sendgrid.Error{Op: sendgrid.OpCreateIntegration, Err: errors.New(secret), Errors: []sendgrid.FieldError{{Message: secret}}},
		fmt.Errorf("wrapped: %w", &problem.Error{Code: problem.Internal, Message: secret}),
	}
	fields := []problem.FieldError{{Field: "name", Message: "is required"}, {Message: "and 3 more problems"}}
	for _, code := range problem.Codes() {
		for i, listed := range [][]problem.FieldError{nil, {}, fields} {
			for _, cause := range causes {
				failure := &problem.Error{Code: code, Message: "A sentence.", Fields: listed, Permanent: i == 1, Err: cause}
				text := detailOf(t, failing(failure, []*request.Request{nil, fullRequest()}[i%2]))
				require.NotContains(t, text, secret)
				want := fmt.Sprintf(`"error":{"code":%q,"message":"A sentence.","retryable":%t`, code, failure.Retryable())
				require.Contains(t, text, want)
				require.Contains(t, text, `"outcome":"`+string(provision.OutcomeOf(failure))+`"`)
			}
		}
	}
}

// What could be read of a refused request is published, by which its sender finds the ticket.
func TestTheTraceOfARefusedRequestIsPublished(t *testing.T) {
	t.Parallel()
	d := failing(&problem.Error{Code: problem.InvalidRequest, Message: "A sentence."}, nil)
	d.Trace = request.Request{EntityID: "urn:idp:1", Metadata: map[string]string{"ticket": "OPS-1"}}
	text := detailOf(t, d)
	require.Contains(t, text, `"entity_id":"urn:idp:1","metadata":{"ticket":"OPS-1"}`)
	require.NotContains(t, text, `"request"`)
}

func TestEverySuccessAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	plain := &request.Request{Name: "Okta", SigninURL: "https://idp.example/in", EntityID: "urn:idp:1"}
	ids := delivery.IDs{RequestID: "request", TraceHeader: trace, TraceID: "trace", GatewayRequestID: "gateway", EventID: "event", MessageID: "message"}
	for _, outcome := range []protocol.Outcome{protocol.OutcomeCreated, protocol.OutcomeUpdated, protocol.OutcomeUnchanged, protocol.OutcomeSuperseded} {
		for _, trigger := range handler.Triggers() {
			d := success(outcome, plain)
			d.Trigger = trigger
			require.Contains(t, detailOf(t, d), `"origin":{"trigger":"`+trigger+`"},"duration_ms":12`)

			d = success(outcome, fullRequest())
			d.Trigger, d.IDs, d.Result.Integration.LastUpdated = trigger, ids, "1621288520.5"
			d.Result.Certificates = []provision.Certificate{{ID: "1", SHA256: sha256Of("a")}, {SHA256: sha256Of("b")}}
			d.Result.DaysLeft, d.Result.Warnings = aws.Int(-1), everyWarning()
			text := detailOf(t, d)
			require.Contains(t, text, `"certificates":[{"id":"1","sha256":"`+sha256Of("a")+`","not_before":"0001-01-01T00:00:00Z","not_after":`)
			require.Contains(t, text, `"warnings":[{"code":"NoCertificate","message":"A sentence."}`)
			require.Contains(t, text, `"outcome":"`+string(outcome)+`"`)
			require.Contains(t, text, `"origin":{"trigger":"`+trigger+`","request_id":"request","trace_id":"trace",`+
				`"gateway_request_id":"gateway","event_id":"event","message_id":"message"}`)
		}
	}
}

// A request that ends a connection, or has it forgotten, is no request for an integration: its event has the entity
// id alone, or none if it names connections by match.
func TestEndsAgreeWithTheSchema(t *testing.T) {
	t.Parallel()
	d := ended(protocol.OutcomeDisabled)
	after := time.Date(2026, 12, 8, 9, 30, 4, 0, time.UTC)
	d.Result.Changes, d.Result.DeleteAfter = []problem.Change{{Field: "enabled", From: true, To: false}}, &after
	text := detailOf(t, d)
	require.Contains(t, text, `"changes":[{"field":"enabled","from":true,"to":false}],"delete_after":"2026-12-08T09:30:04Z","entity_id":"urn:idp:1","origin"`)
	require.NotContains(t, text, `"request"`)
	require.NotContains(t, text, `"integrations"`)

	one := d.Result.Integration
	another := sendgrid.Integration{ID: "id-2", EntityID: "urn:idp:1"} // It was begun in SendGrid's UI.
	d.Result.Integrations = []sendgrid.Integration{another, one}
	require.Contains(t, detailOf(t, d), `"integrations":[{"id":"id-2","name":"","enabled":false,"signin_url":"","signout_url":"","entity_id":"urn:idp:1"},{"id":"id-1",`)

	matching := ended(protocol.OutcomeDisabled)
	matching.Request = &request.Request{Kind: request.Absent, Match: map[string]string{"okta_app": "0oa1"}, Metadata: map[string]string{"ticket": "OPS-1"}}
	text = detailOf(t, matching)
	require.NotContains(t, text, `"changes"`)
	require.Contains(t, text, `"audience_url":"https://api.sendgrid.com/id-1"},"metadata":{"ticket":"OPS-1"},"origin"`, "no entity id")

	for _, outcome := range []protocol.Outcome{protocol.OutcomeUnchanged, protocol.OutcomeSuperseded} {
		d := ended(outcome)
		require.Contains(t, detailOf(t, d), `"integration":{"id":"id-1",`)
		d.Result.Integration = sendgrid.Integration{} // There is none.
		require.Contains(t, detailOf(t, d), `{"version":"1","outcome":"`+string(outcome)+`","entity_id":"urn:idp:1","origin"`)
	}
	forgotten := ended(protocol.OutcomeUnchanged)
	forgotten.Request.Kind, forgotten.Result.Integration = request.Forget, sendgrid.Integration{}
	require.Contains(t, detailOf(t, forgotten), `{"version":"1","outcome":"unchanged","entity_id":"urn:idp:1","origin"`)

	for _, code := range []problem.Code{problem.Forbidden, problem.RateLimited} {
		failed := failing(&problem.Error{Code: code, Message: "A sentence."}, ended("").Request)
		failed.Request.Metadata = map[string]string{"ticket": "OPS-1"}
		require.Contains(t, detailOf(t, failed), `"entity_id":"urn:idp:1","metadata":{"ticket":"OPS-1"},"origin"`)
	}
}

// A request for a connection that was ended is superseded by that.
func TestARequestForAnEndedConnectionIsPublished(t *testing.T) {
	t.Parallel()
	d := success(protocol.OutcomeSuperseded, fullRequest())
	d.Result.Integration, d.Result.GoneID = sendgrid.Integration{}, "id-1"
	d.Result.Warnings = []provision.Warning{{Code: provision.Missing, Message: "This connection was ended."}}
	text := detailOf(t, d)
	require.Contains(t, text, `"warnings":[{"code":"Missing","message":"This connection was ended."}],"request"`)
	require.NotContains(t, text, `"integration"`)
}

// The receiver of a success learns what certificates there are, and until when people can log in.
func TestCertificatesArePublished(t *testing.T) {
	t.Parallel()
	d := success(protocol.OutcomeUpdated, fullRequest())
	expires := time.Date(2026, 12, 5, 9, 0, 0, 0, time.UTC)
	d.Result.Certificates = []provision.Certificate{{ID: "66138975", SHA256: "5f2c", NotBefore: expires.AddDate(-1, 0, 0), NotAfter: expires}}
	d.Result.DaysLeft = aws.Int(12)
	d.Result.Warnings = []provision.Warning{{Code: provision.CertificateExpiresSoon, Message: "A sentence."}}
	require.Contains(t, aws.ToString(entryOf(t, d).Detail), `"certificates":[{"id":"66138975","sha256":"5f2c",`+
		`"not_before":"2025-12-05T09:00:00Z","not_after":"2026-12-05T09:00:00Z"}],"days_left":12,`+
		`"warnings":[{"code":"CertificateExpiresSoon","message":"A sentence."}],`)
}

// The schema lists exactly the codes, outcomes and triggers that the code has.
func TestSchemaListsWhatTheCodeHas(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(resultsDir + "schema.json")
	require.NoError(t, err)
	type list struct{ Enum []string }
	var s struct {
		Properties struct{ Outcome list }
		Defs       struct {
			Error struct {
				Properties struct{ Code struct{ AnyOf []list } }
			}
			Origin struct{ Properties struct{ Trigger list } }
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(text, &s))
	var listed []problem.Code
	for _, group := range s.Defs.Error.Properties.Code.AnyOf {
		for _, code := range group.Enum {
			listed = append(listed, problem.Code(code))
		}
	}
	require.ElementsMatch(t, problem.Codes(), listed)
	require.ElementsMatch(t, handler.Triggers(), s.Defs.Origin.Properties.Trigger.Enum)
	var outcomes, sampled []string
	for _, outcome := range protocol.Outcomes() {
		if outcome != protocol.OutcomePlanned { // A dry run is not published.
			outcomes = append(outcomes, string(outcome))
		}
	}
	for _, name := range append(sampleNames, string(protocol.OutcomeDeleted)) {
		outcome, _, _ := strings.Cut(name, "-")
		sampled = append(sampled, outcome)
	}
	require.ElementsMatch(t, outcomes, s.Properties.Outcome.Enum)
	require.Subset(t, sampled, outcomes, "there is a sample of every outcome")
}

// A field that is added to a result is published, so the schema has to have it.
func TestSchemaHasEveryFieldOfAResult(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(resultsDir + "schema.json")
	require.NoError(t, err)
	var s struct{ Properties map[string]any }
	require.NoError(t, json.Unmarshal(text, &s))
	for _, field := range reflect.VisibleFields(reflect.TypeFor[provision.Result]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "-" && name != "steps" {
			require.Contains(t, s.Properties, name)
		}
	}
}

// The samples are published as they are, to the letter.
func TestSamplesAreWhatIsPublished(t *testing.T) {
	t.Parallel()
	for _, name := range sampleNames {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSample(t, name)
			var in struct {
				Outcome      protocol.Outcome
				Integration  sendgrid.Integration
				Teammate     *provision.Teammate
				Certificates []provision.Certificate
				DaysLeft     *int `json:"days_left"`
				Warnings     []provision.Warning
				Changes      []problem.Change
				DeleteAfter  *time.Time `json:"delete_after"`
				Error        *problem.Error
				Request      map[string]any
				EntityID     string `json:"entity_id"`
				Email        string
				Metadata     map[string]string
				Origin       struct {
					Trigger          string
					Caller           string
					RequestID        string `json:"request_id"`
					TraceID          string `json:"trace_id"`
					GatewayRequestID string `json:"gateway_request_id"`
					EventID          string `json:"event_id"`
					MessageID        string `json:"message_id"`
				}
				DurationMS int64 `json:"duration_ms"`
			}
			// The names of a failure's fields are those of the problem, but for this one.
			require.NoError(t, json.Unmarshal(bytes.Replace(s.Detail, []byte(`"errors"`), []byte(`"Fields"`), 1), &in))
			switch {
			case in.Email != "":
				in.Request = map[string]any{"state": "absent", "teammate": map[string]any{"email": in.Email}}
			case in.Request == nil:
				in.Request = map[string]any{"state": "absent", "entity_id": in.EntityID}
			case in.Request["email"] != nil:
				in.Request = map[string]any{"teammate": in.Request}
			}
			in.Request["metadata"] = in.Metadata
			text, err := json.Marshal(in.Request)
			require.NoError(t, err)
			request, err := request.Parse(text, time.Now())
			require.NoError(t, err)
			o := in.Origin
			d := &delivery.Delivery{Trigger: o.Trigger, CallerID: o.Caller, Request: &request, Failure: in.Error, Duration: time.Duration(in.DurationMS) * time.Millisecond}
			d.IDs = delivery.IDs{RequestID: o.RequestID, TraceID: o.TraceID, GatewayRequestID: o.GatewayRequestID, EventID: o.EventID, MessageID: o.MessageID}
			if d.Failure == nil {
				d.Result = &provision.Result{
					Outcome: in.Outcome, Integration: in.Integration, Teammate: in.Teammate, Certificates: in.Certificates, DaysLeft: in.DaysLeft, Warnings: in.Warnings,
					Changes: in.Changes, DeleteAfter: in.DeleteAfter,
				}
			}
			entry := entryOf(t, d)
			require.Equal(t, s.DetailType, aws.ToString(entry.DetailType))
			require.Equal(t, s.Source, aws.ToString(entry.Source))
			require.JSONEq(t, string(s.Detail), aws.ToString(entry.Detail))
			require.NoError(t, validate(t, string(s.Detail)))
		})
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	within := func(d object, name string) object { return d[name].(object) }
	for name, edit := range map[string]func(d object){
		"created: no integration":      func(d object) { delete(d, "integration") },
		"created: an empty id":         func(d object) { within(d, "integration")["id"] = "" },
		"created: no audience":         func(d object) { delete(within(d, "integration"), "audience_url") },
		"created: an unknown field":    func(d object) { d["surprise"] = 1 },
		"created: a broken hash":       func(d object) { d["certificates"].([]any)[0].(object)["sha256"] = "b2fc9a" },
		"created: no days left":        func(d object) { delete(d, "days_left") },
		"updated: an unknown warning":  func(d object) { d["warnings"].([]any)[0].(object)["code"] = "Other" },
		"updated: no integration":      func(d object) { delete(d, "integration") },
		"rejected: with certificates":  func(d object) { d["certificates"] = []any{object{}} },
		"rejected: no error":           func(d object) { delete(d, "error") },
		"rejected: retryable":          func(d object) { within(d, "error")["retryable"] = true },
		"rejected: an unknown code":    func(d object) { within(d, "error")["code"] = "Other" },
		"rejected: an entity id twice": func(d object) { d["entity_id"] = "urn:idp:1" },
		"failed: rejected":             func(d object) { d["outcome"] = "rejected" },
		"failed: with an integration":  func(d object) { d["integration"] = object{} },
		"unchanged: an end":            func(d object) { d["delete_after"] = "2026-12-08T09:30:04Z" },
		"unchanged: no integration":    func(d object) { delete(d, "integration") },
		"superseded: no integration":   func(d object) { delete(d, "integration") },
		"superseded: a deleted one":    func(d object) { d["integration_id"] = "id-1" },
		"disabled: with a request":     func(d object) { d["request"] = object{} },
		"disabled: an error":           func(d object) { d["error"] = object{} },
		"disabled: no integrations":    func(d object) { d["integrations"] = []any{} },
		"disabled: no time":            func(d object) { d["delete_after"] = "tomorrow" },
		"deleted: no integration":      func(d object) { delete(d, "integration_id") },
		"deleted: of no connection":    func(d object) { delete(d, "entity_id") },
		"deleted: again":               func(d object) { d["delete_after"] = "2026-12-08T09:30:04Z" },
		"created: a deleted one":       func(d object) { d["integration_id"] = "id-1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of, _, _ := strings.Cut(name, ":")
			var d object
			require.NoError(t, json.Unmarshal(readSample(t, of).Detail, &d))
			edit(d)
			text, err := json.Marshal(d)
			require.NoError(t, err)
			require.Error(t, validate(t, string(text)))
		})
	}
}

// The largest detail fits into an event, although JSON takes six bytes for a "<".
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html
func TestLargestDetailFits(t *testing.T) {
	t.Parallel()
	const maxEntry = 240 << 10
	fill := func(prefix string, length int) string { return prefix + strings.Repeat("<", length-len(prefix)) }
	metadata := map[string]string{}
	for i := range 20 {
		metadata[fill(fmt.Sprintf("%02d", i), 64)] = fill("", 256)
	}
	url := strings.ReplaceAll(fill("https://a/?", 2048), "<", "&")
	absent := request.Request{Kind: request.Absent, EntityID: fill("", 1024), Metadata: metadata}
	request := &request.Request{Name: fill("", 256), SigninURL: url, SignoutURL: url, EntityID: fill("", 1024), Metadata: metadata}
	ids := delivery.IDs{
		RequestID: cut.ID(fill("", 256)), TraceID: cut.ID(fill("", 256)), GatewayRequestID: cut.ID(fill("", 256)),
		EventID: cut.ID(fill("", 256)), MessageID: cut.ID(fill("", 256)),
	}
	// What the client passes on of an integration, at most.
	field := fill("", maxResponseField)
	successful := success(protocol.OutcomeUpdated, request)
	successful.Result.Integration = sendgrid.Integration{
		ID: field, Name: field, SigninURL: field, SignoutURL: field, EntityID: field, SingleSignOnURL: field, AudienceURL: field,
	}
	for range 20 {
		successful.Result.Certificates = append(successful.Result.Certificates, provision.Certificate{ID: fill("", 256), SHA256: sha256Of("")})
	}
	successful.Result.DaysLeft, successful.Result.Warnings = aws.Int(-100000), everyWarning()
	// What is passed on of SendGrid's error messages, and an id in the message.
	failed := failing(&problem.Error{Code: problem.SendGridRejected, Message: fill("", 4096)}, request)
	for range 20 {
		failed.Failure.Fields = append(failed.Failure.Fields, problem.FieldError{Field: fill("", 512), Message: fill("", 512)})
	}
	// A conflict has SendGrid's value and the requested one of each field, and a hash for each certificate.
	conflict := failing(&problem.Error{Code: problem.Conflict, Message: fill("", 512)}, request)
	for _, length := range []int{4096 + 256, 2048 + 2048, 2048 + 2048, 4096 + 1024} {
		conflict.Failure.Fields = append(conflict.Failure.Fields, problem.FieldError{Field: "name", Message: fill("", length)})
	}
	for range 10 {
		conflict.Failure.Fields = append(conflict.Failure.Fields, problem.FieldError{Field: "public_certificate", Message: fill("", 128)})
	}
	// An end has what it ended, as much of it as fits.
	end := success(protocol.OutcomeDisabled, request)
	end.Request, end.Result.Integration = &absent, successful.Result.Integration
	for range 1000 {
		small := sendgrid.Integration{ID: sha256Of(""), Name: fill("", 256), SingleSignOnURL: "https://api.sendgrid.com/", AudienceURL: "https://api.sendgrid.com/"}
		end.Result.Integrations = append(end.Result.Integrations, small)
		end.Result.Changes = append(end.Result.Changes, problem.Change{Field: "enabled", From: true, To: false})
	}
	many := ended(protocol.OutcomeDisabled)
	many.Result.Integrations = slices.Repeat([]sendgrid.Integration{many.Result.Integration}, 100)
	require.Equal(t, 101, strings.Count(detailOf(t, many), `"id":"id-1"`), "a hundred fit")
	for _, d := range []*delivery.Delivery{successful, failed, conflict, end} {
		d.IDs = ids
		entry := entryOf(t, d)
		require.NoError(t, validate(t, aws.ToString(entry.Detail)))
		size := len(aws.ToString(entry.Source)) + len(aws.ToString(entry.DetailType)) + len(aws.ToString(entry.Detail))
		require.Less(t, size, maxEntry)
	}
	require.Empty(t, cut.ID(fill("", 257)), "a longer id is no id")
	require.Equal(t, "sendgrid.sso", publish.Source)
}

// maxResponseField is the number of bytes to which the client bounds each text of an integration.
const maxResponseField = 2048
