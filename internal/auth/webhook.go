// Package auth decides whether an HTTP request comes from someone who knows a secret:
// a ticketing system that sends it as it is, or signs the request with it. There is one
// file for each way of doing so.
package auth

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

// Refusal says why a request is not believed. It is for the log: a caller learns only
// that it was refused.
type Refusal struct {
	Scheme string
	Reason string
}

func (e *Refusal) Error() string {
	if e.Scheme == "" {
		return e.Reason
	}
	return e.Scheme + ": " + e.Reason
}

// SecretSource supplies the secrets; it is a cache of Secrets Manager's.
type SecretSource interface {
	Get(ctx context.Context) (secrets Secrets, version string, err error)
	// Refresh reads the secrets anew unless they are of another version than rejected.
	Refresh(ctx context.Context, rejected string) (secrets Secrets, version string, err error)
}

// Verifier checks requests against the secrets of a SecretSource.
type Verifier struct {
	Secrets SecretSource
	Logger  *slog.Logger
}

// minRefresh is the least time between two refreshes that failed verifications force.
const minRefresh = time.Minute

// NewVerifier returns a Verifier of the secrets in the secret id, which are kept for ttl.
// A failed verification reads them anew, because the caller may know a newer secret; but
// at most once a minute, because anyone can fail.
func NewVerifier(api secret.API, id string, ttl time.Duration, logger *slog.Logger) *Verifier {
	options := secret.Options{TTL: ttl, MinRefresh: minRefresh, Logger: logger}
	cache := secret.NewCache(api, id, ParseSecrets(logger), options)
	return &Verifier{Secrets: &patient{SecretSource: cache}, Logger: logger}
}

// Verify returns nil if the request carries proof of a secret. It returns a *Refusal if it
// carries none or a wrong one, and any other error if the secrets could not be read.
//
// One good proof is enough, whatever else the request carries. To insist on all of them
// would stop nobody who knows one secret, for the others can be left out; but it would turn
// away Zendesk, which signs every request, and with another secret for each webhook, also
// where the webhook was told to send an API key.
func (v *Verifier) Verify(ctx context.Context, header http.Header, body []byte) error {
	claims := read(request{header: header, body: body}, schemes())
	if len(claims) == 0 {
		return &Refusal{Reason: "the request carries no credentials"}
	}
	return v.verify(ctx, claims)
}

// verify returns nil if one of the claims holds.
func (v *Verifier) verify(ctx context.Context, claims []claim) error {
	if hopeless(claims) {
		// No secret makes these good, so nobody can make the function read secrets by them.
		return check(claims, Secrets{})
	}
	secrets, version, err := v.Secrets.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the webhook secrets: %w", err)
	}
	refusal := check(claims, secrets)
	if refusal == nil {
		return nil
	}
	// The caller may have been given a new secret already.
	renewed, renewedVersion, err := v.Secrets.Refresh(ctx, version)
	switch {
	case err != nil:
		v.Logger.WarnContext(ctx, "the webhook secrets could not be read anew", slog.Any("error", err))
	case renewedVersion != version:
		refusal = check(claims, renewed)
	}
	return refusal
}
