package connector_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What is wrong with an event is named, and what is in it is not repeated in the log.
func TestUnreadableEvents(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]string{
		`{"time":"5417"}`: "time is not in RFC 3339",
		`{"time":5417}`:   "time is not in RFC 3339",
		`{"id":5417}`:     "id has the wrong type",
		`5417`:            "not a JSON object",
		`{"id":"5417"`:    "not a JSON object",
		`{"source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","detail":{"published":"5417"}}`:             "published is not in RFC 3339",
		`{"source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","detail":{"target":[{"id":5417}]}}`:         "target.id has the wrong type",
		`{"source":"sendgrid.sso","detail-type":"SSO Integration Created","detail":{"metadata":{"okta_app":5417}}}`: "metadata has the wrong type",
	} {
		f := newFixture(t)
		_, err := f.Invoke(t.Context(), []byte(event))
		require.ErrorContains(t, err, want)
		require.Contains(t, f.logs.String(), want)
		require.NotContains(t, f.logs.String(), "5417")
	}
}
