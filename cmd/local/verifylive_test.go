package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// reading is how many lines reading an account prints that has certificates.
const reading = 7

// accountOfTwo returns an account with an integration that has a certificate, and a half-configured one.
func accountOfTwo(t *testing.T) *sendgridtest.Server {
	t.Helper()
	sg, _ := madeByHand(connection("a").with(func(h *handMade) { h.certificates = []string{newCertificate(t, -1, 30)} }))
	sg.Add(sendgrid.IntegrationRequest{Name: "half configured"})
	return sg
}

// verifyFrom runs the command against a simulator.
func verifyFrom(t *testing.T, sg *sendgridtest.Server, args ...string) (out string, err error) {
	t.Helper()
	server := httptest.NewServer(sg)
	t.Cleanup(server.Close)
	getenv := func(name string) string {
		return map[string]string{"SENDGRID_API_KEY": apiKey, "SENDGRID_BASE_URL": server.URL}[name]
	}
	var o, l output
	err = run(t.Context(), append([]string{"verify-live"}, args...), getenv, noInput{}, &o, &l)
	require.Empty(t, l.String())
	requireNoKey(t, o.String(), err)
	return o.String(), err
}

func requireNoKey(t *testing.T, out string, err error) {
	t.Helper()
	require.NotContains(t, out, apiKey)
	if err != nil {
		require.NotContains(t, err.Error(), apiKey)
	}
}

// requireSame requires that an account has what it had, and returns what was sent to it that writes.
func requireSame(t *testing.T, sg *sendgridtest.Server, had []sendgrid.Integration) (writes []string) {
	t.Helper()
	require.Equal(t, had, sg.Integrations())
	for _, r := range sg.Requests() {
		if r.Op.Writes() {
			writes = append(writes, string(r.Op))
		}
		if r.Op == sendgrid.OpCreateIntegration || r.Op == sendgrid.OpUpdateIntegration {
			require.Contains(t, string(r.Body), `"enabled":false`)
			require.Contains(t, string(r.Body), "DELETE ME")
		}
	}
	return writes
}

func TestVerifyLiveReads(t *testing.T) {
	t.Parallel()
	sg := accountOfTwo(t)
	had := sg.Integrations()
	out, err := verifyFrom(t, sg)
	require.NoError(t, err, out)
	require.Equal(t, reading, strings.Count(out, "\nok "), out)
	require.NotContains(t, out, "differs")
	require.NotContains(t, out, "okta.com", "no value is printed")
	require.Empty(t, requireSame(t, sg, had))
}

func TestVerifyLiveReadsAnEmptyAccount(t *testing.T) {
	t.Parallel()
	out, err := verifyFrom(t, sendgridtest.New())
	require.NoError(t, err, out)
	require.Contains(t, out, "no integration to read")
}

// What differs is one line that says what, without the value.
func TestVerifyLiveSaysWhatDiffers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault sendgridtest.Fault
		want  string
	}{
		"an unknown field": {
			sendgridtest.Fault{Op: sendgrid.OpListScopes, Status: http.StatusOK, Body: `{"scopes":["sso.settings.read"],"plan":"secret"}`},
			`the scopes of the key: "plan" is an unknown field (string)`,
		},
		"another status": {
			sendgridtest.Fault{Op: sendgrid.OpListScopes, Status: http.StatusAccepted, Body: `{"scopes":["sso.settings.read"]}`},
			"the scopes of the key: the status is 202, not 200",
		},
		"a missing field": {
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Omit: []string{"last_updated"}},
			`the list of integrations, which has 2: "last_updated" is missing, in 1 of 2`,
		},
		"another type": {
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: `[{"entity_id":"urn:x","signin_url":7}]`},
			`the list of integrations, which has 1: "signin_url" is number, not string`,
		},
		"two URLs": {
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: http.StatusOK, Body: `[{"entity_id":"urn:x","single_signon_url":"https://a","audience_url":"https://b"}]`},
			"single_signon_url is not audience_url, in 1 of 1",
		},
		"no rate limit": {
			sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Header: map[string]string{"X-RateLimit-Reset": ""}},
			"the headers of the rate limit: X-RateLimit-Reset is missing",
		},
		"a field of one integration": {
			sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Omit: []string{"audience_url"}}, `an integration by its id: "audience_url" is missing`,
		},
		"no id of the integration": {
			sendgridtest.Fault{Op: sendgrid.OpListCertificates, Omit: []string{"intergration_id"}}, "intergration_id and integration_id are missing",
		},
		"other dates": {
			sendgridtest.Fault{Op: sendgrid.OpListCertificates, Omit: []string{"not_after"}}, "not_before and not_after are not those in the certificate",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sg := accountOfTwo(t)
			sg.Script(tt.fault)
			out, err := verifyFrom(t, sg)
			require.ErrorContains(t, err, "differ from what the function assumes")
			require.Contains(t, out, "\ndiffers  ")
			require.Contains(t, out, tt.want)
			require.NotContains(t, out, "secret")
		})
	}
}

