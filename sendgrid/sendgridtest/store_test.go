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

func TestStaleLists(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := sendgridtest.New()
		s.SetStale(5 * time.Second)
		added := s.Add(request())
		time.Sleep(5*time.Second - time.Nanosecond)
		require.JSONEq(t, "[]", send(t, s, http.MethodGet, collection, "").Body.String())
		require.Equal(t, http.StatusOK, send(t, s, http.MethodGet, collection+"/"+added.ID, "").Code)
		time.Sleep(time.Nanosecond)
		require.Len(t, decode[[]sendgrid.Integration](t, send(t, s, http.MethodGet, collection, "")), 1)
	})
}
