// Package webhook decides whether an HTTP request carries a secret that a ticketing
// system was given. There is one file for each way of carrying it.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

// Request is what a caller sent: header names in canonical form, and the raw body.
type Request struct {
	Header http.Header
	Body   []byte
}

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

// scheme is one way of carrying a secret.
type scheme interface {
	// name is the scheme's name in the secret and in the log.
	name() string
	// claimed tells whether a request carries something of this scheme.
	claimed(Request) bool
	// verify returns nil if what the request carries was made with one of the secrets,
	// else the reason why not.
	verify(Request, Secrets) error
}

// schemes lists every scheme, in the order in which they are tried.
func schemes() []scheme { return []scheme{bearer{}} }

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
	return &Verifier{Secrets: secret.NewCache(api, id, ParseSecrets(logger), options), Logger: logger}
}

// Verify returns nil if the request carries a good secret. It returns a *Refusal if it
// carries none or a wrong one, and any other error if the secrets could not be read.
func (v *Verifier) Verify(ctx context.Context, header http.Header, body []byte) error {
	request := Request{Header: header, Body: body}
	var claimed []scheme
	for _, s := range schemes() {
		if s.claimed(request) {
			claimed = append(claimed, s)
		}
	}
	if len(claimed) == 0 {
		// Nothing to check, so nobody can make the function read secrets by knocking.
		return &Refusal{Reason: "the request carries no credentials"}
	}
	secrets, version, err := v.Secrets.Get(ctx)
	if err != nil {
		return fmt.Errorf("read the webhook secrets: %w", err)
	}
	refusal := check(request, claimed, secrets)
	if refusal == nil {
		return nil
	}
	// The caller may have been given a new secret already.
	renewed, renewedVersion, err := v.Secrets.Refresh(ctx, version)
	switch {
	case err != nil:
		v.Logger.WarnContext(ctx, "the webhook secrets could not be read anew", slog.Any("error", err))
	case renewedVersion != version:
		refusal = check(request, claimed, renewed)
	}
	return refusal
}

// check returns nil if one of the claimed schemes holds, else a *Refusal.
func check(r Request, claimed []scheme, secrets Secrets) error {
	var refusals []error
	for _, s := range claimed {
		err := s.verify(r, secrets)
		if err == nil {
			return nil
		}
		refusals = append(refusals, &Refusal{Scheme: s.name(), Reason: err.Error()})
	}
	return &Refusal{Reason: errors.Join(refusals...).Error()}
}
