package sendgrid_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

func TestOps(t *testing.T) {
	t.Parallel()
	methods := map[sendgrid.Op]bool{}
	for _, op := range sendgrid.Ops() {
		require.NotContains(t, methods, op, "each operation is listed once")
		methods[op] = true
		if op == sendgrid.OpListScopes {
			require.Empty(t, op.Scope(), "every key may read its own scopes")
			require.False(t, op.Writes())
			continue
		}
		require.Regexp(t, `^(sso\.settings|sso\.teammates|teammates|subusers)\.(create|read|update|delete)$`, op.Scope())
		require.Equal(t, !strings.HasSuffix(op.Scope(), ".read"), op.Writes(), op)
	}
	for _, each := range everyCall() {
		require.Contains(t, methods, each.op)
	}
	require.Len(t, everyCall(), len(methods), "each operation is tested, and each method has its operation")

	unknown := sendgrid.Op("unknown")
	require.Empty(t, unknown.Scope())
	require.False(t, unknown.Idempotent())
	require.False(t, unknown.Writes())
}

// The method that is sent fits the traits.
func TestOpMethods(t *testing.T) {
	t.Parallel()
	want := map[string]string{http.MethodPost: "create", http.MethodGet: "read", http.MethodPatch: "update", http.MethodDelete: "delete"}
	for _, each := range everyCall() {
		t.Run(string(each.op), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(http.StatusForbidden, ""))
			require.Error(t, each.call(t.Context(), h.client()))
			method := h.only().method
			if scope := each.op.Scope(); scope != "" {
				require.Equal(t, want[method], scope[strings.LastIndex(scope, ".")+1:])
			}
			require.Equal(t, method != http.MethodPost, each.op.Idempotent())
		})
	}
}

func TestClassOf(t *testing.T) {
	t.Parallel()
	const (
		write = sendgrid.OpCreateIntegration
		read  = sendgrid.OpListIntegrations
	)
	for name, tt := range map[string]struct {
		err         error
		write, read sendgrid.Class
	}{
		"never sent":          {err: &sendgrid.Error{Err: context.Canceled}, write: sendgrid.NeverSent, read: sendgrid.NeverSent},
		"no response":         {err: &sendgrid.Error{Sent: true}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"response, not sent":  {err: &sendgrid.Error{StatusCode: 500}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"unreadable response": {err: &sendgrid.Error{Sent: true, StatusCode: 200}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"299":                 {err: &sendgrid.Error{Sent: true, StatusCode: 299}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"300":                 {err: &sendgrid.Error{Sent: true, StatusCode: 300}, write: sendgrid.Ambiguous, read: sendgrid.Refused},
		"302":                 {err: &sendgrid.Error{Sent: true, StatusCode: 302}, write: sendgrid.Ambiguous, read: sendgrid.Refused},
		"400":                 {err: &sendgrid.Error{Sent: true, StatusCode: 400}, write: sendgrid.Refused, read: sendgrid.Refused},
		"401":                 {err: &sendgrid.Error{Sent: true, StatusCode: 401}, write: sendgrid.Refused, read: sendgrid.Refused},
		"402":                 {err: &sendgrid.Error{Sent: true, StatusCode: 402}, write: sendgrid.Refused, read: sendgrid.Refused},
		"403":                 {err: &sendgrid.Error{Sent: true, StatusCode: 403}, write: sendgrid.Refused, read: sendgrid.Refused},
		"404":                 {err: &sendgrid.Error{Sent: true, StatusCode: 404}, write: sendgrid.Ambiguous, read: sendgrid.Refused},
		"409":                 {err: &sendgrid.Error{Sent: true, StatusCode: 409}, write: sendgrid.Refused, read: sendgrid.Refused},
		"422":                 {err: &sendgrid.Error{Sent: true, StatusCode: 422}, write: sendgrid.Ambiguous, read: sendgrid.Refused},
		"429":                 {err: &sendgrid.Error{Sent: true, StatusCode: 429}, write: sendgrid.Throttled, read: sendgrid.Throttled},
		"500":                 {err: &sendgrid.Error{Sent: true, StatusCode: 500}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"504":                 {err: &sendgrid.Error{Sent: true, StatusCode: 504}, write: sendgrid.Ambiguous, read: sendgrid.Unavailable},
		"no key":              {err: &sendgrid.KeyError{Err: errors.New("gone")}, write: sendgrid.NoKey, read: sendgrid.NoKey},
		"another error":       {err: errors.New("another"), write: sendgrid.Ambiguous, read: sendgrid.Ambiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for op, want := range map[sendgrid.Op]sendgrid.Class{write: tt.write, read: tt.read} {
				err := tt.err
				var failure *sendgrid.Error
				if errors.As(err, &failure) {
					of := *failure
					of.Op = op
					err = &of
				}
				got := sendgrid.ClassOf(fmt.Errorf("wrapped: %w", err))
				require.Equal(t, want, got, "%s: %s", op, got)
				require.Equal(t, name == "404", sendgrid.IsNotFound(err))
			}
		})
	}
}

// SendGrid responds to an update with an invalid scope as if it had failed itself. It would do so again.
func TestRefusedScopes(t *testing.T) {
	t.Parallel()
	const said = `{"errors":[{"message":"Invalid scopes provided"}]}`
	for name, tt := range map[string]struct {
		op     sendgrid.Op
		status int
		body   string
		want   sendgrid.Class
	}{
		"an update":            {sendgrid.OpUpdateTeammate, 500, said, sendgrid.Refused},
		"in the other form":    {sendgrid.OpUpdateTeammate, 500, `[{"message":"invalid scopes provided","field":null}]`, sendgrid.Refused},
		"another failure":      {sendgrid.OpUpdateTeammate, 500, `{"errors":[{"message":"internal error"}]}`, sendgrid.Unavailable},
		"a gateway says it":    {sendgrid.OpUpdateTeammate, 502, said, sendgrid.Unavailable},
		"a create":             {sendgrid.OpCreateTeammate, 500, said, sendgrid.Ambiguous},
		"another update":       {sendgrid.OpUpdateIntegration, 500, said, sendgrid.Unavailable},
		"an update is refused": {sendgrid.OpUpdateTeammate, 400, said, sendgrid.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, reply(tt.status, tt.body))
			for _, each := range everyCall() {
				if each.op == tt.op {
					require.Equal(t, tt.want, sendgrid.ClassOf(each.call(t.Context(), h.client())))
				}
			}
			h.only()
		})
	}
}

func TestClassRepeatable(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for class, repeatable := range map[sendgrid.Class]bool{
		sendgrid.Ambiguous: false, sendgrid.Refused: false, sendgrid.NoKey: false,
		sendgrid.Unavailable: true, sendgrid.Throttled: true, sendgrid.NeverSent: true,
	} {
		require.Equal(t, repeatable, class.Repeatable(), class.String())
		names[class.String()] = true
	}
	require.Len(t, names, 6)
	require.False(t, sendgrid.Class(-1).Repeatable())
	require.NotContains(t, names, sendgrid.Class(-1).String())
}
