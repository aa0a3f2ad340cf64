package sendgridtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

func TestAccountsAreApart(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	own := s.Add(request())
	w := send(t, s, http.MethodPost, collection, goodBody, "on-behalf-of", "subuser")
	others := decode[sendgrid.Integration](t, w)

	list := decode[[]sendgrid.Integration](t, send(t, s, http.MethodGet, collection, ""))
	require.Len(t, list, 1)
	require.Equal(t, own.ID, list[0].ID)
	list = decode[[]sendgrid.Integration](t, send(t, s, http.MethodGet, collection, "", "On-Behalf-Of", "subuser"))
	require.Len(t, list, 1)
	require.Equal(t, others.ID, list[0].ID)
	require.Equal(t, http.StatusNotFound, send(t, s, http.MethodGet, collection+"/"+others.ID, "").Code)
	require.Equal(t, []sendgrid.Integration{own, others}, s.Integrations())
}

func TestAddEditDelete(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		completed := true
		in := request()
		in.CompletedIntegration = &completed
		added := s.Add(in)
		completed = false // What the caller does with its own value is not the server's.
		require.True(t, *s.Integrations()[0].CompletedIntegration)
		*added.CompletedIntegration = false
		require.True(t, *s.Integrations()[0].CompletedIntegration)

		time.Sleep(time.Minute)
		require.True(t, s.Edit(added.ID, func(i *sendgrid.Integration) { i.Enabled = false }))
		edited := s.Integrations()[0]
		require.False(t, edited.Enabled)
		require.Equal(t, added.Name, edited.Name)
		require.NotEqual(t, added.LastUpdated, edited.LastUpdated)
		require.False(t, s.Edit("unknown", func(*sendgrid.Integration) { t.Error("edited what is not there") }))

		require.False(t, s.Delete("unknown"))
		require.True(t, s.Delete(added.ID))
		require.Empty(t, s.Integrations())
		require.Equal(t, http.StatusNotFound, send(t, s, http.MethodGet, collection+"/"+added.ID, "").Code)
	})
}

// With a lag a read shows everything as it was; a write does not wait.
func TestLag(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		s.SetLag(5*time.Second, 2*time.Second)
		one := collection + "/" + s.Add(request()).ID
		id := s.Integrations()[0].ID
		// shows returns the names that the list and the read by id show.
		shows := func() (shown [2]string) {
			for _, each := range decode[[]sendgrid.Integration](t, send(t, s, http.MethodGet, collection, "")) {
				shown[0] = each.Name
			}
			if w := send(t, s, http.MethodGet, one, ""); w.Code == http.StatusOK {
				shown[1] = decode[sendgrid.Integration](t, w).Name
			} else {
				require.Equal(t, http.StatusNotFound, w.Code)
			}
			return shown
		}
		requireLag := func(before, after string) {
			t.Helper()
			time.Sleep(2*time.Second - time.Nanosecond)
			require.Equal(t, [2]string{before, before}, shows())
			time.Sleep(time.Nanosecond)
			require.Equal(t, [2]string{before, after}, shows())
			time.Sleep(3*time.Second - time.Nanosecond)
			require.Equal(t, [2]string{before, after}, shows())
			time.Sleep(time.Nanosecond)
			require.Equal(t, [2]string{after, after}, shows())
		}
		requireLag("", "Okta")
		s.Edit(id, func(i *sendgrid.Integration) { i.Name = "edited" })
		requireLag("Okta", "edited")
		s.Delete(id)
		requireLag("edited", "")

		s.SetStale(time.Second)
		one = collection + "/" + s.Add(request()).ID
		require.Equal(t, [2]string{"", "Okta"}, shows())
	})
}

func TestHalfConfigured(t *testing.T) {
	t.Parallel()
	s := sendgridtest.New()
	added := s.Add(sendgrid.IntegrationRequest{Name: "not finished"})
	shown := decode[[]map[string]any](t, send(t, s, http.MethodGet, collection+"?si=true", ""))
	require.Equal(t, []map[string]any{{
		"id": added.ID, "name": "not finished", "enabled": false, "completed_integration": false,
		"single_signon_url": added.SingleSignOnURL, "audience_url": added.AudienceURL, "last_updated": shown[0]["last_updated"],
	}}, shown)
}
