package simulation_test

import "slices"

// without returns the schedules that lack one step of this one, or have a simpler one.
func (s *schedule) without() []*schedule {
	var all []*schedule
	simpler := func(change func(*schedule)) {
		copied := *s
		change(&copied)
		all = append(all, &copied)
	}
	for rest := range lackingOne(s.deliveries) {
		simpler(func(c *schedule) { c.deliveries = rest })
	}
	for rest := range lackingOne(s.faults) {
		simpler(func(c *schedule) { c.faults = rest })
	}
	for rest := range lackingOne(s.edits) {
		simpler(func(c *schedule) { c.edits = rest })
	}
	if len(s.documents) > 1 {
		simpler(func(c *schedule) { c.documents = s.documents[:1] })
	}
	if s.deleteAfter > 0 {
		simpler(func(c *schedule) { c.deleteAfter = 0 })
	}
	if s.lag > 0 {
		simpler(func(c *schedule) { c.lag = 0 })
	}
	if s.noResponse {
		simpler(func(c *schedule) { c.noResponse = false })
	}
	for i, q := range s.requests {
		if len(q.certs) > 0 {
			simpler(func(c *schedule) {
				plain := *q
				plain.certs = q.certs[:len(q.certs)-1]
				c.replace(i, &plain)
			})
		}
	}
	return all
}

func (s *schedule) replace(at int, q *sent) {
	old := s.requests[at]
	s.requests = slices.Clone(s.requests)
	s.requests[at] = q
	s.deliveries = slices.Clone(s.deliveries)
	for i, d := range s.deliveries {
		if d.request == old {
			copied := *d
			copied.request = q
			s.deliveries[i] = &copied
		}
	}
}
