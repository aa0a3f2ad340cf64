package publish_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

const (
	updated  = "SSO Integration Updated"
	deleted  = "SSO Integration Deleted"
	drifted  = "SSO Integration Drifted"
	finding  = "SSO Integration Finding"
	teammate = "SSO Teammate Finding"
	expiring = "SSO Certificate Expiring"
)

// schemaOf returns the file with the schema of an event of an audit.
func schemaOf(detailType string) string {
	return map[string]string{
		updated: "schema.json", deleted: "schema.json", drifted: "finding.schema.json", finding: "finding.schema.json", teammate: "finding.schema.json", expiring: "certificate-expiring.schema.json",
	}[detailType]
}

// agrees checks a detail against the schema of the event.
func agrees(t *testing.T, detailType, detail string) error {
	t.Helper()
	schema, err := compile(schemaOf(detailType))
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
	require.NoError(t, err)
	return schema.Validate(document)
}

// The samples are published as they are, to the letter.
func TestAuditSamplesAreWhatIsPublished(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"certificate-expiring", "finding", "finding-teammate", "drifted", "deleted"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := readSample(t, name)
			var in struct {
				Code          provision.WarningCode
				Message       string
				Changes       []problem.Change
				DaysLeft      *int `json:"days_left"`
				Integration   sendgrid.Integration
				IntegrationID string `json:"integration_id"`
				EntityID      string `json:"entity_id"`
				Email         string
				Certificates  []provision.Certificate
				Metadata      map[string]string
				Origin        struct {
					Trigger   string
					Caller    string
					RequestID string `json:"request_id"`
					TraceID   string `json:"trace_id"`
					EventID   string `json:"event_id"`
					MessageID string `json:"message_id"`
				}
			}
			require.NoError(t, json.Unmarshal(s.Detail, &in))
			o, i := in.Origin, in.Integration
			n := audit.Notice{
				Connection: audit.Connection{
					EntityID: cmp.Or(i.EntityID, in.EntityID), Name: i.Name, IntegrationID: i.ID, Enabled: i.Enabled, DaysLeft: in.DaysLeft, Certificates: in.Certificates,
				},
				Kept: request.Kept{By: o.Caller, Metadata: in.Metadata}, Integration: &i, Deleted: in.IntegrationID, EndedBy: o.Caller,
			}
			if in.Code != "" {
				n.New = []audit.Finding{{Code: in.Code, IntegrationID: i.ID, Email: in.Email, Message: in.Message, Changes: in.Changes}}
			}
			if in.Email != "" { // What is kept is that of the teammate.
				n.New[0].Kept = &request.KeptTeammate{By: o.Caller, Metadata: in.Metadata}
				n.Kept, n.Integration = request.Kept{}, nil
			}
			entries := published(t, &delivery.Delivery{Trigger: o.Trigger, CallerID: "the role of the function", IDs: delivery.IDs{
				RequestID: o.RequestID, TraceID: o.TraceID, EventID: o.EventID, MessageID: o.MessageID, TraceHeader: trace,
			}}, n)
			require.Len(t, entries, 1)
			require.Equal(t, s.DetailType, aws.ToString(entries[0].DetailType))
			require.Equal(t, s.Source, aws.ToString(entries[0].Source))
			require.Equal(t, trace, aws.ToString(entries[0].TraceHeader))
			require.JSONEq(t, string(s.Detail), aws.ToString(entries[0].Detail))
		})
	}
}

// Each finding has one event: that of its own where there is one, such as that about certificates, which comes
// every day.
func TestWhatAnAuditPublishes(t *testing.T) {
	t.Parallel()
	of := func(code provision.WarningCode) audit.Notice {
		f := audit.Finding{Code: code, IntegrationID: "id-1", Message: "A sentence."}
		if code == provision.Drifted {
			f.Changes = []problem.Change{{Field: "enabled", From: true, To: false}}
		}
		if code == audit.PasswordTeammate {
			f.IntegrationID, f.Email = "", "a@example.com"
		}
		n := connection()
		n.New = append(n.New, f)
		return n
	}
	own := map[provision.WarningCode][]string{provision.Drifted: {drifted}, audit.CertificatesExpired: nil, provision.CertificateExpiresSoon: nil, audit.PasswordTeammate: {teammate}}
	for _, code := range audit.Codes() {
		want, has := own[code]
		if !has {
			want = []string{finding}
		}
		require.Equal(t, want, detailTypes(published(t, anAudit(), of(code))), code)
	}
	all := connection()
	all.Connection.DaysLeft, all.Connection.Certificates = aws.Int(12), []provision.Certificate{{SHA256: sha256Of("a")}}
	require.Equal(t, []string{expiring}, detailTypes(published(t, anAudit(), all)), "every day")
	all.Renewed = []problem.Change{{Field: "public_certificate", To: sha256Of("b")}}
	for _, code := range audit.Codes() {
		all.New = append(all.New, of(code).New...)
	}
	want := []string{updated, drifted}
	for range len(audit.Codes()) - len(own) {
		want = append(want, finding)
	}
	require.Equal(t, append(want, teammate, expiring), detailTypes(published(t, anAudit(), all)))

	require.Empty(t, published(t, anAudit(), connection()))
}

