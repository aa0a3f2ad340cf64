package simulation_test

import (
	"slices"
	"time"
)

// history is the versions of a value over time, the oldest first.
type history[T any] []version[T]

type version[T any] struct {
	since   time.Time
	value   T
	deleted bool
}

func (p history[T]) at(when time.Time) (value T, exists bool) {
	for _, v := range slices.Backward(p) {
		if !v.since.After(when) {
			return v.value, !v.deleted
		}
	}
	return value, false
}

func (p history[T]) now() (T, bool) { return p.at(time.Now()) }

func (p *history[T]) set(value T, deleted bool) {
	*p = append(*p, version[T]{time.Now(), value, deleted})
}

// existed reports whether the value existed at any time since then.
func (p history[T]) existed(since time.Time) bool {
	if _, exists := p.at(since); exists {
		return true
	}
	return slices.ContainsFunc(p, func(v version[T]) bool { return !v.deleted && v.since.After(since) })
}
