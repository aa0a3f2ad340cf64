package lambdatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// EventBus is an EventBridge that has every bus, and keeps the entries it takes. The zero value is ready to
// use.
type EventBus struct {
	mu       sync.Mutex
	deleted  bool
	refusals []string
	entries  []Entry
}

// Entry is an entry of PutEvents.
type Entry struct {
	EventBusName, Source, DetailType, Detail, TraceHeader string
	Time                                                  float64
}

// Refuse makes the bus refuse the next call for each of these error codes.
func (b *EventBus) Refuse(codes ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refusals = codes
}

// Delete deletes the buses.
func (b *EventBus) Delete() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deleted = true
}

// Taken returns the entries that the bus has taken so far.
func (b *EventBus) Taken() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// ServeHTTP handles PutEvents and DescribeEventBus.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
func (b *EventBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var in struct {
		Name    string
		Entries []Entry
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	target := r.Header.Get("X-Amz-Target")
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch {
	case err != nil || target != "AWSEvents.PutEvents" && target != "AWSEvents.DescribeEventBus":
		w.WriteHeader(http.StatusBadRequest)
	case target == "AWSEvents.PutEvents":
		_, _ = w.Write([]byte(b.put(in.Entries)))
	case b.deleted:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": "ResourceNotFoundException", "message": "Event bus " + in.Name + " does not exist."})
	default:
		_ = json.NewEncoder(w).Encode(map[string]string{"Name": in.Name})
	}
}

// put keeps the entries, and returns EventBridge's response.
func (b *EventBus) put(entries []Entry) string {
	if len(b.refusals) > 0 {
		code := b.refusals[0]
		b.refusals = b.refusals[1:]
		return `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"no"}]}`
	}
	b.entries = append(b.entries, entries...)
	return `{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`
}
