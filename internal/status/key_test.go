package status_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/status"
	"sendgrid-sso-integration/sendgrid"
)

// full are the scopes of a key that may do all, and most of what they are about is not SSO.
func full(without ...string) []string {
	scopes := []string{sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate, sendgrid.ScopeDelete}
	scopes = append(scopes, others(100)...)
	kept := scopes[:0]
	for _, s := range scopes {
		if !slices.Contains(without, s) {
			kept = append(kept, s)
		}
	}
	return kept
}

// others are scopes that are not about SSO.
func others(n int) (scopes []string) {
	for i := range n {
		scopes = append(scopes, fmt.Sprintf("mail.batch%d.read", i))
	}
	return scopes
}

// key returns the checks of a key with these scopes, or of one that cannot be used.
func key(scopes []string, err error, deletes bool) []status.Check {
	list := func(context.Context) ([]string, error) { return scopes, err }
	return status.Key(context.Background(), fails(nil), list, status.Needs(status.Uses{Deletes: deletes}))
}

// keyResults are the results of those checks.
func keyResults(t *testing.T, scopes []string, err error, deletes bool) (apiKey, scope status.Result) {
	t.Helper()
	r := account{checks: key(scopes, err, deletes)}.report(t)
	return check(t, r, "api_key"), check(t, r, "scopes")
}

// The two checks share one call, and what it ends in: also if that is a mistake.
func TestKeyIsAskedOnce(t *testing.T) {
	t.Parallel()
	calls := 0
	list := func(context.Context) ([]string, error) {
		calls++
		panic("no")
	}
	checks := status.Key(t.Context(), fails(nil), list, status.Needs(status.Uses{}))
	r := account{checks: checks}.report(t)
	require.Equal(t, 1, calls)
	require.Equal(t, []string{"api_key", "scopes"}, failing(r))
	for _, c := range r.Checks[:2] {
		require.Contains(t, c.Message, "mistake in this function")
		require.ErrorContains(t, c.Cause, "panic: no")
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	failure := func(code int, said ...string) error {
		e := &sendgrid.Error{Op: sendgrid.OpListScopes, StatusCode: code, Sent: true}
		for _, message := range said {
			e.Errors = append(e.Errors, sendgrid.FieldError{Message: message})
		}
		return e
	}
	for name, tt := range map[string]struct {
		err  error
		want []string
	}{
		"revoked":              {failure(401, "The provided authorization grant is invalid, expired, or revoked"), []string{"does not accept the API key", "invalid, expired, or revoked", "Put a valid key into the secret"}},
		"IP access management": {failure(401, "The requestor's IP Address is not whitelisted"), []string{"not whitelisted", "IP Access Management", "NAT gateway"}},
		"region":               {failure(403, "access denied based on their regional attribute"), []string{"Set SENDGRID_REGION"}},
		"forbidden":            {failure(403, "access forbidden"), []string{"access forbidden", "Make a new key"}},
		"suspended":            {failure(402, "account suspended"), []string{"account suspended", "plan of the SendGrid account"}},
		"rate limit":           {failure(429), []string{"rate limit", "Run the status again in a minute"}},
		"outage":               {failure(500, errBroken.Error()), []string{"SendGrid could not be asked", "status page"}},
		"no response":          {&sendgrid.Error{Op: sendgrid.OpListScopes, Sent: true, Err: context.DeadlineExceeded}, []string{"SendGrid could not be asked", "VPC", "SENDGRID_REGION"}},
		"never sent":           {&sendgrid.Error{Op: sendgrid.OpListScopes, Err: errBroken}, []string{"SendGrid could not be asked", "VPC"}},
		"another response":     {&sendgrid.Error{Op: sendgrid.OpListScopes, StatusCode: 200, Sent: true, Err: errBroken}, []string{"SendGrid could not be asked"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiKey, scopes := keyResults(t, nil, tt.err, false)
			require.False(t, apiKey.OK)
			for _, text := range tt.want {
				require.Contains(t, apiKey.Message, text)
			}
			require.ErrorIs(t, apiKey.Cause, tt.err, "the log has it")
			require.False(t, scopes.OK)
			require.Equal(t, "The scopes of the API key could not be read; see the check api_key.", scopes.Message)
		})
	}
	apiKey, scopes := keyResults(t, full(), nil, true)
	require.Equal(t, status.Result{Name: "api_key", OK: true, Message: "The secret can be read, and SendGrid accepts the API key."}, apiKey)
	require.True(t, scopes.OK)
}

// What is wrong with the secret is said as precisely as it is known, and SendGrid is not asked.
func TestSecretOfTheAPIKey(t *testing.T) {
	t.Parallel()
	for name, tt := range unavailable() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := func(context.Context) ([]string, error) { panic("without a key") }
			checks := status.Key(t.Context(), fails(tt.err), list, status.Needs(status.Uses{}))
			r := account{checks: checks}.report(t)
			apiKey := check(t, r, "api_key")
			require.False(t, apiKey.OK)
			require.Contains(t, apiKey.Message, "The secret with the SendGrid API key"+tt.want)
			require.Equal(t, !strings.Contains(tt.want, "Secrets Manager."), strings.HasSuffix(apiKey.Message, " The output PutApiKeyCommand puts a key into it."))
			require.ErrorIs(t, apiKey.Cause, tt.err, "the log has it")
			require.Equal(t, "The scopes of the API key could not be read; see the check api_key.", check(t, r, "scopes").Message)

			// SendGrid may refuse the key that was read a moment ago, and the next one cannot be read.
			apiKey, _ = keyResults(t, nil, &sendgrid.KeyError{Op: sendgrid.OpListScopes, Err: tt.err}, false)
			require.Contains(t, apiKey.Message, "The secret with the SendGrid API key"+tt.want)

			webhook := run(t, status.WebhookSecret(schemes(tt.err)))
			require.False(t, webhook.OK)
			require.Contains(t, webhook.Message, "The webhook secret"+tt.want)
			require.Equal(t, tt.err, webhook.Cause)
		})
	}
}