func TestVerifyLiveCannotRead(t *testing.T) {
	t.Parallel()
	sg := sendgridtest.New()
	sg.SetKeys("SG.another")
	_, err := verifyFrom(t, sg)
	require.ErrorContains(t, err, "does not accept the API key in SENDGRID_API_KEY")

	sg = sendgridtest.New()
	sg.SetScopes(apiKey, "mail.send")
	_, err = verifyFrom(t, sg)
	require.ErrorContains(t, err, sendgrid.ScopeRead)
}

// tryIn carries out the trial within a bubble, whose clock is its own.
func tryIn(ctx context.Context, t *testing.T, sg *sendgridtest.Server) (out string, took time.Duration, err error) {
	t.Helper()
	network := sendgridtest.NewNetwork(sg)
	defer network.Close()
	client := &sendgrid.Client{Keys: fixedKey(apiKey), HTTP: network.HTTPClient()}
	var o output
	start := time.Now()
	err = newVerifier(client, &o, &output{}).run(ctx, true)
	requireNoKey(t, o.String(), err)
	return o.String(), time.Since(start), err
}

func TestVerifyLiveWrites(t *testing.T) {
	t.Parallel()
	for name, lag := range map[string]time.Duration{"at once": 0, "with a lag": 10 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sg := accountOfTwo(t)
				had := sg.Integrations()
				time.Sleep(lag) // So that the account is shown.
				sg.SetLag(lag, lag/2)
				out, _, err := tryIn(t.Context(), t, sg)
				require.NoError(t, err, out)
				require.NotContains(t, out, "differs")
				require.NotContains(t, out, "left")
				require.Equal(t, []string{
					"create integration", "update integration", "create certificate", "delete certificate", "delete integration",
				}, requireSame(t, sg, had))
				for _, want := range []string{
					"the list shows the new integration after ", "a read by id shows the new integration after ", "the list shows the update after ",
					"the list of certificates shows the new certificate after ", "the list shows that the integration is gone after ",
				} {
					_, rest, found := strings.Cut(out, want)
					require.True(t, found, "%s\n%s", want, out)
					line, _, _ := strings.Cut(rest, "\n")
					shown, err := time.ParseDuration(line)
					require.NoError(t, err)
					require.GreaterOrEqual(t, shown, lag/2, want)
					require.LessOrEqual(t, shown, lag+maxPoll, want)
				}
			})
		})
	}
}

// Whatever fails, nothing of the trial is left.
func TestVerifyLiveRemovesTheTrial(t *testing.T) {
	t.Parallel()
	refused := func(op sendgrid.Op) sendgridtest.Fault {
		return sendgridtest.Fault{Op: op, Status: http.StatusBadRequest, Body: `[{"message":"no"}]`}
	}
	lost := func(op sendgrid.Op) sendgridtest.Fault { return sendgridtest.Fault{Op: op, Commit: true, Drop: true} }
	for name, tt := range map[string]struct {
		fault sendgridtest.Fault
		lag   time.Duration
		wrong string // empty: nothing is
	}{
		"a refused create":             {refused(sendgrid.OpCreateIntegration), 0, "the trial ended early"},
		"a create without a response":  {lost(sendgrid.OpCreateIntegration), 0, "the trial ended early"},
		"a create that is shown late":  {lost(sendgrid.OpCreateIntegration), 20 * time.Second, "the trial ended early"},
		"a create that was never made": {sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Drop: true}, 0, "the trial ended early"},
		"a create without an id":       {sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Omit: []string{"id"}}, 5 * time.Second, "1 line(s) differ"},
		"a refused update":             {refused(sendgrid.OpUpdateIntegration), 0, "the trial ended early"},
		"an update without a response": {lost(sendgrid.OpUpdateIntegration), 0, ""},
		"a refused certificate":        {refused(sendgrid.OpCreateCertificate), 0, "the trial ended early"},
		"a certificate that is lost":   {lost(sendgrid.OpCreateCertificate), 20 * time.Second, "the trial ended early"},
		"a certificate that is not shown": {
			sendgridtest.Fault{Op: sendgrid.OpListCertificates, Skip: 1, Times: -1, Status: http.StatusOK, Body: "[]"}, 0, "does not show the new certificate",
		},
		"a deletion without a response": {lost(sendgrid.OpDeleteIntegration), 0, ""},
		"a certificate's that is not":   {lost(sendgrid.OpDeleteCertificate), 0, ""},
		"a forbidden update": {
			sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Status: http.StatusForbidden, Body: `[{"message":"access forbidden"}]`}, 0, sendgrid.ScopeUpdate,
		},
		"another response to an update": {sendgridtest.Fault{Op: sendgrid.OpUpdateIntegration, Omit: []string{"name"}}, 0, "1 line(s) differ"},
		"reads that always lag":         {sendgridtest.Fault{Op: sendgrid.OpGetIntegration, Skip: 1, Times: 60, Status: http.StatusNotFound}, 0, "does not show the new integration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sg := accountOfTwo(t)
				had := sg.Integrations()
				time.Sleep(tt.lag)
				sg.SetLag(tt.lag, tt.lag)
				sg.Script(tt.fault)
				out, _, err := tryIn(t.Context(), t, sg)
				if tt.wrong == "" {
					require.NoError(t, err, out)
				} else {
					require.ErrorContains(t, err, tt.wrong, out)
				}
				require.NotContains(t, out, "left")
				requireSame(t, sg, had)
				require.LessOrEqual(t, sg.Count(sendgrid.OpCreateIntegration), 1)
				require.Len(t, sg.Certificates(had[0].ID), 1, "those of others stay")
				added := sg.Count(sendgrid.OpCreateCertificate) > 0 && (tt.fault.Op != sendgrid.OpCreateCertificate || tt.fault.Commit)
				require.Equal(t, added, sg.Count(sendgrid.OpDeleteCertificate) > 0)
			})
		})
	}
}

