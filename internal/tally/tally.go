// Package tally collects what is done for one delivery, such as the calls of an API. The client
// that does it adds to the list that its context carries, so that a client serves several
// deliveries at once.
package tally

import (
	"context"
	"slices"
	"sync"
)

// List collects items of one type. Its methods may be called concurrently; a nil one is empty.
type List[T any] struct {
	mu    sync.Mutex
	items []T
}

type key[T any] struct{}

// In returns a context that carries the list. A context carries one list of each type.
func (l *List[T]) In(ctx context.Context) context.Context {
	return context.WithValue(ctx, key[T]{}, l)
}

// Add adds an item to the list of its type that ctx carries, if it carries one.
func Add[T any](ctx context.Context, item T) {
	if l, ok := ctx.Value(key[T]{}).(*List[T]); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.items = append(l.items, item)
	}
}

// Items returns what was added so far.
func (l *List[T]) Items() []T {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.items)
}
