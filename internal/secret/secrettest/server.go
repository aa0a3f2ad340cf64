// Package secrettest is an in-process AWS Secrets Manager for tests. It supports only GetSecretValue.
package secrettest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

const (
	contentType = "application/x-amz-json-1.1"
	operation   = "secretsmanager.GetSecretValue"
	current     = "AWSCURRENT"
	maxBody     = 64 << 10
)

// Server is an http.Handler that serves secrets from memory. It is safe for concurrent use.
// It checks no signature and ignores the path, so that it can share a port with other services.
type Server struct {
	mu      sync.Mutex
	secrets map[string]*value // by name, by ARN and by ARN without its random suffix
	calls   int
	fail    failure
}

// failure is the response to the next calls.
type failure struct {
	left   int
	status int
	code   string
}

// value is the current version of a secret, in the form in which GetSecretValue returns it.
type value struct {
	ARN           string
	CreatedDate   float64
	Name          string
	SecretBinary  []byte  `json:",omitempty"`
	SecretString  *string `json:",omitempty"`
	VersionID     string  `json:"VersionId"`
	VersionStages []string
}

// New returns a server without secrets.
func New() *Server { return &Server{secrets: map[string]*value{}} }

// Put stores text as the new current version of the secret with that name or ARN and returns the version's id.
func (s *Server) Put(id, text string) string {
	return s.put(id, &value{SecretString: &text})
}

// PutBinary is Put for a binary secret.
func (s *Server) PutBinary(id string, data []byte) string {
	return s.put(id, &value{SecretBinary: data})
}

func (s *Server) put(id string, v *value) string {
	names := namesOf(id)
	v.Name, v.ARN = names.name, names.arn
	v.CreatedDate = float64(time.Now().UnixMilli()) / 1000
	v.VersionID = newVersionID()
	v.VersionStages = []string{current}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets[names.name], s.secrets[names.arn], s.secrets[names.partialARN] = v, v, v
	return v.VersionID
}

// Fail makes the next n calls fail with that HTTP status and AWS error code, whatever they request.
func (s *Server) Fail(n, status int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = failure{left: n, status: status, code: code}
}

// Calls returns how often GetSecretValue was called, failures included.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP handles one call of the AWS JSON 1.1 protocol.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeError(w, http.StatusMethodNotAllowed, "UnknownOperationException", "Only POST is served.")
		return
	}
	if target := r.Header.Get("X-Amz-Target"); target != operation {
		writeError(w, http.StatusBadRequest, "UnknownOperationException", fmt.Sprintf("Only %s is simulated.", operation))
		return
	}
	if failed, ok := s.count(); ok {
		writeError(w, failed.status, failed.code, "The simulator was told to fail.")
		return
	}

	var request struct {
		SecretID     string `json:"SecretId"`
		VersionID    string `json:"VersionId"`
		VersionStage string
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&request); err != nil {
		writeError(w, http.StatusBadRequest, "SerializationException", "The body is not a JSON object of at most 64 KiB.")
		return
	}
	if request.SecretID == "" {
		writeError(w, http.StatusBadRequest, "InvalidParameterException", "SecretId is required.")
		return
	}

	v := s.find(request.SecretID)
	if v == nil {
		writeError(w, http.StatusBadRequest, "ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
		return
	}
	otherVersion := request.VersionID != "" && request.VersionID != v.VersionID
	otherStage := request.VersionStage != "" && request.VersionStage != current
	if otherVersion || otherStage {
		writeError(w, http.StatusBadRequest, "ResourceNotFoundException",
			"Secrets Manager can't find the specified secret value: the simulator keeps only the current version.")
		return
	}
	write(w, http.StatusOK, v)
}

// count counts a call and returns the failure to respond with, if any.
func (s *Server) count() (failure, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.fail.left <= 0 {
		return failure{}, false
	}
	s.fail.left--
	return s.fail, true
}

func (s *Server) find(id string) *value {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets[id]
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-RequestId", newVersionID())
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // An error means that the caller closed the connection.
}

func writeError(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]string{"__type": code, "Message": message})
}

// newVersionID returns a random UUID, which Secrets Manager uses for its versions and requests.
func newVersionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // It never returns an error: crypto/rand ends the program instead.
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const (
	arnPrefix = "arn:aws:secretsmanager:us-east-1:000000000000:secret:"
	arnSuffix = "-SIMUL8"
)

var randomSuffix = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// names are the three ways to name a secret in a request.
type names struct{ name, arn, partialARN string }

// namesOf completes the name or ARN under which a secret is put. The part after the last hyphen of an ARN
// is treated as the random suffix if it has that form, as in Secrets Manager.
func namesOf(id string) names {
	prefix, rest, isARN := strings.Cut(id, ":secret:")
	if !isARN || !strings.HasPrefix(prefix, "arn:") {
		return names{name: id, arn: arnPrefix + id + arnSuffix, partialARN: arnPrefix + id}
	}
	if !randomSuffix.MatchString(rest) {
		return names{name: rest, arn: id + arnSuffix, partialARN: id}
	}
	name := randomSuffix.ReplaceAllString(rest, "")
	return names{name: name, arn: id, partialARN: strings.TrimSuffix(id, rest) + name}
}
