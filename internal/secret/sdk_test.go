package secret_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/internal/secret/secrettest"
)

// realClient returns the SDK's client of a server. It tries once, so that a test need not wait.
func realClient(t *testing.T, h http.Handler) *secretsmanager.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return secretsmanager.NewFromConfig(aws.Config{
		Region:           "us-east-1",
		BaseEndpoint:     &server.URL,
		HTTPClient:       server.Client(),
		RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "test"}, nil
		}),
	})
}

func TestAPIKeyWithTheSDK(t *testing.T) {
	t.Parallel()
	sm := secrettest.New()
	old := sm.Put(id, "SG.old\n")
	k := secret.NewAPIKey(realClient(t, sm), id, secret.Options{TTL: time.Hour})

	key, version, err := k.Key(t.Context())
	require.NoError(t, err)
	require.Equal(t, "SG.old", key)
	require.Equal(t, old, version)

	_, same, err := k.RenewKey(t.Context(), version)
	require.NoError(t, err)
	require.Equal(t, old, same, "not rotated yet")

	rotated := sm.Put(id, `{"api_key":"SG.new"}`)
	key, version, err = k.RenewKey(t.Context(), old)
	require.NoError(t, err)
	require.Equal(t, "SG.new", key)
	require.Equal(t, rotated, version)
	require.Equal(t, 3, sm.Calls())
}

func TestErrorsOfTheSDK(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		code      string
		transient bool
		want      string
	}{
		"missing":     {want: "does not exist in this account and region"},
		"forbidden":   {status: 400, code: "AccessDeniedException", want: "may not be read; allow"},
		"deleted":     {status: 400, code: "InvalidRequestException", want: "check whether it is scheduled for deletion"},
		"undecrypted": {status: 400, code: "DecryptionFailure", want: "could not be decrypted"},
		"broken":      {status: 500, code: "InternalServiceError", transient: true, want: "could not be read"},
		"throttled":   {status: 400, code: "ThrottlingException", transient: true, want: "could not be read"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sm := secrettest.New()
			if tt.code != "" {
				sm.Put(id, hidden)
				sm.Fail(1, tt.status, tt.code)
			}
			k := secret.NewAPIKey(realClient(t, sm), id, secret.Options{})
			_, _, err := k.Key(t.Context())

			var failure *secret.Error
			require.ErrorAs(t, err, &failure)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, tt.code)
			require.Equal(t, tt.transient, !failure.Definite())

			sm.Put(id, hidden)
			key, _, err := k.Key(t.Context())
			require.NoError(t, err)
			require.Equal(t, hidden, key)
		})
	}
}

func TestBinarySecretWithTheSDK(t *testing.T) {
	t.Parallel()
	sm := secrettest.New()
	sm.PutBinary(id, []byte(hidden))
	_, _, err := secret.NewAPIKey(realClient(t, sm), id, secret.Options{}).Key(t.Context())
	require.EqualError(t, err, `secret "sendgrid/api-key" is binary; store it as text`)
}

// The SDK quotes what it cannot decode: here, the secret.
func TestUndecodableResponseDoesNotShowTheSecret(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"bad escape":   `{"SecretString":"SG.do-not-print-this\x"}`,
		"cut off":      `{"SecretString":"SG.do-not-print-this`,
		"wrong type":   `{"SecretString":{"api_key":"SG.do-not-print-this"}}`,
		"not JSON":     `SG.do-not-print-this`,
		"wrong base64": `{"SecretBinary":"SG.do-not-print-this"}`,
		"wrong time":   `{"CreatedDate":"SG.do-not-print-this"}`,
	} {
		for _, status := range []int{200, 400} {
			t.Run(fmt.Sprint(name, status), func(t *testing.T) {
				t.Parallel()
				client := realClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				}))
				_, _, err := secret.NewAPIKey(client, id, secret.Options{}).Key(t.Context())
				require.Error(t, err)
				for e := err; e != nil; {
					requireHidden(t, fmt.Sprintf("%v %+v %#v", e, e, e), "error")
					wrapped, ok := e.(interface{ Unwrap() error })
					if !ok {
						break
					}
					e = wrapped.Unwrap()
				}
			})
		}
	}
}
