package secret_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	binary := &secretsmanager.GetSecretValueOutput{SecretBinary: []byte(hidden)}
	empty := text("", "1")
	tests := map[string]struct {
		out       *secretsmanager.GetSecretValueOutput
		err       error
		permanent bool
		transient bool
		want      string
	}{
		"binary":     {out: binary, permanent: true, want: "is binary; store it as text"},
		"empty":      {out: empty, permanent: true, want: "is empty; store a value in it"},
		"nothing":    {out: &secretsmanager.GetSecretValueOutput{}, transient: true, want: "could not be read: the response has no value"},
		"unparsable": {out: text("rubbish", "1"), permanent: true, want: "is not what was expected"},
		"missing": {err: awsError("ResourceNotFoundException"), want: "does not exist in this account and region or has " +
			"no value yet; create it or correct its name: api error ResourceNotFoundException: said AWS"},
		"forbidden": {err: awsError("AccessDeniedException"), want: "may not be read; allow secretsmanager:GetSecretValue " +
			"on it, and kms:Decrypt on its key if that is your own: api error AccessDeniedException: said AWS"},
		"undecryptable": {err: awsError("DecryptionFailure"), want: "could not be decrypted; allow kms:Decrypt on its key " +
			"and check that the key is enabled: api error DecryptionFailure: said AWS"},
		"deleted": {err: awsError("InvalidRequestException"), want: "cannot be read in its present state; check whether it " +
			"is scheduled for deletion: api error InvalidRequestException: said AWS"},
		"key denied": {err: awsError("KMSAccessDeniedException"), want: "could not be decrypted; allow kms:Decrypt on its key " +
			"and check that the key is enabled: api error KMSAccessDeniedException: said AWS"},
		"key disabled": {err: awsError("KMSDisabledException"), want: "could not be decrypted; allow kms:Decrypt on its key " +
			"and check that the key is enabled: api error KMSDisabledException: said AWS"},
		"throttled": {err: awsError("ThrottlingException"), transient: true, want: "could not be read: api error " +
			"ThrottlingException: said AWS"},
		"unreachable": {err: errUnreachable, transient: true, want: "could not be read: unreachable"},
		"undecodable": {
			transient: true, err: &smithy.DeserializationError{Err: errors.New(hidden), Snapshot: []byte(hidden)},
			want: "could not be read: the response could not be decoded",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := &fakeAPI{get: func(context.Context, int) (*secretsmanager.GetSecretValueOutput, error) {
				return tt.out, tt.err
			}}
			_, _, err := newCache(api, secret.Options{}).Get(t.Context())

			var failure *secret.Error
			require.ErrorAs(t, err, &failure)
			require.EqualError(t, err, `secret "sendgrid/api-key" `+tt.want)
			require.Equal(t, id, failure.ID)
			require.Equal(t, tt.permanent, failure.Permanent())
			require.Equal(t, tt.transient, !failure.Definite())
			if tt.transient {
				require.Empty(t, failure.Advice())
			} else {
				require.NotEmpty(t, failure.Advice())
				require.Equal(t, failure.Advice(), strings.Split(tt.want, ": api error")[0], "without what AWS said")
			}
			require.Error(t, errors.Unwrap(err))
		})
	}
}
