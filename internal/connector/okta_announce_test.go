package connector_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/okta"
)

func logEvent(eventType, result, target string) string {
	return fmt.Sprintf(`{"id":"e","source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","time":"2026-11-23T15:00:00Z",
		"detail":{"uuid":"u","eventType":%q,"outcome":{"result":%q},"target":[{"id":"00u1","type":"User"},{"id":%q,"type":"AppInstance"}]}}`, eventType, result, target)
}

func TestLogEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		event, outcome string
	}{
		"created":          {logEvent("application.lifecycle.create", "SUCCESS", "0oa1"), "Announced"},
		"activated":        {logEvent("application.lifecycle.activate", "SUCCESS", "0oa1"), "Announced"},
		"key rotated":      {logEvent("app.keys.rotate", "", "0oa1"), "Announced"},
		"failed":           {logEvent("application.lifecycle.update", "FAILURE", "0oa1"), "Ignored"},
		"deleted":          {logEvent("application.lifecycle.delete", "SUCCESS", "0oa1"), "Announced"},
		"deleted, a path":  {logEvent("application.lifecycle.delete", "SUCCESS", "0oa1/x"), "InvalidEvent"},
		"not deleted":      {logEvent("application.lifecycle.delete", "FAILURE", "0oa1"), "Ignored"},
		"of another kind":  {logEvent("user.session.start", "SUCCESS", "0oa1"), "Ignored"},
		"unassigned":       {logEvent("application.user_membership.remove", "SUCCESS", "0oa1"), "Ignored"},
		"no application":   {logEvent("application.lifecycle.update", "SUCCESS", ""), "Ignored"},
		"path in the id":   {logEvent("application.lifecycle.update", "SUCCESS", "0oa1/../x"), "InvalidEvent"},
		"detail is a text": {`{"source":"aws.partner/okta.com/x/y","detail-type":"SystemLog","detail":"x"}`, "InvalidEvent"},
		"another source":   {`{"source":"aws.partner/example.com/x","detail-type":"SystemLog","detail":{}}`, "InvalidEvent"},
		"not an event":     {`[]`, "InvalidEvent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			outcome, _ := f.invoke(t, tt.event)
			require.Equal(t, tt.outcome, outcome)
			require.Equal(t, tt.outcome == "Announced", len(f.bus.details) == 1)
			if tt.outcome == "Announced" {
				require.Equal(t, time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC), f.bus.at, "an event without published has the time of its envelope")
			}
		})
	}
}

// A deleted application cannot be read any more. The request ends what the function keeps for its
// id, and nothing else.
func TestDeletedApplicationEndsItsConnection(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.okta.app = nil
	outcome, _ := f.invoke(t, fresh("application.lifecycle.delete", "", ""))
	require.Equal(t, "Announced", outcome)
	require.Len(t, f.bus.details, 1)
	require.JSONEq(t, `{"state":"absent","match":{"okta_app":"0oa1"},"metadata":{"okta_app":"0oa1","okta_event":"u"}}`, f.bus.details[0])
}

func TestMetadataThatFitsIntoNoEvent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	quotes := strings.Repeat(`"`, okta.MaxMetadataBytes)
	f.okta.metadata = bytes.Replace(f.okta.metadata, []byte("</md:EntityDescriptor>"), []byte("<!--"+quotes+"--></md:EntityDescriptor>"), 1)
	outcome, _ := f.invoke(t, logEvent("app.keys.rotate", "SUCCESS", "0oa1"))
	require.Equal(t, "MetadataTooLarge", outcome)
	require.Empty(t, f.bus.details)
}
