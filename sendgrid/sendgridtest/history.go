package sendgridtest

import (
	"slices"
	"time"
)

// history is something that is stored, with its former versions: reads that lag show it as
// it was.
type history[T any] struct {
	account  string
	versions []version[T] // the oldest first
}

type version[T any] struct {
	since   time.Time
	value   T
	deleted bool
}

func newHistory[T any](account string, value T) *history[T] {
	h := &history[T]{account: account}
	h.set(value)
	return h
}

// set adds a version that is valid from now on.
func (h *history[T]) set(value T) {
	h.versions = append(h.versions, version[T]{since: time.Now(), value: value})
}

func (h *history[T]) delete() {
	h.versions = append(h.versions, version[T]{since: time.Now(), deleted: true})
}

// before returns what a read shows that lags by lag, if it shows anything.
func (h *history[T]) before(lag time.Duration) (value T, exists bool) {
	at := time.Now().Add(-lag)
	for _, v := range slices.Backward(h.versions) {
		if !v.since.After(at) {
			return v.value, !v.deleted
		}
	}
	return value, false
}

// now returns the latest version, if it is not deleted.
func (h *history[T]) now() (value T, exists bool) { return h.before(0) }

// SetLag makes reads lag behind writes: for the time list a list, and for the time byID a
// read of one object, shows everything as it was, without what was created since and with
// what was changed or deleted since. Writes see the present state.
func (s *Server) SetLag(list, byID time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listLag, s.getLag = list, byID
}

// SetStale makes lists, and only lists, lag by d.
func (s *Server) SetStale(d time.Duration) { s.SetLag(d, 0) }
