//go:build soak

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
)

// verify counts the events that came to nothing, the integrations and certificates that are
// there twice, and the rejected events that were not reported as they have to be.
func (s *soak) verify(queues []*queue) {
	there := map[string]sendgrid.Integration{}
	for _, i := range s.world.sendGrid.Integrations() {
		if _, found := there[i.EntityID]; found {
			s.doubled++
		}
		there[i.EntityID] = i
		certificates := len(s.world.sendGrid.Certificates(i.ID))
		s.certificates += certificates
		s.doubled += max(0, certificates-1)
	}
	published, deadLettered := s.reports()
	s.rejected = map[string]int{}
	for _, q := range queues {
		for _, m := range q.messages {
			integration, found := there[m.entityID]
			complete := found && (!m.certified || len(s.world.sendGrid.Certificates(integration.ID)) == 1)
			codes := deadLettered[m.id]
			if len(codes) > 1 || len(codes) != published[m.id] {
				s.misreported++
			}
			switch {
			case !m.done:
				s.lost++
			case len(codes) > 0:
				s.rejected[codes[0]]++
				// OutcomeUnknown is the documented end of three creates whose outcome is not known.
				expected := m.invalid && codes[0] == "InvalidRequest" || codes[0] == "Conflict" && found || codes[0] == "OutcomeUnknown"
				if !expected {
					s.lost++
				}
			case m.invalid || !complete:
				s.lost++
			}
		}
	}
}

// reports returns, by message, how often it was published as rejected, and the codes with
// which it is in the dead-letter queue.
func (s *soak) reports() (published map[string]int, deadLettered map[string][]string) {
	published, deadLettered = map[string]int{}, map[string][]string{}
	for _, e := range s.bus.Taken() {
		var detail struct {
			Origin struct {
				MessageID string `json:"message_id"`
			}
		}
		require.NoError(s.t, json.Unmarshal([]byte(e.Detail), &detail))
		if e.DetailType == "SSO Integration Rejected" {
			published[detail.Origin.MessageID]++
		}
	}
	for _, m := range s.deadLetters.taken() {
		var request struct{ Metadata struct{ Message string } }
		require.NoError(s.t, json.Unmarshal([]byte(m.MessageBody), &request))
		id := request.Metadata.Message
		deadLettered[id] = append(deadLettered[id], m.MessageAttributes["code"].StringValue)
	}
	return published, deadLettered
}

// refused counts the requests that the rate limit refused.
func (s *soak) refused() (count int) {
	for _, r := range s.world.sendGrid.Requests() {
		if r.Status == http.StatusTooManyRequests {
			count++
		}
	}
	return count
}

func (s *soak) report() {
	took := time.Since(s.start)
	sendGrid := s.world.sendGrid
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"events", s.events},
		{"integrations", len(sendGrid.Integrations())},
		{"certificates", s.certificates},
		{"lost", s.lost},
		{"doubled", s.doubled},
		{"rejected", s.rejected},
		{"rejected, and not published once and dead-lettered once", s.misreported},
		{"faulty calls", s.flaky.faults.Load()},
		{"lists", sendGrid.Count(sendgrid.OpListIntegrations)},
		{"creates", sendGrid.Count(sendgrid.OpCreateIntegration)},
		{"creates of certificates", sendGrid.Count(sendgrid.OpCreateCertificate)},
		{"redelivered", s.redelivered.Load()},
		{"results OutcomeUnknown", s.unknown.Load()},
		{"adopted", s.adopted.Load()},
		{"refused by the rate limit", s.refused()},
		{"time", took.Round(time.Second)},
		{"first delivery", s.first.Round(100 * time.Millisecond)},
		{"bound by the rate limit", s.bound().Round(100 * time.Millisecond)},
		{"ratio", fmt.Sprintf("%.2f of the bound; %.2f of the bound of what it created", s.first.Seconds()/s.bound().Seconds(), s.ratio())},
		{"created in the first delivery", s.firstMade},
		{"done in the first delivery", s.firstDone},
		{"needed of each subuser", s.needed},
		{"sent in the first delivery, of all", s.firstOp},
	} {
		fmt.Fprintf(table, "%s\t%v\n", row.name, row.value)
	}
	_ = table.Flush()
}
