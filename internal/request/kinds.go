package request

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/saml"
)

// matchable are the keys of metadata by which a connection can be named: those that a connector sets.
var matchable = []string{"okta_app", "entra_app"}

// allowed are the fields of each kind of request that does not describe a connection.
var allowed = map[Kind][]string{
	Absent: {"state", "entity_id", "match", "metadata", "dry_run"},
	Forget: {"managed", "entity_id"},
}

func readState(value json.RawMessage, r *Request, _ time.Time) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	switch text {
	case "present":
	case "absent":
		r.Kind = Absent
	default:
		return `must be "present" or "absent"`
	}
	return ""
}

func readManaged(value json.RawMessage, r *Request, _ time.Time) string {
	managed := true
	if wrong := readBool(value, &managed); wrong != "" {
		return wrong
	}
	if managed {
		return "must be false, which makes the ledger forget the connection; every request that is applied makes it managed"
	}
	r.Kind = Forget
	return ""
}

// hash matches a SHA-256 in hexadecimal, in either case.
var hash = regexp.MustCompile(`^[0-9a-fA-F]{64}$`)

func readHashes(value json.RawMessage, r *Request, _ time.Time) string {
	var given []string
	if json.Unmarshal(value, &given) != nil {
		return "must be an array of strings, not " + kind(value)
	}
	if len(given) > saml.MaxCertificates {
		return fmt.Sprintf("must have at most %d certificates", saml.MaxCertificates)
	}
	for _, text := range given {
		plain := strings.ReplaceAll(strings.TrimSpace(text), ":", "")
		if !hash.MatchString(plain) {
			return "must name each certificate by its SHA-256, 64 hexadecimal digits as days_left and findings show them"
		}
		if plain = strings.ToLower(plain); !slices.Contains(r.RemoveCertificates, plain) {
			r.RemoveCertificates = append(r.RemoveCertificates, plain)
		}
	}
	return ""
}

func checkRemoved(r Request) string {
	switch {
	case len(r.RemoveCertificates) == 0:
		return ""
	case !r.IfExists.Updates():
		return `needs if_exists: "update"`
	}
	for _, c := range r.Certificates {
		if slices.Contains(r.RemoveCertificates, c.SHA256) {
			return "must not name a certificate that the same request asks for: " + c.SHA256
		}
	}
	return ""
}

func checkMatch(r Request) string {
	if r.Match == nil {
		return ""
	}
	if r.Kind != Absent {
		return `needs state: "absent"`
	}
	for key, value := range r.Match {
		if slices.Contains(matchable, key) && value != "" && len(r.Match) == 1 {
			return checkMetadata(r.Match)
		}
	}
	return "must have one of " + strings.Join(matchable, " and ") + ", with the id of the application"
}

// allowedWithTeammate are the fields of a request for a teammate.
var allowedWithTeammate = []string{"teammate", "state", "if_exists", "managed", "dry_run", "metadata"}

// restrict records which fields a request that does not describe a connection lacks, or must not have.
func (r *Request) restrict(unread map[string]string) {
	fits, with := allowed[r.Kind], r.Kind.field()
	if r.given["teammate"] {
		fits, with = allowedWithTeammate, "teammate"
	}
	for _, f := range fields {
		if r.given[f.name] && !slices.Contains(fits, f.name) {
			unread[f.name] = "must not be given together with " + with + ", which takes only " + strings.Join(fits, ", ")
		}
	}
	switch {
	case r.given["teammate"] && r.given["state"] && r.given["managed"]:
		unread["managed"] = "must not be given together with state; send one of them"
	case r.given["teammate"] && r.Kind != Present && r.given["if_exists"]:
		unread["if_exists"] = "must not be given together with " + r.Kind.field()
	case r.given["teammate"]:
	case r.given["entity_id"] && r.given["match"]:
		unread["match"] = "must not be given together with entity_id; send one of them"
	case !r.given["entity_id"] && !r.given["match"]:
		unread["entity_id"] = "is required"
	}
}

// field names the field, with its value, that makes a request one of the kind.
func (k Kind) field() string {
	switch k {
	case Absent:
		return `state: "absent"`
	case Forget:
		return "managed: false"
	case Present:
	}
	return `state: "present"`
}
