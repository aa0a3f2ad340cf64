package publish_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// forTeammate is a request for a teammate.
func forTeammate() *request.Request {
	return &request.Request{
		Teammate: &request.Teammate{Email: "ada@example.com", FirstName: "Ada", LastName: "Lovelace", IsAdmin: true},
		Metadata: map[string]string{"ticket": "OPS-1"},
	}
}

// removal is a request that removes a teammate.
func removal(k request.Kind) *request.Request {
	return &request.Request{Kind: k, Teammate: &request.Teammate{Email: "ada@example.com"}}
}

// Each outcome of a request for a teammate has an event of its own, with the declaration or else the email.
func TestWhatIsPublishedOfTeammates(t *testing.T) {
	t.Parallel()
	const shown, declared = `"teammate":{"email":"ada@example.com"}`, `"request":{"email":"ada@example.com","first_name":"Ada","last_name":"Lovelace","is_admin":true}`
	for outcome, tt := range map[protocol.Outcome]struct {
		request    *request.Request
		detailType string
		contains   string
	}{
		protocol.OutcomeCreated:    {forTeammate(), "SSO Teammate Created", shown + `,` + declared},
		protocol.OutcomeUpdated:    {forTeammate(), "SSO Teammate Updated", shown + `,` + declared},
		protocol.OutcomeSuperseded: {forTeammate(), "SSO Teammate Superseded", shown + `,` + declared},
		protocol.OutcomeUnchanged:  {removal(request.Forget), "SSO Teammate Unchanged", shown + `,"email":"ada@example.com"`},
		protocol.OutcomeDeleted:    {removal(request.Absent), "SSO Teammate Deleted", shown + `,"email":"ada@example.com"`},
		protocol.OutcomeRejected:   {forTeammate(), "SSO Teammate Rejected", `"retryable":false},` + declared},
		protocol.OutcomeFailed:     {removal(request.Absent), "SSO Teammate Failed", `"retryable":true},"email":"ada@example.com"`},
	} {
		t.Run(string(outcome), func(t *testing.T) {
			t.Parallel()
			d := &delivery.Delivery{Trigger: "direct", Request: tt.request, Result: &provision.Result{Outcome: outcome, Teammate: &provision.Teammate{Email: "ada@example.com"}}}
			if code, fails := map[protocol.Outcome]problem.Code{protocol.OutcomeRejected: problem.Conflict, protocol.OutcomeFailed: problem.RateLimited}[outcome]; fails {
				d = failing(&problem.Error{Code: code, Message: "A sentence."}, tt.request)
			}
			require.Contains(t, detailOf(t, d), tt.contains)
			require.Equal(t, tt.detailType, aws.ToString(entryOf(t, d).DetailType))
			require.Contains(t, publish.DetailTypes(), tt.detailType)
		})
	}
	require.NotContains(t, publish.DetailTypes(), "SSO Teammate Disabled")
}

// A request that could not be read is known by its email, and else by the path.
func TestRefusedTeammateRequestsArePublishedAsSuch(t *testing.T) {
	t.Parallel()
	d := failing(&problem.Error{Code: problem.InvalidRequest, Message: "A sentence."}, nil)
	d.Trace = request.Request{Teammate: &request.Teammate{Email: "ada@example.com"}, Metadata: map[string]string{"ticket": "OPS-1"}}
	require.Contains(t, detailOf(t, d), `"email":"ada@example.com","metadata":{"ticket":"OPS-1"}`)
	require.Equal(t, "SSO Teammate Rejected", aws.ToString(entryOf(t, d).DetailType))

	d.Trace, d.ForTeammates = request.Request{}, true
	require.NotContains(t, detailOf(t, d), `"email"`)
	require.Equal(t, "SSO Teammate Rejected", aws.ToString(entryOf(t, d).DetailType))

	d.Request = fullRequest() // It came by the wrong path.
	require.Equal(t, "SSO Integration Rejected", aws.ToString(entryOf(t, d).DetailType))
}

func TestSchemaRefusesTeammates(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	within := func(d object, name string) object { return d[name].(object) }
	for name, edit := range map[string]func(d object){
		"created: no teammate":         func(d object) { delete(d, "teammate") },
		"created: no request":          func(d object) { delete(d, "request") },
		"created: an integration, too": func(d object) { d["integration"] = object{"id": "1"} },
		"created: of a connection":     func(d object) { d["entity_id"] = "urn:idp:1" },
		"created: disabled":            func(d object) { d["outcome"] = "disabled" },
		"created: two accesses":        func(d object) { within(d, "request")["persona"] = "observer" },
		"created: another persona": func(d object) {
			d["request"] = object{"email": "a@b.c", "first_name": "A", "last_name": "B", "persona": "boss"}
		},
		"created: scopes of a subuser": func(d object) {
			within(d, "teammate")["subuser_access"].([]any)[0].(object)["scopes"] = []any{"mail.send"}
		},
		"deleted: no email":         func(d object) { delete(d, "email") },
		"deleted: with a request":   func(d object) { d["request"] = object{"email": "a@b.c"} },
		"rejected: with a teammate": func(d object) { d["teammate"] = object{"email": "a@b.c"} },
		"failed: no error":          func(d object) { delete(d, "error") },
		"unchanged: an error":       func(d object) { d["error"] = object{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of, _, _ := strings.Cut(name, ":")
			var d object
			require.NoError(t, json.Unmarshal(readSample(t, of+"-teammate").Detail, &d))
			edit(d)
			text, err := json.Marshal(d)
			require.NoError(t, err)
			require.Error(t, validate(t, string(text)))
		})
	}
}

// The largest event about a teammate fits: the declaration is bounded, and of what SendGrid shows and what changed
// there is what fits.
func TestLargestTeammateFits(t *testing.T) {
	t.Parallel()
	const maxEntry = 240 << 10
	var scopes []string
	for i := range 230 {
		scopes = append(scopes, strings.Repeat("<", 96)+fmt.Sprintf("%04d", i))
	}
	asks := forTeammate()
	asks.Teammate.IsAdmin, asks.Teammate.Scopes = false, scopes
	success := &delivery.Delivery{Trigger: "direct", Request: asks, Result: &provision.Result{Outcome: protocol.OutcomeUpdated, Teammate: &provision.Teammate{Email: "ada@example.com", Scopes: slices.Repeat(scopes, 10)}}}
	for i := range 5000 {
		success.Result.Teammate.SubuserAccess = append(success.Result.Teammate.SubuserAccess, sendgrid.SubuserAccess{Subuser: sendgrid.Subuser{ID: int64(i), Username: strings.Repeat("<", 200)}})
		success.Result.Changes = append(success.Result.Changes, problem.Change{Field: "subuser_access", To: strings.Repeat("<", 3000)})
	}
	dropped := failing(&problem.Error{Code: problem.SendGridRejected, Message: "A sentence.", Fields: []problem.FieldError{{Field: "teammate.scopes", Message: strings.Join(scopes, ", ")}}}, asks)
	for _, d := range []*delivery.Delivery{success, dropped} {
		require.Less(t, len(detailOf(t, d)), maxEntry)
	}
	require.Len(t, success.Result.Teammate.SubuserAccess, 5000, "the response has all of them")
}