// Each finding about a teammate has an event, with the metadata of the declaration that is kept of that teammate.
func TestFindingsAboutTeammates(t *testing.T) {
	t.Parallel()
	about := func(code provision.WarningCode, email, ticket string, changes ...problem.Change) audit.Finding {
		f := audit.Finding{Code: code, Email: email, Message: "A sentence.", Changes: changes}
		if ticket != "" {
			f.Kept = &request.KeptTeammate{By: "by " + ticket, Metadata: map[string]string{"ticket": ticket}}
		}
		return f
	}
	promoted := problem.Change{Field: "is_admin", From: false, To: true}
	n := audit.Notice{New: []audit.Finding{
		about(provision.Missing, "a@example.com", "OPS-1"), about(provision.Drifted, "b@example.com", "OPS-2", promoted),
		about(provision.Drifted, "c@example.com", "OPS-3", promoted), about(audit.PasswordTeammate, "d@example.com", ""),
	}}
	entries := published(t, anAudit(), n)
	require.Equal(t, []string{teammate, teammate, teammate, teammate}, detailTypes(entries))
	for at, want := range []string{
		`{"version": "1", "code": "Missing", "message": "A sentence.", "email": "a@example.com", "metadata": {"ticket": "OPS-1"}, "origin": {"trigger": "sqs", "caller": "by OPS-1", "message_id": "message"}}`,
		`{"version": "1", "code": "Drifted", "message": "A sentence.", "email": "b@example.com", "metadata": {"ticket": "OPS-2"}, "origin": {"trigger": "sqs", "caller": "by OPS-2", "message_id": "message"},
			"changes": [{"field": "is_admin", "from": false, "to": true}]}`,
	} {
		require.JSONEq(t, want, aws.ToString(entries[at].Detail))
	}
	require.JSONEq(t, `{"version": "1", "code": "PasswordTeammate", "message": "A sentence.", "email": "d@example.com", "origin": {"trigger": "sqs", "message_id": "message"}}`, aws.ToString(entries[3].Detail))
}

// A renewal is published as an update by whoever sent the request that is kept.
func TestRenewalIsPublishedAsAnUpdate(t *testing.T) {
	t.Parallel()
	n := connection()
	n.Kept = request.Kept{
		Name: "Okta", Enabled: true, SigninURL: "https://idp.example/in", SignoutURL: "", EntityID: "urn:idp:1",
		Metadata: map[string]string{"ticket": "OPS-1"}, By: "arn:aws:iam::123456789012:role/platform",
	}
	n.Renewed = []problem.Change{{Field: "signin_url", From: "https://idp.example/before", To: "https://idp.example/in"}, {Field: "public_certificate", To: sha256Of("a")}}
	n.Connection.DaysLeft, n.Connection.Certificates = aws.Int(364), []provision.Certificate{{ID: "1", SHA256: sha256Of("a")}}
	entries := published(t, anAudit(), n)
	require.Len(t, entries, 1)
	require.JSONEq(t, `{
		"version": "1", "outcome": "updated",
		"integration": {
			"id": "id-1", "name": "Okta (edited)", "enabled": true, "signin_url": "https://idp.example/in", "signout_url": "", "entity_id": "urn:idp:1",
			"single_signon_url": "https://api.sendgrid.com/id-1", "audience_url": "https://api.sendgrid.com/id-1"
		},
		"certificates": [{"id": "1", "sha256": "`+sha256Of("a")+`", "not_before": "0001-01-01T00:00:00Z", "not_after": "0001-01-01T00:00:00Z"}],
		"days_left": 364,
		"changes": [
			{"field": "signin_url", "from": "https://idp.example/before", "to": "https://idp.example/in"},
			{"field": "public_certificate", "from": null, "to": "`+sha256Of("a")+`"}
		],
		"request": {"name": "Okta", "enabled": true, "signin_url": "https://idp.example/in", "signout_url": "", "entity_id": "urn:idp:1"},
		"metadata": {"ticket": "OPS-1"},
		"origin": {"trigger": "sqs", "caller": "arn:aws:iam::123456789012:role/platform", "message_id": "message"},
		"duration_ms": 0
	}`, aws.ToString(entries[0].Detail))
}

