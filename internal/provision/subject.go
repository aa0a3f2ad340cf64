package provision

import (
	"cmp"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
)

// subject is what a message is about: "the integration 4" or "the teammate a@example.com".
type subject struct {
	// noun is what it is, and key the field of a request that names it.
	noun, key string
	id        string
}

func integration(id string) subject { return subject{noun: "integration", key: "entity_id", id: id} }

// subjectOf returns what an entry records, or recorded before that was deleted.
func subjectOf(e protocol.Entry) subject {
	if e.Teammate != "" {
		return subject{noun: "teammate", key: "email", id: e.Teammate}
	}
	return integration(cmp.Or(e.IntegrationID, e.Gone))
}

func (s subject) String() string { return "the " + s.noun + " " + s.id }

// about returns an error that names the integration that it is about. A teammate is named by its message.
func (s subject) about(e problem.Error) *problem.Error {
	if s.noun == "integration" {
		e.IntegrationID = s.id
	}
	return &e
}
