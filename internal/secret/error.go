package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/smithy-go"
)

// Error says why a secret is not available. Its text contains the name of the secret and what to do, never
// the content.
//
// It does not wrap a context error: if errors.Is finds one, it is that of the caller's own context.
type Error struct {
	ID       string // the name or ARN that was requested
	Unusable bool   // it was read, but its content is unusable
	Err      error  // the cause; for unusable content, the end of a sentence that begins with the secret
}

// Error implements error.
func (e *Error) Error() string {
	if e.Unusable {
		return fmt.Sprintf("secret %q %v", e.ID, e.Err)
	}
	return fmt.Sprintf("secret %q %s: %v", e.ID, advice(e.Err), e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports whether a retry cannot help, because someone has to store other content first.
// A missing secret or permission needs a person too, but the fix takes effect within moments
// and often happens during a first deployment, so a retry is worthwhile.
func (e *Error) Permanent() bool { return e.Unusable }

// advice says what an error of GetSecretValue means and how an operator fixes it.
func advice(err error) string {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return "could not be read"
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		return "does not exist in this account and region or has no value yet; create it or correct its name"
	case "AccessDeniedException":
		return "may not be read; allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if that is your own"
	case "DecryptionFailure":
		return "could not be decrypted; allow kms:Decrypt on its key and check that the key is enabled"
	case "InvalidRequestException":
		return "cannot be read in its present state; check whether it is scheduled for deletion"
	default:
		return "could not be read"
	}
}

// safeCause returns err without what must not leave this package: the SDK quotes parts of an answer that
// it cannot decode, and a context error of the fetch could be mistaken for one of the caller's context.
func safeCause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New("no answer in time: " + err.Error())
	}
	var undecodable *smithy.DeserializationError
	if !errors.As(err, &undecodable) {
		return err
	}
	var answer interface{ HTTPStatusCode() int }
	if !errors.As(err, &answer) {
		return errors.New("the answer could not be decoded")
	}
	return fmt.Errorf("the answer with HTTP status %d could not be decoded", answer.HTTPStatusCode())
}
