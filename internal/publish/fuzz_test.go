package publish_test

import (
	"cmp"
	"encoding/json"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/sendgrid"
)

// Whatever somebody sends, and whatever SendGrid says of it: the event can be made, agrees
// with the schema and is below the limit.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"name":"n","enabled":true,"signin_url":"https://a/","signout_url":"","entity_id":"e","metadata":{"a":"\u0000"}}`), "id", "name", "message", "event-1", uint8(0), uint16(1))
	f.Add([]byte(`{"name":1}`), "", "", "", "", uint8(7), uint16(100))
	f.Add([]byte(`{"name":"\ud800<","enabled":false,"signin_url":"https://a/?&","signout_url":"https://b","entity_id":"<&>"}`), "\x80<", "\u2028", "\"\\", "\x00", uint8(255), uint16(9999))
	all := codes(f)
	f.Fuzz(func(t *testing.T, data []byte, id, name, message, eventID string, pick uint8, times uint16) {
		// SendGrid answers with 4 MiB at most.
		many := make([]byte, 0, len(name)*int(times))
		for range times {
			if len(many) < 4<<20 {
				many = append(many, name...)
			}
		}
		e := publish.Event{Origin: publish.Origin{Trigger: "sqs", EventID: eventID}, DurationMS: int64(times)}
		r, err := provision.ParseRequest(data)
		switch {
		case err != nil:
			e.Failure = problem.From(err)
		case int(pick) < len(all):
			e.Request = &r
			e.Failure = &problem.Error{Code: problem.Code(all[pick]), Message: cmp.Or(message, "M."), Permanent: times%2 == 0}
			e.Failure.Fields = []problem.FieldError{{Field: string(many), Message: message}}
		default:
			e.Request = &r
			url := "https://api.sendgrid.com/" + message
			e.Result = &provision.Result{Outcome: provision.OutcomeUnchanged, Integration: sendgrid.Integration{
				ID: cmp.Or(id, "id-1"), Name: string(many), EntityID: id, SigninURL: message, SingleSignOnURL: url, AudienceURL: url,
			}}
		}
		entry := entryOf(t, e)
		require.Less(t, entrySize(entry), limit)
		text := aws.ToString(entry.Detail)
		require.True(t, json.Valid([]byte(text)))
		require.NoError(t, validate(t, text))
	})
}
