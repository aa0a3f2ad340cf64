// Package ledger stores the provisioner's entries: in DynamoDB, or in memory.
package ledger

import (
	"context"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/protocol"
)

// Memory is a ledger for one process: for a laptop, and for tests. It is lost with the
// process. The zero value is ready to use.
type Memory struct {
	mu      sync.Mutex
	entries map[string]protocol.Entry
	swept   time.Time
}

// sweepEvery is how often expired entries are deleted.
const sweepEvery = time.Hour

// Get implements provision.Ledger.
func (m *Memory) Get(_ context.Context, key string) (protocol.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.entries[key], nil
}

// Put implements provision.Ledger.
func (m *Memory) Put(_ context.Context, e protocol.Entry) (current protocol.Entry, stored bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(time.Now())
	current = m.entries[e.Key]
	if current.Revision != e.Revision-1 {
		return current, sameWrite(current, e), nil
	}
	if m.entries == nil {
		m.entries = map[string]protocol.Entry{}
	}
	m.entries[e.Key] = e
	return e, true, nil
}

// All reads every entry, as Dynamo.All does. It yields copies, so that entries may be written
// meanwhile.
func (m *Memory) All(ctx context.Context) iter.Seq2[protocol.Entry, error] {
	return func(yield func(protocol.Entry, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(protocol.Entry{}, err)
			return
		}
		m.mu.Lock()
		entries := slices.Collect(maps.Values(m.entries))
		m.mu.Unlock()
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// sameWrite reports whether what is stored came from the write of e.
func sameWrite(stored, e protocol.Entry) bool {
	return stored.Revision == e.Revision && stored.Owner == e.Owner &&
		stored.State == e.State && stored.Lease.UnixMilli() == e.Lease.UnixMilli()
}

// sweep deletes expired entries, so that a process that lives long does not grow.
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
