package protocol

import "time"

// Order is the place of a request among those for the same integration: the newest one applies.
type Order struct {
	// Sent is when the request was sent, by the sender's clock.
	Sent time.Time
	// Received is when a queue or this function received it. It decides between requests that were
	// sent at the same time, such as two of the same second from EventBridge.
	Received time.Time
}

// maxAhead is how far ahead of the reception a request may claim to be sent, by a sender whose
// clock is ahead. It bounds how long the requests of such a sender win over others.
const maxAhead = time.Minute

// NewOrder returns the order of a request, in the ledger's milliseconds. Where sent is zero, the
// request was sent when it was received. Deliveries of the same request have the same order if
// received is the same.
func NewOrder(sent, received time.Time) Order {
	latest := received.Add(maxAhead)
	switch {
	case sent.IsZero():
		sent = received
	case sent.After(latest):
		sent = latest
	}
	return Order{Sent: sent.Truncate(time.Millisecond), Received: received.Truncate(time.Millisecond)}
}

// Before reports whether o comes before another order.
func (o Order) Before(other Order) bool {
	if c := o.Sent.Compare(other.Sent); c != 0 {
		return c < 0
	}
	return o.Received.Before(other.Received)
}

// latest returns the later one of two orders.
func latest(a, b Order) Order {
	if a.Before(b) {
		return b
	}
	return a
}