// A person who presses Ctrl-C leaves nothing behind, whatever is under way.
func TestVerifyLiveIsInterrupted(t *testing.T) {
	t.Parallel()
	for _, op := range []sendgrid.Op{
		sendgrid.OpListScopes, sendgrid.OpCreateIntegration, sendgrid.OpUpdateIntegration, sendgrid.OpCreateCertificate, sendgrid.OpDeleteCertificate,
	} {
		t.Run(string(op), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sg := accountOfTwo(t)
				had := sg.Integrations()
				sg.Script(sendgridtest.Fault{Op: op, Commit: true, Delay: 5 * time.Second})
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(time.Second, interrupt)
				out, took, err := tryIn(ctx, t, sg)
				if op != sendgrid.OpDeleteCertificate { // By then the trial is over.
					require.ErrorIs(t, err, context.Canceled)
				}
				require.NotContains(t, out, "left")
				require.Less(t, took, removalTime)
				requireSame(t, sg, had)
			})
		})
	}
}

// What cannot be removed is named, so that a person can.
func TestVerifyLiveSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		faults []sendgridtest.Fault
		want   func(id string) string
	}{
		"an integration": {
			[]sendgridtest.Fault{{Op: sendgrid.OpDeleteIntegration, Times: -1, Status: http.StatusForbidden}},
			func(id string) string { return "left     the integration " + id + `, named "DELETE ME: ` },
		},
		"a certificate": {
			[]sendgridtest.Fault{{Op: sendgrid.OpDeleteCertificate, Times: -1, Status: http.StatusInternalServerError}},
			func(id string) string { return "left     the integration " + id + `, named "DELETE ME: ` },
		},
		"one whose id is not known": {
			[]sendgridtest.Fault{
				{Op: sendgrid.OpCreateIntegration, Commit: true, Drop: true}, {Op: sendgrid.OpListIntegrations, Skip: 1, Times: -1, Status: http.StatusBadGateway},
			},
			func(string) string { return `left     perhaps an integration named "DELETE ME: ` },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sg := sendgridtest.New()
				sg.Script(tt.faults...)
				out, took, err := tryIn(t.Context(), t, sg)
				require.ErrorContains(t, err, "the trial could not be removed")
				left := sg.Integrations()
				require.Len(t, left, 1)
				require.Contains(t, out, tt.want(left[0].ID))
				require.Less(t, took, verifyTime+removalTime)
			})
		})
	}
}

// A key that could not remove the trial creates none.
func TestVerifyLiveNeedsEveryScope(t *testing.T) {
	t.Parallel()
	for _, missing := range []string{sendgrid.ScopeCreate, sendgrid.ScopeUpdate, sendgrid.ScopeDelete} {
		sg := accountOfTwo(t)
		had := sg.Integrations()
		var scopes []string
		for _, scope := range []string{sendgrid.ScopeCreate, sendgrid.ScopeRead, sendgrid.ScopeUpdate, sendgrid.ScopeDelete} {
			if scope != missing {
				scopes = append(scopes, scope)
			}
		}
		sg.SetScopes(apiKey, scopes...)
		_, err := verifyFrom(t, sg, "-write")
		require.ErrorContains(t, err, "the API key lacks the scopes "+missing+";")
		require.Empty(t, requireSame(t, sg, had))
	}
}
