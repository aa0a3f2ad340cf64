package publish_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/sendgrid"
)

func TestEveryFailureAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	fields := []problem.FieldError{{Field: "name", Message: "is required"}, {Message: "and 3 more problems"}}
	for _, code := range codes(t) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			for _, permanent := range []bool{false, true} {
				for _, listed := range [][]problem.FieldError{nil, {}, fields} {
					for _, request := range []*provision.Request{nil, plainRequest(), fullRequest()} {
						failure := &problem.Error{Code: problem.Code(code), Message: "A sentence.", Fields: listed, Permanent: permanent}
						requireFailure(t, detailOf(t, failing(failure, request)), failure)
					}
				}
			}
		})
	}
}

func TestEveryOriginAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	for _, origin := range origins(t) {
		e := failing(&problem.Error{Code: problem.InvalidJSON, Message: "A sentence."}, nil)
		e.Origin = origin
		var d struct{ Origin publish.Origin }
		require.NoError(t, json.Unmarshal([]byte(detailOf(t, e)), &d))
		require.Equal(t, origin, d.Origin)
	}
}

func requireFailure(t *testing.T, detail string, failure *problem.Error) {
	t.Helper()
	var d struct {
		Outcome provision.Outcome
		Error   struct {
			Code      problem.Code
			Message   string
			Retryable bool
			Errors    []problem.FieldError
		}
	}
	require.NoError(t, json.Unmarshal([]byte(detail), &d))
	require.Equal(t, provision.OutcomeOf(failure), d.Outcome)
	require.Equal(t, failure.Code, d.Error.Code)
	require.Equal(t, failure.Message, d.Error.Message)
	require.Equal(t, failure.Retryable(), d.Error.Retryable)
	require.Len(t, d.Error.Errors, len(failure.Fields))
}

func TestEverySuccessAgreesWithTheSchema(t *testing.T) {
	t.Parallel()
	for _, outcome := range []provision.Outcome{provision.OutcomeCreated, provision.OutcomeUnchanged} {
		for _, request := range []*provision.Request{plainRequest(), fullRequest()} {
			for _, origin := range origins(t) {
				e := success(outcome, request)
				e.Origin = origin
				e.Result.Integration.LastUpdated = []sendgrid.Timestamp{"", "1621288520", "1621288520.5", "1.6e9"}[len(origin.EventID)%4]
				require.Contains(t, detailOf(t, e), `"outcome":"`+string(outcome)+`"`)
			}
		}
	}
}

// origins returns an origin of every trigger, with no id, every single id and all of them.
func origins(t *testing.T) []publish.Origin {
	t.Helper()
	all := []publish.Origin{
		{},
		{RequestID: "request"},
		{TraceID: "trace"},
		{GatewayRequestID: "gateway"},
		{EventID: "event"},
		{MessageID: "message"},
		{RequestID: "request", TraceID: "trace", GatewayRequestID: "gateway", EventID: "event", MessageID: "message"},
	}
	var found []publish.Origin
	for _, trigger := range triggers(t) {
		for _, origin := range all {
			origin.Trigger = trigger
			found = append(found, origin)
		}
	}
	return found
}

// What the schema lists is what the code has: no more and no less.
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
	var listed []string
	for _, group := range s.Defs.Error.Properties.Code.AnyOf {
		listed = append(listed, group.Enum...)
	}
	require.ElementsMatch(t, codes(t), listed)
	for _, code := range listed {
		require.NotZero(t, problem.Code(code).Status(), "%s is in provision's table", code)
	}
	require.ElementsMatch(t, constants(t, "../provision/result.go", "Outcome"), s.Properties.Outcome.Enum)
	require.ElementsMatch(t, triggers(t), s.Defs.Origin.Properties.Trigger.Enum)
}

// Nothing goes along that the schema does not name, so nothing secret can.
func TestSchemaIsStrict(t *testing.T) {
	t.Parallel()
	for _, name := range sampleNames {
		detail := readSample(t, name).Detail
		var document any
		require.NoError(t, json.Unmarshal(detail, &document))
		for path, object := range objects("detail", document) {
			object["surprise"] = 1
			text, err := json.Marshal(document)
			require.NoError(t, err)
			require.Error(t, validate(t, string(text)), "%s: %s.surprise", name, path)
			delete(object, "surprise")
		}
		require.NotEmpty(t, objects("detail", document))
	}
}

