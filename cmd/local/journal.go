package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// maxJournal is how many requests the page shows.
const maxJournal = 20

// journal prints a line for each request and remembers the last ones.
type journal struct {
	out io.Writer

	mu   sync.Mutex
	last []journalEntry // the latest first
}

// journalEntry is a request as it is shown.
type journalEntry struct {
	Time      string `json:"time"`
	Trigger   string `json:"trigger"`
	Status    int    `json:"status,omitempty"` // of an HTTP response
	Verdict   string `json:"verdict"`
	Failed    bool   `json:"failed"`
	EntityID  string `json:"entity_id,omitempty"`
	Email     string `json:"email,omitempty"`
	RequestID string `json:"request_id"`
	Calls     int    `json:"calls"`
}

// record adds an invocation: a line for each of its deliveries.
func (j *journal) record(a response) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, d := range a.deliveries {
		e := journalEntry{
			Time: time.Now().Format(time.TimeOnly), Trigger: d.Trigger, Verdict: verdict(d), Failed: d.Failure != nil,
			EntityID: d.EntityID(), Email: d.Email(), RequestID: a.requestID, Calls: len(d.Effort.Calls()),
		}
		status := d.Trigger
		if a.http != nil {
			e.Status = a.http.StatusCode
			status = fmt.Sprint(e.Status)
		}
		fmt.Fprintf(j.out, "%s  %-3s  %-20s  %s  request %s\n", e.Time, status, e.Verdict, cmp.Or(e.EntityID, e.Email, "-"), e.RequestID)
		j.last = slices.Insert(j.last, 0, e)
	}
	j.last = j.last[:min(len(j.last), maxJournal)]
}

// entries returns the last requests, the latest first.
func (j *journal) entries() []journalEntry {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]journalEntry{}, j.last...)
}
