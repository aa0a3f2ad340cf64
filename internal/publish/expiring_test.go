package publish_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
)

// validateExpiring checks a detail against the schema of the event.
func validateExpiring(t *testing.T, detail string) error {
	t.Helper()
	schema, err := compile("certificate-expiring.schema.json")
	require.NoError(t, err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(detail))
	require.NoError(t, err)
	return schema.Validate(document)
}

// The sample is published as it is, to the letter.
func TestExpiringSampleIsWhatIsPublished(t *testing.T) {
	t.Parallel()
	s := readSample(t, "certificate-expiring")
	var in struct {
		DaysLeft     int `json:"days_left"`
		Integration  audit.Integration
		Certificates []provision.Certificate
		Origin       struct {
			Trigger   string
			RequestID string `json:"request_id"`
			TraceID   string `json:"trace_id"`
			EventID   string `json:"event_id"`
		}
	}
	require.NoError(t, json.Unmarshal(s.Detail, &in))
	in.Integration.DaysLeft, in.Integration.Certificates = &in.DaysLeft, in.Certificates
	d := &delivery.Delivery{Trigger: in.Origin.Trigger, IDs: delivery.IDs{
		RequestID: in.Origin.RequestID, TraceID: in.Origin.TraceID, EventID: in.Origin.EventID, TraceHeader: trace,
	}}
	entries := expiringEntries(t, d, []audit.Integration{in.Integration})
	require.Len(t, entries, 1)
	require.Equal(t, s.DetailType, aws.ToString(entries[0].DetailType))
	require.Equal(t, s.Source, aws.ToString(entries[0].Source))
	require.Equal(t, trace, aws.ToString(entries[0].TraceHeader))
	require.JSONEq(t, string(s.Detail), aws.ToString(entries[0].Detail))
	require.NoError(t, validateExpiring(t, string(s.Detail)))
}

// Ten events go into a call, and fit, although JSON takes six bytes for a "<".
func TestExpiringEventsGoInTens(t *testing.T) {
	t.Parallel()
	var calls []int
	p := &publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		size := 0
		for _, e := range in.Entries {
			require.NoError(t, validateExpiring(t, aws.ToString(e.Detail)))
			size += len(aws.ToString(e.Detail)) + len(aws.ToString(e.Source)) + len(aws.ToString(e.DetailType))
		}
		require.Less(t, size, 256<<10)
		calls = append(calls, len(in.Entries))
		return &eventbridge.PutEventsOutput{}, nil
	})}
	fill := func(length int) string { return strings.Repeat("<", length) }
	largest := make([]provision.Certificate, 10)
	for i := range largest {
		largest[i] = provision.Certificate{ID: fill(20), SHA256: strings.Repeat("0", 64), NotAfter: time.Unix(0, 0).UTC()}
	}
	require.NoError(t, p.PublishExpiring(t.Context(), anAudit(), expiring(23, audit.Integration{Name: fill(256), EntityID: fill(1024), Certificates: largest})))
	require.Equal(t, []int{10, 10, 3}, calls)
	require.NoError(t, p.PublishExpiring(t.Context(), anAudit(), nil))
	require.Len(t, calls, 3, "nothing to publish, no call")
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
		"one for ever":      {mixed, nil, "AccessDeniedException"},
		"without a result":  {&eventbridge.PutEventsOutput{FailedEntryCount: 1}, []string{"0", "1", "2"}, ""},
		"a count and no id": {refuse("", 1), []string{"1"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var calls [][]string
				err := (&publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
					calls = append(calls, idsOf(t, in.Entries))
					if len(calls) == 1 {
						return tt.first, nil
					}
					return &eventbridge.PutEventsOutput{}, nil
				})}).PublishExpiring(t.Context(), anAudit(), expiring(3, audit.Integration{}))
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

func TestExpiringSchemaRefuses(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	for name, edit := range map[string]func(d object){
		"no certificates":  func(d object) { d["certificates"] = []any{} },
		"no days":          func(d object) { delete(d, "days_left") },
		"enough days":      func(d object) { d["days_left"] = 30 },
		"an unknown field": func(d object) { d["surprise"] = 1 },
		"another trigger":  func(d object) { d["origin"].(object)["trigger"] = "direct" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d object
			require.NoError(t, json.Unmarshal(readSample(t, "certificate-expiring").Detail, &d))
			edit(d)
			text, err := json.Marshal(d)
			require.NoError(t, err)
			require.Error(t, validateExpiring(t, string(text)))
		})
	}
}

func anAudit() *delivery.Delivery { return &delivery.Delivery{Trigger: "schedule"} }

// expiring returns integrations like one, numbered from 0.
func expiring(count int, one audit.Integration) []audit.Integration {
	var list []audit.Integration
	days := -3
	for n := range count {
		one.ID, one.DaysLeft = fmt.Sprint(n), &days
		list = append(list, one)
	}
	return list
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

// expiringEntries publishes events and returns the entries that the bus gets.
func expiringEntries(t *testing.T, d *delivery.Delivery, list []audit.Integration) (entries []types.PutEventsRequestEntry) {
	t.Helper()
	p := &publish.Publisher{Bus: "results", API: fakeBus(func(in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		entries = append(entries, in.Entries...)
		return &eventbridge.PutEventsOutput{}, nil
	})}
	require.NoError(t, p.PublishExpiring(t.Context(), d, list))
	return entries
}
