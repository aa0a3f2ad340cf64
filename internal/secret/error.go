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
	text, _ := advice(e.Err)
	return fmt.Sprintf("secret %q %s: %v", e.ID, text, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Permanent reports whether a retry cannot help, because someone has to store other content first.
// A missing secret or permission needs a person too, but the fix takes effect within moments
// and often happens during a first deployment, so a retry is worthwhile.
func (e *Error) Permanent() bool { return e.Unusable }

// Definite reports whether Secrets Manager refuses to supply the secret, or its content is unusable: what was
// read before is revoked. Otherwise the secret only could not be read, and is most likely as it was.
func (e *Error) Definite() bool {
	_, refused := advice(e.Err)
	return e.Unusable || refused
}

// Advice says what is wrong and how an operator fixes it: the end of a sentence that begins with the secret. It
// is empty if the secret only could not be read.
func (e *Error) Advice() string {
	if e.Unusable {
		return e.Err.Error()
	}
	if text, refused := advice(e.Err); refused {
		return text
	}
	return ""
}

// isDefinite reports whether err is an *Error that is Definite.
func isDefinite(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Definite()
}

// advice says what an error of GetSecretValue means and how an operator fixes it, and whether it is a refusal.
// The codes are those of GetSecretValue and, for services that pass them on, of KMS:
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
func advice(err error) (text string, refused bool) {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return "could not be read", false
	}
	switch api.ErrorCode() {
	case "ResourceNotFoundException":
		return "does not exist in this account and region or has no value yet; create it or correct its name", true
	case "AccessDeniedException":
		return "may not be read; allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key if that is your own", true
	case "DecryptionFailure", "KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException":
		return "could not be decrypted; allow kms:Decrypt on its key and check that the key is enabled", true
	case "InvalidRequestException":
		return "cannot be read in its present state; check whether it is scheduled for deletion", true
	default: // Throttling, internal errors, and expired credentials of the function.
		return "could not be read", false
	}
}

// safeCause returns err without what must not leave this package: the SDK quotes parts of a response that
// it cannot decode, and a context error of the fetch could be mistaken for one of the caller's context.
func safeCause(err error) error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return errors.New("no response in time: " + err.Error())
	}
	var undecodable *smithy.DeserializationError
	if !errors.As(err, &undecodable) {
		return err
	}
	var response interface{ HTTPStatusCode() int }
	if !errors.As(err, &response) {
		return errors.New("the response could not be decoded")
	}
	return fmt.Errorf("the response with HTTP status %d could not be decoded", response.HTTPStatusCode())
}
