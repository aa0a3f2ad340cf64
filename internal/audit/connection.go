package audit

import (
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
)

const (
	// ExpiresSoon is the number of days before the last certificate expires from which an audit reports
	// it.
	ExpiresSoon = 30
	// unreadable is how long SAML metadata may be unreadable before that is a finding.
	unreadable = 3 * 24 * time.Hour
	// The bounds of what is reported of a connection. What the API accepts fits.
	maxName         = 256
	maxEntityID     = 1024
	maxCertificates = 10
	maxIntegrations = 20
)

// State says whether a connection is managed.
type State string

// The states of a connection.
const (
	// Managed means that the ledger keeps its request.
	Managed State = "managed"
	// Unmanaged means that it does not.
	Unmanaged State = "unmanaged"
	// Ended means that a request ended the connection.
	Ended State = "ended"
)

// StateOf returns the state of the connection of an entry.
func StateOf(e protocol.Entry) State {
	switch {
	case e.IsEnded():
		return Ended
	case e.Managed():
		return Managed
	default:
		return Unmanaged
	}
}

// Connection is what an audit found out about one connection.
type Connection struct {
	EntityID string `json:"entity_id"`
	Name     string `json:"name"`
	// IntegrationID is that of the integration, empty if SendGrid has none. Where several have the
	// entity id, it is the one that the ledger records.
	IntegrationID string `json:"integration_id,omitempty"`
	Enabled       bool   `json:"enabled"`
	// State is empty if the ledger could not be read. An audit always sets it.
	State State `json:"state,omitempty"`
	// DaysLeft is provision.DaysLeft of the certificates that are in use, as far as that is known; nil if
	// the connection has none.
	DaysLeft *int `json:"days_left,omitempty"`
	// Certificates are the ten that expire last, the latest first. SendGrid does not report whether a
	// certificate is enabled. SHA256 is empty where SendGrid returned no readable certificate.
	Certificates []provision.Certificate `json:"certificates,omitempty"`
	// Audited is when the audit began that found this.
	Audited  time.Time `json:"audited,omitzero"`
	Findings []Finding `json:"findings"`

	// By is who sent the kept request, for the log: the audit writes in that caller's name. Changes are what the
	// audit renewed, and Deleted is the integration that it deleted.
	By      string           `json:"-"`
	Changes []problem.Change `json:"-"`
	Deleted string           `json:"-"`

	// last is when the last certificate in use expires, zero if none is known.
	last time.Time
}

// Has reports whether an audit found something.
func (c *Connection) Has(code provision.WarningCode) bool {
	return slices.ContainsFunc(c.Findings, func(f Finding) bool { return f.Code == code })
}

// Expiring reports whether the last certificate has expired, or will soon.
func (c *Connection) Expiring() bool { return c.DaysLeft != nil && *c.DaysLeft < ExpiresSoon }

func (c *Connection) find(code provision.WarningCode, id, message string, changes ...problem.Change) {
	c.Findings = append(c.Findings, Finding{Code: code, IntegrationID: id, Message: message, Changes: changes})
}

// any reports whether there is something to publish.
func (n Notice) any() bool {
	return len(n.Renewed) > 0 || n.Deleted != "" || len(n.New) > 0 || n.Connection.Expiring()
}

// Findings returns the new findings that have no event of their own.
func (n Notice) Findings() []Finding {
	return slices.DeleteFunc(slices.Clone(n.New), Finding.hasOwnEvent)
}

// Drifted returns the new finding that somebody changed the connection, nil if there is none.
func (n Notice) Drifted() *Finding {
	for _, f := range n.New {
		if f.Code == provision.Drifted && f.Email == "" {
			return &f
		}
	}
	return nil
}