// Each scope that is missing is named, with what needs it.
func TestScopes(t *testing.T) {
	t.Parallel()
	const plan = "plan most likely does not include SSO"
	for name, tt := range map[string]struct {
		scopes  []string
		deletes bool
		ok      bool
		want    []string
		without []string
	}{
		"all":                      {scopes: full(), deletes: true, ok: true, want: []string{"the 4 scopes that are needed"}},
		"just those":               {scopes: []string{sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate}, ok: true, want: []string{"the 3 scopes that are needed"}},
		"no read":                  {scopes: full(sendgrid.ScopeRead), want: []string{"lacks sso.settings.read, which every request and every audit needs. Make a new key that has what is missing, and put it into the secret with the output PutApiKeyCommand; to edit a key may not be enough."}, without: []string{plan, "create"}},
		"no create":                {scopes: full(sendgrid.ScopeCreate), want: []string{"lacks sso.settings.create, which the create of a connection and of a certificate needs."}, without: []string{plan}},
		"no update":                {scopes: full(sendgrid.ScopeUpdate), want: []string{"lacks sso.settings.update, which if_exists: update, restore and state: absent need."}},
		"two":                      {scopes: full(sendgrid.ScopeRead, sendgrid.ScopeUpdate), want: []string{"lacks sso.settings.read, which", "; sso.settings.update, which"}},
		"no delete":                {scopes: full(sendgrid.ScopeDelete), deletes: true, want: []string{"lacks sso.settings.delete, which DELETE_AFTER needs."}},
		"no delete, not needed":    {scopes: full(sendgrid.ScopeDelete), ok: true},
		"none at all":              {scopes: []string{}, want: []string{"sso.settings.read", "sso.settings.create", "sso.settings.update"}, without: []string{plan, "delete"}},
		"few others":               {scopes: others(49), want: []string{"lacks sso.settings.read"}, without: []string{plan}},
		"many others":              {scopes: others(50), want: []string{"has 50 scopes and none of SSO's", plan, "Email API Pro", "If the plan is one of them, make a new key with sso.settings.read, sso.settings.create, sso.settings.update."}, without: []string{"lacks"}},
		"many, and some of SSO's":  {scopes: append(others(80), "sso.teammates.read"), want: []string{"lacks sso.settings.read"}, without: []string{plan}},
		"similar names are others": {scopes: append(others(49), "ssox.settings.read"), want: []string{"has 50 scopes", plan}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			apiKey, scopes := keyResults(t, tt.scopes, nil, tt.deletes)
			require.True(t, apiKey.OK)
			require.Equal(t, tt.ok, scopes.OK, scopes.Message)
			for _, text := range tt.want {
				require.Contains(t, scopes.Message, text)
			}
			for _, text := range tt.without {
				require.NotContains(t, scopes.Message, text)
			}
			require.NoError(t, scopes.Cause)
		})
	}
}

// The scopes of teammates are needed only where they are on, each for something else.
func TestScopesOfTeammates(t *testing.T) {
	t.Parallel()
	of := func(scopes []string) status.Result {
		list := func(context.Context) ([]string, error) { return scopes, nil }
		return check(t, account{checks: status.Key(t.Context(), fails(nil), list, status.Needs(status.Uses{Teammates: true}))}.report(t), "scopes")
	}
	lacks := of(full()).Message
	all := full()
	for scope, need := range map[string]string{
		"sso.teammates.create": "the create of a teammate needs", "sso.teammates.update": "the update of a teammate needs",
		"teammates.read": "every request for a teammate and every audit needs", "teammates.delete": "state: absent of a teammate needs", "subusers.read": "subuser_access by name needs",
	} {
		require.Contains(t, lacks, scope+", which "+need)
		all = append(all, scope)
	}
	require.True(t, of(all).OK)
	require.Contains(t, of(all).Message, "the 8 scopes that are needed")
}

// Every scope that an operation of the client needs is checked, but those of what is off only if it is on.
func TestNeeds(t *testing.T) {
	t.Parallel()
	scopes := map[string]bool{}
	for _, need := range status.Needs(status.Uses{Deletes: true, Teammates: true}) {
		require.False(t, scopes[need.Scope], "once")
		require.NotEmpty(t, need.For)
		scopes[need.Scope] = true
	}
	for _, op := range sendgrid.Ops() {
		if op.Scope() != "" {
			require.Contains(t, scopes, op.Scope(), string(op))
		}
	}
	require.Len(t, status.Needs(status.Uses{Teammates: true}), len(scopes)-1)
	require.Len(t, status.Needs(status.Uses{Deletes: true}), len(scopes)-5)
	require.Len(t, status.Needs(status.Uses{}), len(scopes)-6)
}
