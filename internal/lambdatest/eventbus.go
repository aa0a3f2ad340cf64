package lambdatest

import (
	"encoding/json"
	"net/http"
	"slices"
	"sync"
)

// EventBus is an EventBridge that keeps the entries it takes. The zero value is ready to use.
type EventBus struct {
	mu       sync.Mutex
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

// Taken returns the entries that the bus has taken so far.
func (b *EventBus) Taken() []Entry {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.entries)
}

// ServeHTTP answers PutEvents, and DescribeEventBus, of which it knows every bus.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeEventBus.html
func (b *EventBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var in struct {
		Name    string
		Entries []Entry
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	switch err := json.NewDecoder(r.Body).Decode(&in); {
	case err == nil && r.Header.Get("X-Amz-Target") == "AWSEvents.DescribeEventBus":
		_ = json.NewEncoder(w).Encode(map[string]string{"Name": in.Name})
		return
	case err != nil || r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents":
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(b.refusals) > 0 {
		code := b.refusals[0]
		b.refusals = b.refusals[1:]
		_, _ = w.Write([]byte(`{"FailedEntryCount":1,"Entries":[{"ErrorCode":"` + code + `","ErrorMessage":"no"}]}`))
		return
	}
	b.entries = append(b.entries, in.Entries...)
	_, _ = w.Write([]byte(`{"FailedEntryCount":0,"Entries":[{"EventId":"e"}]}`))
}
