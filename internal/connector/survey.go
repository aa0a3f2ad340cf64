package connector

import (
	"context"
	"errors"
)

// survey requests every application that concerns SendGrid. Each one is a delivery of its own in
// the log and the metrics. What a person has to remove at one application fails that one only;
// what passes by itself, or is about a provider as a whole, fails the event, so that Lambda
// sends it again: it starts again, and the same requests change nothing.
func (c *Connector) survey(ctx context.Context, d *delivery) error {
	d.outcome = Checked
	var failures []error
	for _, p := range c.Providers {
		for a := range p.Survey(ctx) {
			part := &delivery{event: d.event, kind: d.kind}
			if err := c.announce(ctx, part, p, a); err != nil {
				part.fail(err)
				if a.App == "" || part.failure.Code.passes() {
					failures = append(failures, part.failure)
				}
			}
			if a.App != "" || part.failure != nil {
				d.parts = append(d.parts, part)
			}
		}
	}
	return errors.Join(failures...)
}

// needPerson returns how many applications of a scheduled event have a failure that does not pass.
func (d *delivery) needPerson() (n int) {
	for _, part := range d.parts {
		if part.app != "" && part.failure != nil && !part.failure.Code.passes() {
			n++
		}
	}
	return n
}
