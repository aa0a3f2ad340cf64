package status_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/status"
)

// unreadable are the ways in which something of AWS cannot be read, and what is said about it.
func unreadable(of, action, remedy string) map[string]struct {
	err  error
	want string
} {
	refused := func(code string) error {
		return fmt.Errorf("wrapped: %w", &smithy.GenericAPIError{Code: code, Message: secretText})
	}
	type unreadable = struct {
		err  error
		want string
	}
	missing, denied := " of "+of+" does not exist in this account and region. Correct "+of+", or "+remedy+".", " of "+of+" may not be read. Allow "+action+" to the function's role."
	return map[string]unreadable{
		"missing":       {refused("ResourceNotFoundException"), missing},
		"missing queue": {refused("AWS.SimpleQueueService.NonExistentQueue"), missing},
		"another form":  {refused("QueueDoesNotExist"), missing},
		"denied":        {refused("AccessDeniedException"), denied},
		"denied by SQS": {refused("AccessDenied"), denied},
		"throttled":     {refused("ThrottlingException"), " of " + of + " could not be read. Run the status again; if that persists, the function's log has the cause. If the function runs in a VPC, check its way to AWS."},
		"no response":   {errBroken, " of " + of + " could not be read. Run the status again; "},
	}
}

func TestEventBus(t *testing.T) {
	t.Parallel()
	off := run(t, status.EventBus(nil))
	require.True(t, off.OK)
	require.Contains(t, off.Message, "EVENT_BUS_NAME is not set")
	good := run(t, status.EventBus(fails(nil)))
	require.Equal(t, status.Result{Name: "event_bus", OK: true, Message: "The event bus exists."}, good)
	for name, tt := range unreadable("EVENT_BUS_NAME", "events:DescribeEventBus", "create it") {
		bad := run(t, status.EventBus(fails(tt.err)))
		require.False(t, bad.OK)
		require.Contains(t, bad.Message, "The event bus"+tt.want, name)
		require.ErrorIs(t, bad.Cause, tt.err)
	}
}

// count counts the messages of a queue.
func count(n int, err error) func(context.Context) (int, error) {
	return func(context.Context) (int, error) { return n, err }
}

// Messages in the event queue are its purpose; those in the dead-letter queue are somebody's work.
func TestQueues(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		check func(func(context.Context) (int, error)) status.Check
		is    string
		words string
		full  bool // whether it is ok if it has messages
	}{
		"EVENT_QUEUE_URL":       {status.EventQueue, "event_queue", "event queue", true},
		"DEAD_LETTER_QUEUE_URL": {status.DeadLetterQueue, "dead_letter_queue", "dead-letter queue", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			off := run(t, tt.check(nil))
			require.Equal(t, tt.is, off.Name)
			require.True(t, off.OK)
			require.Contains(t, off.Message, name+" is not set")
			require.True(t, run(t, tt.check(count(0, nil))).OK)

			for n, want := range map[int]string{1: "Messages in the " + tt.words + ": 1.", 1234: "Messages in the " + tt.words + ": 1234."} {
				waiting := run(t, tt.check(count(n, nil)))
				require.Equal(t, tt.full, waiting.OK)
				require.Contains(t, waiting.Message, want)
				require.Equal(t, !tt.full, strings.Contains(waiting.Message, "ShowDeadLettersCommand"))
				require.NoError(t, waiting.Cause)
			}
			for reason, broken := range unreadable(name, "sqs:GetQueueAttributes", "create it") {
				bad := run(t, tt.check(count(0, broken.err)))
				require.False(t, bad.OK)
				require.Contains(t, bad.Message, "The queue"+broken.want, reason)
				require.ErrorIs(t, bad.Cause, broken.err)
			}
		})
	}
}

// unavailable are the ways in which a secret can be of no use, and what is said about it.
func unavailable() map[string]struct {
	err  error
	want string
} {
	refused := func(code string) error {
		return &secret.Error{ID: "sso/secret", Err: &smithy.GenericAPIError{Code: code, Message: secretText}}
	}
	type unavailable = struct {
		err  error
		want string
	}
	return map[string]unavailable{
		"empty":         {&secret.Error{Unusable: true, Err: errors.New("is empty; store a value in it")}, " is empty; store a value in it."},
		"missing":       {refused("ResourceNotFoundException"), " does not exist in this account and region or has no value yet; create it or correct its name."},
		"no permission": {refused("AccessDeniedException"), " may not be read; allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if that is your own."},
		"encrypted":     {refused("DecryptionFailure"), " could not be decrypted; allow kms:Decrypt on its key and check that the key is enabled."},
		"unreachable":   {&secret.Error{Err: errBroken}, " could not be read from Secrets Manager. Run the status again; if that persists, the function's log has the cause."},
		"no time":       {context.DeadlineExceeded, " could not be read from Secrets Manager. Run the status again"},
		"another":       {errBroken, " could not be read from Secrets Manager. Run the status again"},
	}
}

// schemes are those of a webhook secret.
func schemes(err error, names ...string) func(context.Context) ([]string, error) {
	return func(context.Context) ([]string, error) { return names, err }
}

func TestWebhookSecret(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		schemes func(context.Context) ([]string, error)
		ok      bool
		want    string
	}{
		"off":       {nil, true, "WEBHOOK_SECRET_ID is not set"},
		"two":       {schemes(nil, "bearer", "github"), true, "Webhooks are accepted by bearer, github."},
		"no scheme": {schemes(nil), false, "The webhook secret has no usable key, so every webhook is refused. Put one into it"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := run(t, status.WebhookSecret(tt.schemes))
			require.Equal(t, "webhook_secret", got.Name)
			require.Equal(t, tt.ok, got.OK)
			require.Contains(t, got.Message, tt.want)
			require.NoError(t, got.Cause)
		})
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	some := run(t, status.Hosts([]string{"*.okta.com", "login.microsoftonline.com"}))
	require.Equal(t, status.Result{Name: "saml_metadata_hosts", OK: true, Message: "SAML metadata is fetched from *.okta.com, login.microsoftonline.com."}, some)
	none := run(t, status.Hosts(nil))
	require.True(t, none.OK)
	require.Contains(t, none.Message, "saml_metadata_url is refused")
}
