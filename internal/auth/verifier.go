// Package auth authenticates HTTP callers by webhook secrets. A caller is authenticated if
// its request carries a secret that is configured in Secrets Manager, or a signature made
// with one. A scheme defines how: those that send the secret are in schemes.go, those that sign
// with it in signatures.go.
package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

const (
	// minRefresh is the minimum time between two refreshes caused by failed verifications.
	minRefresh = time.Minute
	// failureBackoff is how long callers get the last error, instead of another read, while
	// no secrets are cached.
	failureBackoff = 10 * time.Second
	// maxStale is how long secrets that cannot be refreshed are used. Those that are revoked
	// end at the next refresh.
	maxStale = 15 * time.Minute
)

// CredentialsError says why the credentials of a request are missing or wrong. Its text
// contains no credentials, but is for the log only: callers are not told what was wrong.
type CredentialsError struct{ Reason string }

func (e *CredentialsError) Error() string { return e.Reason }

// SecretSource supplies the webhook secrets. In production it is a [secret.Cache].
type SecretSource interface {
	Get(ctx context.Context) (secrets Secrets, version string, err error)
	// Refresh reads the secrets again unless their version is no longer the rejected one.
	Refresh(ctx context.Context, rejected string) (secrets Secrets, version string, err error)
}

// Verifier checks requests against the secrets of a SecretSource.
type Verifier struct {
	Secrets SecretSource
	Logger  *slog.Logger
}

// NewVerifier returns a Verifier of the secrets in the secret with that name or ARN, which
// are cached for ttl. A failed verification refreshes them, because the caller may use a
// newer secret; but at most once a minute, because anyone can fail.
func NewVerifier(api secret.API, id string, ttl time.Duration, logger *slog.Logger) *Verifier {
	options := secret.Options{TTL: ttl, MinRefresh: minRefresh, FailureBackoff: failureBackoff, MaxStale: maxStale, Logger: logger}
	return &Verifier{Secrets: secret.NewCache(api, id, ParseSecrets(logger), options), Logger: logger}
}

// Authenticate returns the scheme that authenticated the caller. Header names must be in
// canonical form, and the body must be as it was received. The error is a
// *CredentialsError if the credentials are missing or wrong, and any other error if the
// secrets could not be read.
//
// One valid proof is enough, whatever else the request carries. Requiring all of them to be
// valid would not stop anyone who knows one secret, who can omit the others. But it would
// reject Zendesk, which signs every request with a secret of the webhook's own, also where
// the webhook is configured to send an API key.
func (v *Verifier) Authenticate(ctx context.Context, header http.Header, body []byte) (scheme string, err error) {
	claims := readClaims(request{header: header, body: body})
	if len(claims) == 0 {
		return "", &CredentialsError{Reason: "the request carries no credentials"}
	}
	if allMalformed(claims) {
		// No secret can make these valid, so they must not cause a read of the secrets.
		return check(claims, nil)
	}
	secrets, version, err := v.Secrets.Get(ctx)
	if err != nil {
		return "", fmt.Errorf("read the webhook secrets: %w", err)
	}
	if scheme, err = check(claims, secrets); err == nil {
		return scheme, nil
	}
	newer, newerVersion, refreshErr := v.Secrets.Refresh(ctx, version)
	switch {
	case isRevoked(refreshErr):
		// There is nothing left that the claims could be checked against.
		return "", fmt.Errorf("read the webhook secrets: %w", refreshErr)
	case refreshErr != nil:
		v.Logger.WarnContext(ctx, "the webhook secrets could not be refreshed", slog.Any("error", refreshErr))
	case newerVersion != version:
		return check(claims, newer)
	}
	return "", err
}

// Schemes returns the schemes for which the secret with that name or ARN has a usable key, sorted. It reads the
// secret as it is now, which a Verifier may not know yet. Its errors are those of the secret.
func Schemes(ctx context.Context, api secret.API, id string, logger *slog.Logger) ([]string, error) {
	secrets, _, err := secret.NewCache(api, id, ParseSecrets(logger), secret.Options{Logger: logger}).Get(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the webhook secrets: %w", err)
	}
	return slices.Sorted(maps.Keys(secrets)), nil
}

// isRevoked reports whether the secrets that were read before are no longer valid.
func isRevoked(err error) bool {
	var failure *secret.Error
	return errors.As(err, &failure) && failure.Definite()
}

// claim is a scheme's header in a request, before it is checked.
type claim struct {
	scheme scheme
	proof  proof
	// malformed says why there is no proof; it is nil if there is one.
	malformed error
}

// readClaims returns a claim for each scheme whose header the request has.
func readClaims(r request) []claim {
	var claims []claim
	for _, s := range schemes() {
		if len(r.header[s.header]) == 0 {
			continue
		}
		c := claim{scheme: s}
		value, err := single(r.header, s.header)
		if err == nil {
			c.proof, err = s.readProof(value, r)
		}
		c.malformed = err
		claims = append(claims, c)
	}
	return claims
}

// allMalformed reports whether no claim can be valid, whatever the secrets are.
func allMalformed(claims []claim) bool {
	for _, c := range claims {
		if c.malformed == nil {
			return false
		}
	}
	return true
}

// check returns the scheme of a valid claim, or else a *CredentialsError with the reason
// for each claim.
func check(claims []claim, secrets Secrets) (scheme string, err error) {
	var reasons []string
	for _, c := range claims {
		reason := c.invalid(secrets[c.scheme.name])
		if reason == "" {
			return c.scheme.name, nil
		}
		reasons = append(reasons, c.scheme.name+": "+reason)
	}
	return "", &CredentialsError{Reason: strings.Join(reasons, "; ")}
}

// invalid returns why the claim is not valid with any of the keys, or "" if it is.
func (c claim) invalid(keys []secret.String) (reason string) {
	switch {
	case c.malformed != nil:
		return c.malformed.Error()
	case len(keys) == 0:
		return "no " + c.scheme.name + " secret is configured"
	case !c.proof.matchesAny(keys):
		return c.proof.mismatch
	}
	return ""
}
