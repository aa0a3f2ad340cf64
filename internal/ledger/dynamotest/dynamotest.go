// Package dynamotest is an in-process DynamoDB for measurements, where dynalite would be what
// is measured. It knows the three requests that the ledger makes, in the form in which the
// ledger makes them, and refuses all others. The contract tests of the ledger run against it.
package dynamotest

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	// maxBody bounds what is read of a request, in bytes: the size of the largest item.
	maxBody = 400 << 10
	// maxPage is how many bytes of items a page of a scan has, before the last one.
	maxPage = 1 << 20
)

// Server is an http.Handler that simulates DynamoDB. It has every table that is asked for, and
// is safe for concurrent use. The zero value is ready to use.
type Server struct {
	mu    sync.Mutex
	items map[string]item
}

// Start serves an empty DynamoDB that ends with the test, and returns its URL, for
// AWS_ENDPOINT_URL_DYNAMODB.
func Start(tb testing.TB) string {
	tb.Helper()
	server := httptest.NewServer(&Server{})
	tb.Cleanup(server.Close)
	return server.URL
}

// item is an item of a table, as it was sent.
type item map[string]json.RawMessage

// request is what is used of PutItem, GetItem and Scan.
type request struct {
	TableName                    string
	Item, Key, ExclusiveStartKey item
	ConditionExpression          string
	// ExpressionAttributeValues has what the conditions of the ledger compare with.
	ExpressionAttributeValues map[string]json.RawMessage
}

// ServeHTTP handles one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, "SerializationException", err.Error(), nil)
		return
	}
	switch _, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); action {
	case "GetItem":
		s.mu.Lock()
		found := s.items[in.TableName+"/"+string(in.Key["key"])]
		s.mu.Unlock()
		if found == nil {
			respond(w, http.StatusOK, struct{}{})
			return
		}
		respond(w, http.StatusOK, map[string]any{"Item": found})
	case "PutItem":
		s.put(w, in)
	case "Scan":
		s.scan(w, in)
	default:
		refuse(w, "UnknownOperationException", "no such action: "+action, nil)
	}
}

func (s *Server) put(w http.ResponseWriter, in request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := in.TableName + "/" + string(in.Item["key"])
	stored := s.items[key]
	var holds bool
	switch in.ConditionExpression {
	case "attribute_not_exists(#revision)":
		holds = stored["revision"] == nil
	case "#revision = :before":
		holds = string(stored["revision"]) == string(in.ExpressionAttributeValues[":before"])
	default:
		refuse(w, "ValidationException", fmt.Sprintf("not a condition of the ledger: %q", in.ConditionExpression), nil)
		return
	}
	if !holds {
		refuse(w, "ConditionalCheckFailedException", "The conditional request failed", stored)
		return
	}
	if s.items == nil {
		s.items = map[string]item{}
	}
	s.items[key] = in.Item
	respond(w, http.StatusOK, struct{}{})
}

// scan responds with the items of a table after the one with a key, in the order of their keys, as
// many as a page has.
func (s *Server) scan(w http.ResponseWriter, in request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page := struct {
		Items            []item
		LastEvaluatedKey item `json:",omitempty"`
	}{Items: []item{}}
	size := 0
	for _, key := range slices.Sorted(maps.Keys(s.items)) {
		found := s.items[key]
		if !strings.HasPrefix(key, in.TableName+"/") || in.ExclusiveStartKey != nil && key <= in.TableName+"/"+string(in.ExclusiveStartKey["key"]) {
			continue
		}
		if size >= maxPage { // There is more.
			page.LastEvaluatedKey = item{"key": page.Items[len(page.Items)-1]["key"]}
			break
		}
		page.Items = append(page.Items, found)
		for name, value := range found {
			size += len(name) + len(value)
		}
	}
	respond(w, http.StatusOK, page)
}

func refuse(w http.ResponseWriter, code, message string, current item) {
	failure := map[string]any{"__type": "com.amazonaws.dynamodb.v20120810#" + code, "message": message}
	if current != nil {
		failure["Item"] = current
	}
	respond(w, http.StatusBadRequest, failure)
}

func respond(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err) // It is made of what was JSON.
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(text)), 10)) // The SDK checks it.
	w.WriteHeader(status)
	_, _ = w.Write(text) // A client that has gone needs no response.
}
