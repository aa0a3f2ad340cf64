package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

func TestLiveRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		environment
		args []string
		want string
	}{
		"without a key":              {nil, []string{"events/direct.json"}, "-live needs the API key in SENDGRID_API_KEY"},
		"with a blank key":           {environment{"SENDGRID_API_KEY": " \n"}, []string{"events/direct.json"}, "-live needs the API key in SENDGRID_API_KEY"},
		"without a file":             {environment{"SENDGRID_API_KEY": "SG.live"}, nil, "-live needs the event's file"},
		"in an unknown region":       {environment{"SENDGRID_API_KEY": "SG.live"}, []string{"-region", "mars", "events/direct.json"}, `-region must be global or eu, not "mars"`},
		"in the function's own, too": {environment{"SENDGRID_API_KEY": "SG.live", "SENDGRID_REGION": "mars"}, []string{"events/direct.json"}, `SENDGRID_REGION must be global or eu, not "mars"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, logs output
			err := run(t.Context(), append([]string{"run", "-live"}, test.args...), test.getenv, noInput{}, &out, &logs)
			require.ErrorContains(t, err, test.want)
			require.Empty(t, out.String()+logs.String())
			require.NotContains(t, err.Error(), "SG.live")
		})
	}
}

// environment has the environment variables of a command.
type environment map[string]string

func (e environment) getenv(name string) string { return e[name] }

// The account is that of the function's variables, and the flags override them.
func TestLiveAccount(t *testing.T) {
	t.Parallel()
	eu := environment{"SENDGRID_API_KEY": "SG.live", "SENDGRID_REGION": "eu", "SENDGRID_ON_BEHALF_OF": "subuser"}
	custom := environment{"SENDGRID_API_KEY": "SG.live", "SENDGRID_BASE_URL": "https://sendgrid.example.com/"}
	for name, tt := range map[string]struct {
		live            live
		env             environment
		url, onBehalfOf string
	}{
		"nothing":              {live{}, environment{"SENDGRID_API_KEY": "SG.live"}, sendgrid.GlobalBaseURL, ""},
		"the variables":        {live{}, eu, sendgrid.EUBaseURL, "subuser"},
		"the URL":              {live{}, custom, "https://sendgrid.example.com", ""},
		"flags over variables": {live{region: "global", onBehalfOf: "another"}, eu, sendgrid.GlobalBaseURL, "another"},
		"a region over a URL":  {live{region: "eu"}, custom, sendgrid.EUBaseURL, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := tt.live.client(tt.env.getenv)
			require.NoError(t, err)
			require.Equal(t, []string{tt.url, tt.onBehalfOf}, []string{client.BaseURL, client.OnBehalfOf})
		})
	}
}

const aboutToCreate = `
About to create at https://api.example.com, unless it exists already:
  name          Okta
  enabled       true
  entity_id     urn:idp:1
  sign in       https://idp.example.com/in
  sign out      https://idp.example.com/out
  certificates  0
`

var liveRequest = request.Resolved{Request: request.Request{
	Name: "Okta", Enabled: true, EntityID: "urn:idp:1", SigninURL: "https://idp.example.com/in", SignoutURL: "https://idp.example.com/out",
	Metadata: map[string]string{"ticket": "OPS-1"},
}}

// newConfirming returns what stands between an event and SendGrid with -live.
func newConfirming(ctx context.Context, next ensure, in io.Reader, out io.Writer) *confirming {
	return &confirming{next: next, url: "https://api.example.com", in: bufio.NewReader(in), out: out, interrupted: ctx.Done()}
}

func TestLiveAsksFirst(t *testing.T) {
	t.Parallel()
	for typed, confirmed := range map[string]bool{
		"yes\n": true, " yes \r\n": true, "yes": true, "y\n": false, "YES\n": false, "no\n": false, "\n": false, "": false, "yes please\n": false, "no\nyes\n": false,
	} {
		t.Run(typed, func(t *testing.T) {
			t.Parallel()
			var out output
			next := ensure(nil)
			if confirmed {
				next = func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
					require.Equal(t, liveRequest, r)
					require.Equal(t, aboutToCreate+"Type yes to go on: ", out.String(), "printed before the create")
					return created(ctx, r)
				}
			}
			result, err := newConfirming(t.Context(), next, strings.NewReader(typed), &out).Ensure(t.Context(), liveRequest, provision.Delivery{})
			require.Equal(t, aboutToCreate+"Type yes to go on: ", out.String())
			if confirmed {
				require.NoError(t, err)
				require.Equal(t, "id-1", result.Integration.ID)
				return
			}
			require.ErrorContains(t, err, "You did not type yes; nothing was created.")
			require.False(t, problem.From(err).Retryable())
		})
	}
}

func TestLiveWithYesDoesNotAsk(t *testing.T) {
	t.Parallel()
	var out output
	c := newConfirming(t.Context(), created, noInput{}, &out)
	c.yes = true
	_, err := c.Ensure(t.Context(), liveRequest, provision.Delivery{})
	require.NoError(t, err)
	require.Equal(t, aboutToCreate, out.String())

	updating := liveRequest
	updating.IfExists = request.UpdateExisting
	_, err = c.Ensure(t.Context(), updating, provision.Delivery{})
	require.NoError(t, err)
	require.Contains(t, out.String(), "or to change what differs if it exists already")
}

// Two events ask twice, and a line that was typed confirms one question.
func TestLiveAsksForEachEvent(t *testing.T) {
	t.Parallel()
	var out output
	c := newConfirming(t.Context(), created, strings.NewReader("yes\nno\nyes\n"), &out)
	_, err := c.Ensure(t.Context(), liveRequest, provision.Delivery{})
	require.NoError(t, err)
	_, err = c.Ensure(t.Context(), liveRequest, provision.Delivery{})
	require.Error(t, err)
	_, err = c.Ensure(t.Context(), liveRequest, provision.Delivery{})
	require.NoError(t, err)
}

// The person may take longer than the function is given.
func TestLiveWaitsForThePerson(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		terminal, typed := io.Pipe()
		go func() {
			time.Sleep(10 * invocation.Timeout)
			_, _ = io.WriteString(typed, "yes\n")
		}()
		next := func(ctx context.Context, r request.Resolved) (*provision.Result, error) {
			require.NoError(t, ctx.Err())
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, invocation.Timeout, time.Until(deadline))
			return created(ctx, r)
		}
		ctx, cancel := context.WithTimeout(t.Context(), invocation.Timeout)
		defer cancel()
		_, err := newConfirming(t.Context(), next, terminal, &output{}).Ensure(ctx, liveRequest, provision.Delivery{})
		require.NoError(t, err)
	})
}

// Ctrl-C at the question ends it, and counts as a no.
func TestLiveCanBeInterrupted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		terminal, typed := io.Pipe()
		defer func() { _ = typed.Close() }()
		ctx, interrupt := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, interrupt)
		_, err := newConfirming(ctx, nil, terminal, &output{}).Ensure(ctx, liveRequest, provision.Delivery{})
		require.ErrorContains(t, err, "nothing was created")
	})
}

// Through the whole handler: the person's no is the result of the event.
func TestLiveNoIsAFailure(t *testing.T) {
	atRoot(t)
	var out output
	h := &handler.Handler{
		Provisioner: newConfirming(t.Context(), nil, strings.NewReader("no\n"), &out), Logger: slog.New(slog.DiscardHandler),
	}
	r := &runner{handler: h, out: &out, bodies: true, expect: func(string) expectation { return expectation{} }}
	err := r.handleAll(t.Context(), []string{"events/direct.json"})
	require.EqualError(t, err, "events/direct.json: expected success, got Internal")
	require.Contains(t, out.String(), "You did not type yes; nothing was created.")

	// What is no good request is refused before anyone is asked.
	h.Provisioner = newConfirming(t.Context(), nil, noInput{}, &out)
	err = r.handleAll(t.Context(), []string{"events/refused/InvalidRequest.json"})
	require.EqualError(t, err, "events/refused/InvalidRequest.json: expected success, got InvalidRequest")
}

func TestLivePassesFailuresOn(t *testing.T) {
	t.Parallel()
	failure := errors.New("SendGrid is down")
	next := func(context.Context, request.Resolved) (*provision.Result, error) { return nil, failure }
	_, err := newConfirming(t.Context(), next, strings.NewReader("yes\n"), &output{}).Ensure(t.Context(), liveRequest, provision.Delivery{})
	require.ErrorIs(t, err, failure)
}