// A deletion is published also where nothing is kept of the connection.
func TestDeletionIsPublished(t *testing.T) {
	t.Parallel()
	n := audit.Notice{Connection: audit.Connection{EntityID: "urn:idp:1", State: audit.Ended}, Deleted: "id-1"}
	entries := published(t, anAudit(), n)
	require.Equal(t, []string{deleted}, detailTypes(entries))
	require.JSONEq(t, `{
		"version": "1", "outcome": "deleted", "integration_id": "id-1", "entity_id": "urn:idp:1",
		"origin": {"trigger": "sqs", "message_id": "message"}, "duration_ms": 0
	}`, aws.ToString(entries[0].Detail))
}

// What is not known of the integration that a finding is about is left out.
func TestTheIntegrationOfAFinding(t *testing.T) {
	t.Parallel()
	about := func(id string) []audit.Finding {
		return []audit.Finding{{Code: provision.IntegrationIncomplete, IntegrationID: id, Message: "A sentence."}}
	}
	gone := audit.Notice{Connection: audit.Connection{EntityID: "urn:idp:1", Name: "Okta"}, New: about("id-1")}
	failed := audit.Notice{Connection: audit.Connection{EntityID: "urn:idp:1", Name: "Okta", IntegrationID: "id-1"}, New: about("id-1")}
	another, several := connection(), connection()
	another.New, several.New = about("id-2"), about("")
	for name, tt := range map[string]struct {
		notice audit.Notice
		want   string
	}{
		"it was deleted":            {gone, `"integration":{"id":"id-1","name":"Okta","entity_id":"urn:idp:1"}`},
		"it could not be read":      {failed, `"integration":{"id":"id-1","name":"Okta","entity_id":"urn:idp:1"}`},
		"another one of the same":   {another, `"integration":{"id":"id-2","entity_id":"urn:idp:1"}`},
		"several":                   {several, `"entity_id":"urn:idp:1","origin"`},
		"of an account":             {audit.Notice{New: about("id-1")}, `"message":"A sentence.","integration":{"id":"id-1"}`},
		"of an account, without id": {audit.Notice{New: about("")}, `"message":"A sentence.","origin"`},
	} {
		entries := published(t, anAudit(), tt.notice)
		require.Len(t, entries, 1, name)
		require.Contains(t, aws.ToString(entries[0].Detail), tt.want, name)
	}
}

