package secrettest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/secret/secrettest"
)

const uuid = `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`

// client returns the SDK's client of s. It tries once, so that a test need not wait.
func client(t *testing.T, s *secrettest.Server) *secretsmanager.Client {
	t.Helper()
	server := httptest.NewServer(s)
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

func get(t *testing.T, c *secretsmanager.Client, id string) *secretsmanager.GetSecretValueOutput {
	t.Helper()
	out, err := c.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: &id})
	require.NoError(t, err)
	return out
}

func TestPut(t *testing.T) {
	t.Parallel()
	s := secrettest.New()
	c := client(t, s)

	first := s.Put("team/key", "a")
	out := get(t, c, "team/key")
	require.Equal(t, "a", *out.SecretString)
	require.Nil(t, out.SecretBinary)
	require.Equal(t, "team/key", *out.Name)
	require.Equal(t, first, *out.VersionId)
	require.Regexp(t, uuid, first)
	require.Equal(t, []string{"AWSCURRENT"}, out.VersionStages)
	require.NotNil(t, out.CreatedDate)

	second := s.PutBinary(*out.ARN, []byte{0, 1, 2})
	require.NotEqual(t, first, second)
	out = get(t, c, "team/key")
	require.Equal(t, []byte{0, 1, 2}, out.SecretBinary)
	require.Nil(t, out.SecretString)
	require.Equal(t, second, *out.VersionId)
	require.Equal(t, 2, s.Calls())
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	for name, tt := range map[string]struct {
		put  string
		asks []string
	}{
		"put by name":        {"my-secret", []string{"my-secret"}},
		"put by ARN":         {arn + "my-key-Ab12Cd", []string{"my-key", arn + "my-key", arn + "my-key-Ab12Cd"}},
		"put by partial ARN": {arn + "a/b", []string{"a/b", arn + "a/b"}},
		"not quite an ARN":   {"x:secret:y", []string{"x:secret:y"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secrettest.New()
			s.Put(tt.put, "value")
			c := client(t, s)
			for _, id := range tt.asks {
				out := get(t, c, id)
				require.Equal(t, "value", *out.SecretString)
				require.Equal(t, "value", *get(t, c, *out.ARN).SecretString, "by the ARN it names")
			}
		})
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	s := secrettest.New()
	s.Put("known", "value")
	for name, in := range map[string]*secretsmanager.GetSecretValueInput{
		"secret":  {SecretId: aws.String("unknown")},
		"version": {SecretId: aws.String("known"), VersionId: aws.String(strings.Repeat("0", 36))},
		"stage":   {SecretId: aws.String("known"), VersionStage: aws.String("AWSPREVIOUS")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, s).GetSecretValue(t.Context(), in)
			var notFound *types.ResourceNotFoundException
			require.ErrorAs(t, err, &notFound)
			require.Contains(t, notFound.ErrorMessage(), "can't find")
		})
	}
}

func TestFail(t *testing.T) {
	t.Parallel()
	s := secrettest.New()
	s.Put("key", "value")
	c := client(t, s)

	s.Fail(2, http.StatusBadRequest, "AccessDeniedException")
	for range 2 {
		_, err := c.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("key")})
		var api smithy.APIError
		require.ErrorAs(t, err, &api)
		require.Equal(t, "AccessDeniedException", api.ErrorCode())
	}
	require.Equal(t, "value", *get(t, c, "key").SecretString)
	require.Equal(t, 3, s.Calls())

	s.Fail(1, http.StatusInternalServerError, "InternalServiceError")
	_, err := c.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("key")})
	var internal *types.InternalServiceError
	require.ErrorAs(t, err, &internal)
}

func TestProtocol(t *testing.T) {
	t.Parallel()
	const target = "secretsmanager.GetSecretValue"
	for name, tt := range map[string]struct {
		method, target, body string
		status               int
		want                 string
	}{
		"success":         {"POST", target, `{"SecretId":"key"}`, 200, `"SecretString":"value"`},
		"other operation": {"POST", "secretsmanager.PutSecretValue", `{}`, 400, `"__type":"UnknownOperationException"`},
		"no target":       {"POST", "", `{}`, 400, `"__type":"UnknownOperationException"`},
		"other method":    {"GET", target, "", 405, `"__type":"UnknownOperationException"`},
		"no body":         {"POST", target, "", 400, `"__type":"SerializationException"`},
		"not JSON":        {"POST", target, "{", 400, `"__type":"SerializationException"`},
		"too long": {"POST", target, `{"SecretId":"` + strings.Repeat("a", 64<<10) + `"}`, 400,
			`"__type":"SerializationException"`},
		"no id":   {"POST", target, `{}`, 400, `"__type":"InvalidParameterException"`},
		"unknown": {"POST", target, `{"SecretId":"other"}`, 400, `"__type":"ResourceNotFoundException"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secrettest.New()
			s.Put("key", "value")
			r := httptest.NewRequestWithContext(t.Context(), tt.method, "/", strings.NewReader(tt.body))
			r.Header.Set("X-Amz-Target", tt.target)
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)

			require.Equal(t, tt.status, w.Code)
			require.Equal(t, "application/x-amz-json-1.1", w.Header().Get("Content-Type"))
			require.Regexp(t, uuid, w.Header().Get("X-Amzn-RequestId"))
			require.Contains(t, w.Body.String(), tt.want)
		})
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	s := secrettest.New()
	c := client(t, s)
	s.Put("key", "value")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() { s.Put("key", "value") })
		wg.Go(func() {
			out, err := c.GetSecretValue(t.Context(), &secretsmanager.GetSecretValueInput{SecretId: aws.String("key")})
			if err != nil || *out.SecretString != "value" {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 20, s.Calls())
}
