package delivery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/request"
)

// A request is about a teammate, or about a connection, also if it could not be read: by what is left of it, or else
// by its path. Once it is read, nothing else decides.
func TestWhatARequestIsAbout(t *testing.T) {
	t.Parallel()
	someone := request.Request{Teammate: &request.Teammate{Email: "ada@example.com"}}
	connection := request.Request{EntityID: "urn:idp:1"}
	for name, tt := range map[string]struct {
		delivery    delivery.Delivery
		forTeammate bool
		email       string
	}{
		"a teammate":                     {delivery.Delivery{Request: &someone}, true, "ada@example.com"},
		"a connection":                   {delivery.Delivery{Request: &connection}, false, ""},
		"a connection by the wrong path": {delivery.Delivery{Request: &connection, ForTeammates: true}, false, ""},
		"an unreadable teammate":         {delivery.Delivery{Trace: someone}, true, "ada@example.com"},
		"one without a valid email":      {delivery.Delivery{Trace: request.Request{Teammate: &request.Teammate{}}}, true, ""},
		"no JSON, by the path":           {delivery.Delivery{ForTeammates: true}, true, ""},
		"no JSON":                        {delivery.Delivery{}, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tt.forTeammate, tt.delivery.IsForTeammate())
			require.Equal(t, tt.email, tt.delivery.Email())
		})
	}
}