// The largest events fit, and as many of them go into a call as fit, at most ten. JSON takes six bytes for a "<".
func TestTheLargestAuditEventsFit(t *testing.T) {
	t.Parallel()
	const most = 256 << 10
	fill := func(length int) string { return strings.Repeat("<", length) }
	url := "https://a/?" + strings.Repeat("&", 2048-len("https://a/?"))
	metadata := map[string]string{}
	for i := range 20 {
		metadata[fmt.Sprintf("%02d", i)+fill(62)] = fill(256)
	}
	id := fill(256)
	largest := audit.Notice{
		Connection:  audit.Connection{EntityID: fill(1024), Name: fill(256), IntegrationID: id, DaysLeft: aws.Int(-3)},
		Kept:        request.Kept{Name: fill(256), SigninURL: url, SignoutURL: url, EntityID: fill(1024), Metadata: metadata, By: id},
		Integration: &sendgrid.Integration{ID: id, Name: fill(4096), SigninURL: fill(2048), SignoutURL: fill(2048), EntityID: fill(4096), SingleSignOnURL: "https://api.sendgrid.com/", AudienceURL: "https://api.sendgrid.com/"},
		Renewed:     []problem.Change{{Field: "signin_url", From: url, To: url}, {Field: "signout_url", From: url, To: url}},
	}
	var edits []problem.Change
	for field, length := range map[string]int{"name": 4096, "entity_id": 4096, "signin_url": 2048, "signout_url": 2048} {
		edits = append(edits, problem.Change{Field: field, From: fill(length), To: fill(length)})
	}
	for i := range 200 {
		edits = append(edits, problem.Change{Field: "public_certificate", From: sha256Of(fmt.Sprint(i))})
	}
	largest.New = []audit.Finding{{Code: provision.Drifted, IntegrationID: id, Message: fill(512), Changes: edits}}
	for i := range 10 {
		sha256 := sha256Of(fmt.Sprint(i))
		largest.Renewed = append(largest.Renewed, problem.Change{Field: "public_certificate", To: sha256})
		largest.Connection.Certificates = append(largest.Connection.Certificates, provision.Certificate{ID: id, SHA256: sha256})
	}
	for range 25 {
		largest.New = append(largest.New, audit.Finding{Code: audit.MetadataChanged, IntegrationID: id, Message: fill(4096)})
	}
	d := &delivery.Delivery{Trigger: "sqs", IDs: delivery.IDs{RequestID: cut.ID(id), TraceID: cut.ID(id), EventID: cut.ID(id), MessageID: cut.ID(id)}}
	var calls, events int
	p := &publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		size := 0
		for _, e := range in.Entries {
			require.NoError(t, agrees(t, aws.ToString(e.DetailType), aws.ToString(e.Detail)))
			size += len(aws.ToString(e.Detail)) + len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType))
		}
		require.LessOrEqual(t, size, most)
		require.LessOrEqual(t, len(in.Entries), 10)
		calls, events = calls+1, events+len(in.Entries)
		return &eventbridge.PutEventsOutput{}, nil
	})}
	require.NoError(t, p.PublishAudit(t.Context(), d, largest))
	require.Equal(t, 28, events)
	require.Greater(t, calls, 3)

	small := connection()
	for i := range 23 {
		small.New = append(small.New, audit.Finding{Code: audit.UnknownCertificate, IntegrationID: "id-1", Message: fmt.Sprint(i)})
	}
	calls, events = 0, 0
	require.NoError(t, p.PublishAudit(t.Context(), anAudit(), small))
	require.Equal(t, []int{3, 23}, []int{calls, events}, "ten in a call")
}

// Of ten events, those that the bus refuses for a moment are sent again, and no others.
func TestRefusedEventsAreSentAgain(t *testing.T) {
	t.Parallel()
	refuse := func(code string, ids ...int) *eventbridge.PutEventsOutput {
		out := &eventbridge.PutEventsOutput{FailedEntryCount: int32(len(ids)), Entries: make([]types.PutEventsResultEntry, 3)}
		for i := range out.Entries {
			out.Entries[i].EventId = aws.String("e")
		}
		for _, id := range ids {
			out.Entries[id] = types.PutEventsResultEntry{ErrorCode: aws.String(code)}
		}
		return out
	}
	mixed := refuse("ThrottlingException", 0, 2)
	mixed.Entries[2].ErrorCode = aws.String("AccessDeniedException")
	for name, tt := range map[string]struct {
		first *eventbridge.PutEventsOutput
		again []string
		err   string
	}{
		"two for a moment":  {refuse("InternalFailure", 0, 2), []string{"0", "2"}, ""},
		"one always":        {mixed, nil, "AccessDeniedException"},
		"without a result":  {&eventbridge.PutEventsOutput{FailedEntryCount: 1}, []string{"0", "1", "2"}, ""},
		"a count and no id": {refuse("", 1), []string{"1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := connection()
				for id := range 3 {
					n.New = append(n.New, audit.Finding{Code: provision.NoCertificate, IntegrationID: fmt.Sprint(id), Message: "A sentence."})
				}
				var calls [][]string
				err := (&publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
					calls = append(calls, idsOf(t, in.Entries))
					if len(calls) == 1 {
						return tt.first, nil
					}
					return &eventbridge.PutEventsOutput{}, nil
				})}).PublishAudit(t.Context(), anAudit(), n)
				require.Equal(t, []string{"0", "1", "2"}, calls[0])
				if tt.err != "" {
					require.ErrorContains(t, err, tt.err)
					require.Len(t, calls, 1)
					return
				}
				require.NoError(t, err)
				require.Equal(t, [][]string{tt.again}, calls[1:])
			})
		})
	}
}

