package sendgrid_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

func TestFindSubuser(t *testing.T) {
	t.Parallel()
	const row = `{"id":1234,"username":"sub a+b","email":"sub@example.com","disabled":true,"region":"eu"}`
	want := sendgrid.Subuser{ID: 1234, Username: "sub a+b", Email: "sub@example.com", Disabled: true}
	for name, tt := range map[string]struct {
		pages   []string // the last one again and again
		queries []string // after the first
		exists  bool
		err     string
	}{
		"one":                            {pages: []string{"[" + row + "]"}, exists: true},
		"none":                           {pages: []string{"[]"}},
		"none, as a Go server writes it": {pages: []string{"null"}},
		"one among others":               {pages: []string{`[{"id":1,"username":"sub a+bc"},{},{"id":2},` + row + "]"}, exists: true},
		"only others": {
			pages:   []string{`[{"id":1,"username":"SUB A+B"},{"id":2,"username":"sub"}]`, "[]"},
			queries: []string{"&offset=2"},
		},
		"on the next page": {
			pages:   []string{`[{"id":1,"username":"sub"}]`, `[{"id":2,"username":"x"}]`, "[" + row + "]"},
			queries: []string{"&offset=1", "&offset=2"},
			exists:  true,
		},
		"an id that is a text": {pages: []string{"[" + strings.Replace(row, "1234", `"1234"`, 1) + "]"}, exists: true},
		"without an id":        {pages: []string{`[{"username":"sub a+b"}]`}, err: "the subuser has no id"},
		"something else":       {pages: []string{`[{"message":"internal error"}]`}, err: "neither an id nor a username"},
		"an error":             {pages: []string{`{"errors":[]}`}, err: "not the documented JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.response = func(w http.ResponseWriter, r *http.Request) {
				reply(http.StatusOK, tt.pages[min(len(h.all()), len(tt.pages))-1])(w, r)
			}
			got, exists, err := h.client().FindSubuser(t.Context(), "sub a+b")
			for i, sent := range h.all() {
				after := append([]string{""}, tt.queries...)
				require.Equal(t, "GET /base/v3/subusers username=sub+a%2Bb"+after[i], sent.method+" "+sent.path+" "+sent.query)
			}
			require.Len(t, h.all(), 1+len(tt.queries))
			require.Equal(t, tt.exists, exists)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
				return
			}
			require.NoError(t, err)
			if exists {
				require.Equal(t, want, got)
			}
		})
	}
}

func TestEndlessListOfSubusers(t *testing.T) {
	t.Parallel()
	h := newHarness(t, reply(http.StatusOK, `[{"id":1,"username":"other"}]`))
	_, _, err := h.client().FindSubuser(t.Context(), "sub")
	require.ErrorContains(t, err, "more entries than anybody needs")
	require.Len(t, h.all(), 20)
}

