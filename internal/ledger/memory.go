// Package ledger keeps the provisioner's ledger: who is creating which integration.
package ledger

import (
	"context"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/provision"
)

// Memory is a ledger for one process: for a laptop, and for tests. It is lost with the
// process. The zero value is ready to use.
type Memory struct {
	mu      sync.Mutex
	entries map[string]provision.Entry
	swept   time.Time
}

// sweepEvery is how often entries that may be forgotten are looked for.
const sweepEvery = time.Hour

// Take implements provision.Ledger.
func (m *Memory) Take(_ context.Context, claim provision.Entry, now time.Time) (provision.Entry, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	current := m.entries[claim.Key]
	if current.Expires.Before(now) {
		current = provision.Entry{}
	}
	fulfilled := current.Fingerprint != "" && current.Fingerprint == claim.Fingerprint
	if current.Lease.After(now) || fulfilled {
		return current, false, nil
	}
	claim.Fingerprint, claim.IntegrationID = current.Fingerprint, current.IntegrationID
	if m.entries == nil {
		m.entries = map[string]provision.Entry{}
	}
	m.entries[claim.Key] = claim
	return claim, true, nil
}

// Update implements provision.Ledger.
func (m *Memory) Update(_ context.Context, e provision.Entry) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[e.Key].Owner != e.Owner {
		return false, nil
	}
	m.entries[e.Key] = e
	return true, nil
}

// Delete implements provision.Ledger.
func (m *Memory) Delete(_ context.Context, key, owner string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.entries[key].Owner == owner {
		delete(m.entries, key)
	}
	return nil
}

// sweep forgets what may be forgotten, so that a process that lives long does not grow.
func (m *Memory) sweep(now time.Time) {
	if now.Sub(m.swept) < sweepEvery {
		return
	}
	m.swept = now
	for key, e := range m.entries {
		if e.Expires.Before(now) {
			delete(m.entries, key)
		}
	}
}