func TestAuditSchemasRefuse(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for name, edit := range map[string]func(d object){
		"certificate-expiring: no certificates":    func(d object) { d["certificates"] = []any{} },
		"certificate-expiring: no days":            func(d object) { delete(d, "days_left") },
		"certificate-expiring: enough days":        func(d object) { d["days_left"] = 30 },
		"certificate-expiring: an unknown field":   func(d object) { d["surprise"] = 1 },
		"certificate-expiring: another trigger":    func(d object) { d["origin"].(object)["trigger"] = "direct" },
		"certificate-expiring: metadata of others": func(d object) { d["metadata"] = object{"ticket": 1} },
		"finding: an unknown code":                 func(d object) { d["code"] = "Other" },
		"finding: no message":                      func(d object) { delete(d, "message") },
		"finding: changes":                         func(d object) { d["changes"] = []any{object{"field": "name", "from": "a", "to": "b"}} },
		"finding: Drifted without changes":         func(d object) { d["code"] = "Drifted" },
		"finding: an integration without an id":    func(d object) { delete(d["integration"].(object), "id") },
		"finding: an unknown field":                func(d object) { d["surprise"] = 1 },
		"finding: another trigger":                 func(d object) { d["origin"].(object)["trigger"] = "direct" },
		"drifted: no changes":                      func(d object) { d["changes"] = []any{} },
		"drifted: another code":                    func(d object) { d["code"] = "Missing" },
		"drifted: no integration":                  func(d object) { delete(d, "integration") },
		"finding: PasswordTeammate":                func(d object) { d["code"] = "PasswordTeammate" },
		"finding-teammate: no changes":             func(d object) { delete(d, "changes") },
		"finding-teammate: another code":           func(d object) { d["code"] = "NoCertificate"; delete(d, "changes") },
		"finding-teammate: an entity id":           func(d object) { d["entity_id"] = "urn:idp:1" },
		"finding-teammate: nobody":                 func(d object) { delete(d, "email") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of, _, _ := strings.Cut(name, ":")
			s := readSample(t, of)
			var d object
			require.NoError(t, json.Unmarshal(s.Detail, &d))
			edit(d)
			text, err := json.Marshal(d)
			require.NoError(t, err)
			require.NoError(t, agrees(t, s.DetailType, string(s.Detail)))
			require.Error(t, agrees(t, s.DetailType, string(text)))
		})
	}
}

// The schema lists exactly the codes that a finding may have.
func TestFindingSchemaListsWhatTheCodeHas(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(resultsDir + "finding.schema.json")
	require.NoError(t, err)
	var s struct {
		Properties struct {
			Code struct{ Enum []provision.WarningCode }
		}
	}
	require.NoError(t, json.Unmarshal(text, &s))
	require.Equal(t, audit.Codes(), s.Properties.Code.Enum)
	require.Subset(t, publish.DetailTypes(), []string{updated, drifted, finding, teammate, expiring})
}

func anAudit() *delivery.Delivery {
	return &delivery.Delivery{Trigger: "sqs", CallerID: "AROAEXAMPLE:sso", IDs: delivery.IDs{MessageID: "message"}}
}

// connection is a notice about a connection, with nothing to publish.
func connection() audit.Notice {
	return audit.Notice{
		Connection: audit.Connection{EntityID: "urn:idp:1", Name: "Okta (edited)", IntegrationID: "id-1", Enabled: true, DaysLeft: aws.Int(300)},
		Kept:       request.Kept{Name: "Okta", EntityID: "urn:idp:1"},
		Integration: &sendgrid.Integration{
			ID: "id-1", Name: "Okta (edited)", Enabled: true, SigninURL: "https://idp.example/in", EntityID: "urn:idp:1",
			SingleSignOnURL: "https://api.sendgrid.com/id-1", AudienceURL: "https://api.sendgrid.com/id-1",
		},
	}
}

func detailTypes(entries []types.PutEventsRequestEntry) (names []string) {
	for _, e := range entries {
		names = append(names, aws.ToString(e.DetailType))
	}
	return names
}

func idsOf(t *testing.T, entries []types.PutEventsRequestEntry) (ids []string) {
	t.Helper()
	for _, e := range entries {
		var detail struct{ Integration struct{ ID string } }
		require.NoError(t, json.Unmarshal([]byte(aws.ToString(e.Detail)), &detail))
		ids = append(ids, detail.Integration.ID)
	}
	return ids
}

// published publishes a notice and returns the entries that the bus gets, which agree with their schemas.
func published(t *testing.T, d *delivery.Delivery, n audit.Notice) (entries []types.PutEventsRequestEntry) {
	t.Helper()
	p := &publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		require.NotEmpty(t, in.Entries)
		entries = append(entries, in.Entries...)
		return &eventbridge.PutEventsOutput{}, nil
	})}
	require.NoError(t, p.PublishAudit(t.Context(), d, n))
	for _, e := range entries {
		require.NoError(t, agrees(t, aws.ToString(e.DetailType), aws.ToString(e.Detail)), aws.ToString(e.Detail))
	}
	return entries
}