func TestListSubuserAccess(t *testing.T) {
	t.Parallel()
	page := func(ids string, metadata string) string {
		rows := []string{}
		for id := range strings.FieldsSeq(ids) {
			rows = append(rows, `{"id":`+id+`,"permission_type":"admin"}`)
		}
		return `{"has_restricted_subuser_access":true,"subuser_access":[` + strings.Join(rows, ",") + `]` + metadata + `}`
	}
	next := func(cursor string) string {
		return `,"_metadata":{"next_params":{"limit":100,"after_subuser_id":` + cursor + `,"username":""}}`
	}
	for name, tt := range map[string]struct {
		pages     []string // the last one again and again
		cursors   string   // of the requests after the first
		want      string   // the ids
		unlimited bool
		err       string
	}{
		"one page":                {pages: []string{page("1 2", "")}, want: "1 2"},
		"no access at all":        {pages: []string{page("", "")}},
		"no next page, in null":   {pages: []string{page("1", next("null"))}, want: "1"},
		"no next page, in zero":   {pages: []string{page("1", next("0"))}, want: "1"},
		"no next page, in a text": {pages: []string{page("1", next(`""`))}, want: "1"},
		"no parameters":           {pages: []string{page("1", `,"_metadata":{"next_params":{}}`)}, want: "1"},
		"metadata of another type": {
			pages: []string{page("1", `,"_metadata":["x"]`)}, want: "1",
		},
		"three pages": {
			pages:   []string{page("1 2", next("2")), page("3", next(`"3"`)), page("9", "")},
			cursors: "2 3", want: "1 2 3 9",
		},
		"a page that is empty is not the last": {pages: []string{page("", next("2")), page("3", "")}, cursors: "2", want: "3"},
		"the same page again":                  {pages: []string{page("1", next("1"))}, cursors: "1", err: "the list does not end"},
		"an administrator has every subuser": {
			pages:     []string{`{"has_restricted_subuser_access":false,"subuser_access":[{"id":1,"permission_type":"admin"}]` + next("1") + `}`},
			unlimited: true,
		},
		"only the list":                 {pages: []string{`{"subuser_access":[{"id":1}]}`}, want: "1"},
		"only an empty list":            {pages: []string{`{"subuser_access":[]}`}, unlimited: true},
		"only the restriction":          {pages: []string{`{"has_restricted_subuser_access":true}`}},
		"neither":                       {pages: []string{`{"errors":[{"message":"internal error"}]}`}, err: "neither has_restricted_subuser_access nor"},
		"neither, in other types":       {pages: []string{`{"has_restricted_subuser_access":"x","subuser_access":null}`}, err: "neither has_restricted_subuser_access nor"},
		"no object":                     {pages: []string{`[]`}, err: "not the documented JSON"},
		"a later page of something":     {pages: []string{page("1", next("1")), `{}`}, cursors: "1", err: "neither has_restricted_subuser_access nor"},
		"a later page knows it's false": {pages: []string{page("1", next("1")), `{"has_restricted_subuser_access":false,"subuser_access":[{"id":2}]}`}, cursors: "1", want: "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, nil)
			h.response = func(w http.ResponseWriter, r *http.Request) {
				reply(http.StatusOK, tt.pages[min(len(h.all()), len(tt.pages))-1])(w, r)
			}
			got, err := h.client().ListSubuserAccess(t.Context(), "a/b@example.com")
			cursors := []string{}
			for i, sent := range h.all() {
				require.Equal(t, "GET /base/v3/teammates/a%2Fb@example.com/subuser_access ", sent.method+" "+sent.path+" "+sent.body)
				cursor, _ := strings.CutPrefix(sent.query, "limit=100")
				if i > 0 {
					cursors = append(cursors, strings.TrimPrefix(cursor, "&after_subuser_id="))
				} else {
					require.Empty(t, cursor)
				}
			}
			require.Equal(t, tt.cursors, strings.Join(cursors, " "))
			if tt.err != "" {
				require.Nil(t, got, "half of a list is none")
				require.ErrorContains(t, err, tt.err)
				require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, !tt.unlimited, got.Restricted)
			ids := []string{}
			for _, each := range got.Subusers {
				ids = append(ids, fmt.Sprint(each.ID))
			}
			require.Equal(t, tt.want, strings.Join(ids, " "))
		})
	}
}

func TestEndlessSubuserAccess(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.response = func(w http.ResponseWriter, r *http.Request) {
		reply(http.StatusOK, fmt.Sprintf(`{"has_restricted_subuser_access":true,"_metadata":{"next_params":{"after_subuser_id":%d}}}`, len(h.all())))(w, r)
	}
	_, err := h.client().ListSubuserAccess(t.Context(), "e")
	require.ErrorContains(t, err, "more entries than anybody needs")
	require.Len(t, h.all(), 100)
}

// A teammate that has a first page exists.
func TestLaterPageNotFound(t *testing.T) {
	t.Parallel()
	h := newHarness(t, nil)
	h.response = func(w http.ResponseWriter, r *http.Request) {
		if len(h.all()) > 1 {
			reply(http.StatusNotFound, `{"errors":[{"message":"not found"}]}`)(w, r)
			return
		}
		reply(http.StatusOK, `{"has_restricted_subuser_access":true,"_metadata":{"next_params":{"after_subuser_id":1}}}`)(w, r)
	}
	_, err := h.client().ListSubuserAccess(t.Context(), "e")
	require.Equal(t, sendgrid.Unavailable, sendgrid.ClassOf(err))
	require.False(t, sendgrid.IsNotFound(err))
	require.ErrorContains(t, err, "a later page: sendgrid: list subuser access: status 404 Not Found; not found")

	_, err = newHarness(t, reply(http.StatusNotFound, `{}`)).client().ListSubuserAccess(t.Context(), "e")
	require.True(t, sendgrid.IsNotFound(err))
}

func TestSubuserAccessIsKept(t *testing.T) {
	t.Parallel()
	for _, each := range exampleTeammate().SubuserAccess {
		shown, err := json.Marshal(each)
		require.NoError(t, err)
		var again sendgrid.SubuserAccess
		require.NoError(t, json.Unmarshal(shown, &again))
		require.Equal(t, each, again)
		var subuser sendgrid.Subuser
		require.NoError(t, json.Unmarshal(shown, &subuser))
		require.Equal(t, each.Subuser, subuser)
	}
}
