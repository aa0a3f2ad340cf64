//go:build soak

package main_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

// message is one event on its way, as a queue keeps it.
type message struct {
	id, entityID, body string
	invalid, certified bool
	sent, visible      time.Time
	deliveries         int
	done               bool
}

// queue is what SQS does, for one subuser: it hands out what is visible and hides it, and
// shows again what was not done.
type queue struct {
	mu       sync.Mutex
	messages []*message
}

// receiveNew returns up to a batch of messages that were not delivered yet, and whether
// there were any.
func (q *queue) receiveNew() (batch []*message, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	batch = q.take(func(m *message) bool { return m.deliveries == 0 })
	return batch, len(batch) > 0
}

// receive returns up to a batch of messages, and whether there is anything left to do.
func (q *queue) receive() (batch []*message, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	batch = q.take(func(m *message) bool { return !m.done && !m.visible.After(now) })
	return batch, slices.ContainsFunc(q.messages, func(m *message) bool { return !m.done })
}

// take returns up to a batch of the messages that are wanted, and hides them.
func (q *queue) take(wanted func(*message) bool) (batch []*message) {
	for _, m := range q.messages {
		if len(batch) == soakBatch {
			break
		}
		if wanted(m) {
			m.deliveries++
			m.visible = time.Now().Add(time.Hour)
			batch = append(batch, m)
		}
	}
	return batch
}

// settle marks what a batch came to: everything is done but what failed.
func (q *queue) settle(batch []*message, failed []string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range batch {
		m.done = !slices.Contains(failed, m.id)
		m.visible = time.Now().Add(soakVisibility)
	}
}

// makeQueues makes the events: four in five are new, one repeats one of those. One new one
// in four has a certificate, one in fifty is invalid, and one repetition in ten asks for
// another name.
func (s *soak) makeQueues() []*queue {
	certificate := newIDP(s.t, idpURL).PEM()
	all := s.events / soakSubusers
	fresh := all * 4 / 5
	s.countNeeded(all, fresh)
	queues := make([]*queue, soakSubusers)
	for i := range queues {
		q := &queue{}
		for k := range all {
			entity, name := k, "Okta"
			if k >= fresh {
				entity = rand.IntN(fresh)
				if k%10 == 0 {
					name = "Another name"
				}
			}
			m := &message{
				id: fmt.Sprintf("m-%d-%d", i, k), entityID: fmt.Sprintf("urn:soak:%d:%d", i, entity),
				certified: certified(entity), invalid: invalid(entity), sent: time.Now(),
			}
			request := map[string]any{
				"name": name, "enabled": true, "signin_url": "https://example.okta.com/sso", "signout_url": "", "entity_id": m.entityID,
				"metadata": map[string]string{"message": m.id},
			}
			if m.certified {
				request["public_certificate"] = certificate
			}
			if m.invalid {
				request["signin_url"] = "http://example.okta.com/sso"
			}
			m.body = string(encode(s.t, request))
			q.messages = append(q.messages, m)
		}
		rand.Shuffle(len(q.messages), func(a, b int) { q.messages[a], q.messages[b] = q.messages[b], q.messages[a] })
		queues[i] = q
	}
	return queues
}

func certified(entity int) bool { return entity%4 == 0 }
func invalid(entity int) bool   { return entity%50 == 1 }

// soakOps are the operations of which the events of the soak need some.
var soakOps = []sendgrid.Op{sendgrid.OpListIntegrations, sendgrid.OpCreateIntegration, sendgrid.OpCreateCertificate}

// countNeeded counts the requests that the events of a subuser cannot do without. Each batch
// needs a list, each new event that is valid a create, and another one for its certificate.
// Repetitions and conflicts only need what the list of their batch shows, and invalid events
// nothing.
func (s *soak) countNeeded(all, fresh int) {
	s.needed = map[sendgrid.Op]int{sendgrid.OpListIntegrations: all / soakBatch}
	for entity := range fresh {
		if invalid(entity) {
			continue
		}
		s.needed[sendgrid.OpCreateIntegration]++
		if certified(entity) {
			s.needed[sendgrid.OpCreateCertificate]++
		}
	}
}

// bound is the least time in which the rate limit, of each endpoint, permits what is needed.
// The subusers have rate limits of their own.
func (s *soak) bound() (bound time.Duration) {
	for _, needed := range s.needed {
		bound = max(bound, time.Duration(needed)*time.Second/soakRate)
	}
	return bound
}

// ratio is the time of the first delivery in bounds. An event that was given back unfinished
// does not count: the bound is the part that belongs to what the first delivery created.
func (s *soak) ratio() float64 {
	made := float64(s.firstMade) / float64(soakSubusers*s.needed[sendgrid.OpCreateIntegration])
	return s.first.Seconds() / (s.bound().Seconds() * made)
}
