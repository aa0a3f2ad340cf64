package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/secret"
)

// patience is how long the secrets are not asked for again after they could not be had.
const patience = 10 * time.Second

// patient is a SecretSource that lets another one rest after it failed. A cache that holds
// nothing asks Secrets Manager each time, so while that is out of order, or the secret has
// no usable content, every stranger with a header could cause a call and wait for it.
type patient struct {
	SecretSource

	mu       sync.Mutex
	failure  error
	failedAt time.Time // The wall clock, as the other one stands still while Lambda freezes the process.
}

// Get returns the secrets, or the failure of a moment ago.
func (p *patient) Get(ctx context.Context) (Secrets, string, error) {
	if err := p.recent(); err != nil {
		return Secrets{}, "", err
	}
	secrets, version, err := p.SecretSource.Get(ctx)
	p.remember(err)
	return secrets, version, err
}

func (p *patient) recent() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	age := time.Now().Round(0).Sub(p.failedAt)
	if p.failure == nil || age < 0 || age >= patience {
		return nil
	}
	return p.failure
}

func (p *patient) remember(err error) {
	var failure *secret.Error
	if err != nil && !errors.As(err, &failure) {
		return // The caller's own time has run out, which says nothing about the next one.
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.failedAt = err, time.Now().Round(0)
}