// objects returns all objects in a JSON value, by their paths.
func objects(path string, value any) map[string]map[string]any {
	found := map[string]map[string]any{}
	switch value := value.(type) {
	case map[string]any:
		found[path] = value
		for name, member := range value {
			maps.Copy(found, objects(path+"."+name, member))
		}
	case []any:
		for i, element := range value {
			maps.Copy(found, objects(fmt.Sprintf("%s[%d]", path, i), element))
		}
	}
	return found
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	within := func(d object, name string) object { return d[name].(object) }
	edits := map[string]func(d object){
		"created: another version":             func(d object) { d["version"] = "2" },
		"created: no origin":                   func(d object) { delete(d, "origin") },
		"created: no integration":              func(d object) { delete(d, "integration") },
		"created: no request":                  func(d object) { delete(d, "request") },
		"created: no id":                       func(d object) { delete(within(d, "integration"), "id") },
		"created: an empty id":                 func(d object) { within(d, "integration")["id"] = "" },
		"created: no audience":                 func(d object) { delete(within(d, "integration"), "audience_url") },
		"created: an error":                    func(d object) { d["error"] = object{"code": "Internal", "message": "M.", "retryable": true} },
		"created: failed":                      func(d object) { d["outcome"] = "failed" },
		"created: another outcome":             func(d object) { d["outcome"] = "deleted" },
		"created: not truncated":               func(d object) { d["truncated"] = false },
		"created: an unknown trigger":          func(d object) { within(d, "origin")["trigger"] = "smtp" },
		"unchanged: no time":                   func(d object) { delete(d, "duration_ms") },
		"unchanged: a negative time":           func(d object) { d["duration_ms"] = -1 },
		"rejected: no error":                   func(d object) { delete(d, "error") },
		"rejected: retryable":                  func(d object) { within(d, "error")["retryable"] = true },
		"rejected: an unknown code":            func(d object) { within(d, "error")["code"] = "Other" },
		"rejected: no errors at all":           func(d object) { within(d, "error")["errors"] = []any{} },
		"rejected: an integration":             func(d object) { d["integration"] = object{"enabled": true} },
		"failed: not retryable":                func(d object) { within(d, "error")["retryable"] = false },
		"failed: rejected":                     func(d object) { d["outcome"] = "rejected" },
		"failed: a request without its name":   func(d object) { delete(within(d, "request"), "name") },
		"failed: metadata without a request":   func(d object) { delete(d, "request") },
		"failed: metadata that is not strings": func(d object) { within(d, "metadata")["n"] = 1 },
	}
	for name, edit := range edits {
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

// The cause of a failure belongs in the log, whatever it is.
func TestCauseIsNotPublished(t *testing.T) {
	t.Parallel()
	const leak = "LEAK5417"
	causes := []error{
		errors.New("Authorization: Bearer " + leak),
		&sendgrid.KeyError{Op: sendgrid.OpListIntegrations, Err: errors.New(leak)},
		&sendgrid.Error{Op: sendgrid.OpCreateIntegration, Err: errors.New(leak), Errors: []sendgrid.FieldError{{Message: leak}}},
		&problem.Error{Code: problem.Internal, Message: leak, Err: errors.New(leak)},
		errors.Join(errors.New("one"), fmt.Errorf("two: %w", errors.New(leak))),
	}
	for _, code := range codes(t) {
		for _, cause := range causes {
			require.Contains(t, cause.Error(), leak)
			failure := &problem.Error{Code: problem.Code(code), Message: "A sentence.", Err: cause}
			entry := entryOf(t, failing(failure, fullRequest()))
			text, err := json.Marshal(entry)
			require.NoError(t, err)
			require.NotContains(t, string(text), leak)
		}
	}
	require.NotContains(t, detailOf(t, failing(problem.From(causes[0]), nil)), leak)
}

func TestDetailTypes(t *testing.T) {
	t.Parallel()
	types := map[string]publish.Event{
		"SSO Integration Created":   success(provision.OutcomeCreated, fullRequest()),
		"SSO Integration Unchanged": success(provision.OutcomeUnchanged, fullRequest()),
		"SSO Integration Rejected":  failing(&problem.Error{Code: problem.Conflict, Message: "M."}, fullRequest()),
		"SSO Integration Failed":    failing(&problem.Error{Code: problem.RateLimited, Message: "M."}, fullRequest()),
	}
	require.Len(t, types, len(constants(t, "../provision/result.go", "Outcome")))
	for _, name := range slices.Sorted(maps.Keys(types)) {
		require.Equal(t, name, aws.ToString(entryOf(t, types[name]).DetailType))
	}
}
