package audit

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"time"
)

// maxReportBytes bounds the JSON of the connections in a report. Lambda returns 6 MB at most.
const maxReportBytes = 4 << 20

// Report is how an audit began, and what it found if it audited the connections itself.
type Report struct {
	Began time.Time `json:"began"`
	// Total is the number of connections: Queued or, without a queue, those in Connections, Unreached,
	// and those that another audit reached meanwhile.
	Total  int `json:"total"`
	Queued int `json:"queued"`
	// Failed are those of Connections that could not be audited.
	Failed int `json:"failed"`
	// Unreached are those for which there was no time, or on which a request was working. They come first
	// in the next audit.
	Unreached int `json:"unreached"`
	// UnknownOutcomes is how many entries of the ledger record a write whose outcome is unknown.
	UnknownOutcomes int `json:"unknown_outcomes"`
	// Connections are those that were audited, the most urgent first. It is empty if there is a queue.
	Connections []Connection `json:"connections"`
	// Omitted is how many connections are left out to bound the report. They are the least urgent ones.
	Omitted int `json:"omitted,omitempty"`
	// Teammates is how the audit of the teammates went, nil if teammates are switched off.
	Teammates *TeammatesReport `json:"teammates,omitempty"`
	// Findings are those about the account and its teammates, not about a connection.
	Findings []Finding `json:"findings"`
}

// bound sorts the connections by urgency, and leaves out those that do not fit.
func (r *Report) bound() {
	slices.SortStableFunc(r.Connections, func(a, b Connection) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(len(b.Findings), len(a.Findings)))
	})
	size := 0
	for at, c := range r.Connections {
		text, err := json.Marshal(c)
		if size += len(text) + 1; err != nil || size > maxReportBytes {
			r.Omitted = len(r.Connections) - at
			r.Connections = r.Connections[:at]
			return
		}
	}
}

// urgency orders connections: first those with the fewest days left, last those without a
// known certificate.
func urgency(c Connection) int {
	if c.DaysLeft == nil {
		return math.MaxInt
	}
	return *c.DaysLeft
}
