package secret_test

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"

	"sendgrid-sso-integration/internal/secret"
)

const id = "sendgrid/api-key"

var errUnreachable = errors.New("unreachable")

// fakeAPI responds with get, which is given the number of the call from 1 on; without one it panics.
type fakeAPI struct {
	get   func(ctx context.Context, call int) (*secretsmanager.GetSecretValueOutput, error)
	calls atomic.Int64
}

func (f *fakeAPI) GetSecretValue(
	ctx context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options),
) (*secretsmanager.GetSecretValueOutput, error) {
	call := int(f.calls.Add(1))
	if aws.ToString(in.SecretId) != id || in.VersionId != nil || in.VersionStage != nil {
		return nil, errors.New("the fake knows only the current version of " + id)
	}
	return f.get(ctx, call)
}

// response is one outcome of a call.
type response struct {
	text, version string
	err           error
	after         time.Duration
}

// respondWith returns one response a call, and the last one from then on.
func respondWith(all ...response) *fakeAPI {
	return &fakeAPI{get: func(ctx context.Context, call int) (*secretsmanager.GetSecretValueOutput, error) {
		a := all[min(call, len(all))-1]
		select {
		case <-time.After(a.after):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if a.err != nil {
			return nil, a.err
		}
		return text(a.text, a.version), nil
	}}
}

func text(value, version string) *secretsmanager.GetSecretValueOutput {
	return &secretsmanager.GetSecretValueOutput{SecretString: &value, VersionId: &version}
}

func awsError(code string) error { return &smithy.GenericAPIError{Code: code, Message: "said AWS"} }

// newCache returns a cache of plain text with a TTL of five minutes unless opts say otherwise.
func newCache(api secret.API, opts secret.Options) *secret.Cache[string] {
	if opts.TTL == 0 {
		opts.TTL = 5 * time.Minute
	}
	return secret.NewCache(api, id, parsePlain, opts)
}

func parsePlain(s string) (string, error) {
	if s == "rubbish" {
		return "", errors.New("is not what was expected")
	}
	return s, nil
}
