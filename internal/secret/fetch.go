package secret

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// API is the part of secretsmanager.Client that a Cache uses.
type API interface {
	GetSecretValue(
		ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options),
	) (*secretsmanager.GetSecretValueOutput, error)
}

var (
	errNoValue = errors.New("the answer has no value")
	errBinary  = errors.New("is binary; store it as text")
	errEmpty   = errors.New("is empty; store a value in it")
	errLate    = errors.New("no answer in time")
)

// fetch reads the current version of the secret, once. Its errors are all of type *Error.
func (c *Cache[T]) fetch(ctx context.Context) (*entry[T], error) {
	// Without a version or stage this is AWSCURRENT.
	out, err := c.api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String(c.id)})
	if err != nil {
		return nil, &Error{ID: c.id, Err: safeCause(err)}
	}

	text := aws.ToString(out.SecretString)
	switch {
	case out.SecretBinary != nil:
		return nil, &Error{ID: c.id, Unusable: true, Err: errBinary}
	case out.SecretString == nil:
		return nil, &Error{ID: c.id, Err: errNoValue}
	case strings.TrimSpace(text) == "":
		return nil, &Error{ID: c.id, Unusable: true, Err: errEmpty}
	}

	value, err := c.parse(text)
	if err != nil {
		return nil, &Error{ID: c.id, Unusable: true, Err: err}
	}
	return &entry[T]{value: value, version: aws.ToString(out.VersionId)}, nil
}
