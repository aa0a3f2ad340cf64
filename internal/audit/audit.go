// Package audit checks once a day whether what was declared is still true. It starts with one message
// for each connection, which is an entity id that SendGrid lists or the ledger manages, so that each is
// audited by a delivery of its own: under a lease, repeated on its own, at the pace of the queue.
// Without a queue it audits one after another, those first that were audited longest ago. Teammates need no message
// each, because two lists show all of them.
//
// The audit of a connection renews it, if its request names SAML metadata by URL, and compares what
// SendGrid has with the baseline. What a person should know is a [Finding]. The ledger
// keeps the findings of each connection; what is new is published.
package audit

import (
	"context"
	"encoding/json"
	"iter"
	"log/slog"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// MaxTries is how often the audit of a connection is tried. Then its failure is a finding.
const MaxTries = 5

// Connections audits one connection. It is a *provision.Provisioner.
type Connections interface {
	Audit(context.Context, provision.Audit) (audited bool, err error)
}

// SendGrid is the part of sendgrid.Client that starts an audit.
type SendGrid interface {
	ListIntegrations(context.Context) ([]sendgrid.Integration, error)
}

// Ledger is what an audit uses of the ledger.
type Ledger interface {
	provision.Ledger
	// All returns every entry, also those that are not about a connection. An error ends it.
	All(context.Context) iter.Seq2[protocol.Entry, error]
}

// Queue sends messages to the queue of the function, so that they arrive spread over a time. The error
// states how many were not sent.
type Queue interface {
	Send(ctx context.Context, bodies []string, spread time.Duration) error
}

// Auditor audits the connections of one account.
type Auditor struct {
	SendGrid    SendGrid
	Ledger      Ledger
	Connections Connections
	// Queue is nil if there is none.
	Queue Queue
	// SAMLMetadata fetches what connections are renewed from. It may be nil.
	SAMLMetadata request.Fetcher
	// Renews reports whether an audit may write to SendGrid.
	Renews bool
	// Teammates is nil if teammates are switched off. BreakGlass are the email addresses, in lower case, of those
	// who may log in with a password.
	Teammates  Teammates
	BreakGlass []string
	Logger     *slog.Logger
}

// Task is the audit of one connection, as a message of the queue.
type Task struct {
	EntityID string `json:"entity_id"`
	// Began is when the audit began, by the clock of this function.
	Began time.Time `json:"began"`
}

// taskField is the only field of a message that holds a task.
const taskField = "audit"

// message returns the message of a task.
func (t Task) message() string { return request.Text(map[string]Task{taskField: t}) }

// ParseTask reads the message of a task. It reports false for any other message.
func ParseTask(body []byte) (Task, bool) {
	var fields map[string]json.RawMessage
	var t Task
	if json.Unmarshal(body, &fields) != nil || len(fields) != 1 || json.Unmarshal(fields[taskField], &t) != nil {
		return Task{}, false
	}
	return t, t.EntityID != "" && !t.Began.IsZero()
}

// Publish publishes what an audit found about a connection. It is nil if nothing is to be published.
type Publish func(context.Context, Notice) error

// Notice is what is published about a connection.
type Notice struct {
	Connection Connection
	// Kept is the request that is kept, zero if there is none.
	Kept request.Kept
	// Renewed is what changed in the SAML metadata and is in the integration now, nil if nothing did.
	Renewed     []problem.Change
	Integration *sendgrid.Integration
	// Deleted is the integration that the audit deleted, empty if it deleted none, and EndedBy who had ended
	// the connection.
	Deleted, EndedBy string
	// New are the findings that were not there before.
	New []Finding
}

// Connection audits one connection. last reports whether this is the last try; then a failure becomes a
// finding. It returns nil if the connection was audited since the audit began. The errors are of type
// *problem.Error.
func (a *Auditor) Connection(ctx context.Context, t Task, maxWait time.Duration, last bool, publish Publish) (*Connection, error) {
	c, err := a.connection(ctx, t, maxWait, func(error) bool { return last }, publish)
	if c != nil {
		return c, nil
	}
	return nil, err
}

// connection audits one connection. If its failure becomes a finding, which isFinding decides, it returns
// both.
func (a *Auditor) connection(ctx context.Context, t Task, maxWait time.Duration, isFinding func(error) bool, publish Publish) (*Connection, error) {
	if now := time.Now(); t.Began.After(now) { // A message with a future time would suppress audits until then.
		t.Began = now
	}
	t.Began = t.Began.Truncate(time.Millisecond) // As the ledger has it, or an audit would begin after itself.
	var result *Connection
	one := provision.Audit{EntityID: t.EntityID, Began: t.Began, MaxWait: maxWait, Renews: a.Renews, SAMLMetadata: a.SAMLMetadata}
	one.Judge = func(ctx context.Context, found provision.Audited) (string, error) {
		notice := judge(found, one.Failure, t.Began)
		if publish != nil && notice.any() {
			if err := publish(ctx, notice); err != nil {
				return "", notPublished(err)
			}
		}
		result = &notice.Connection
		return store(notice.Connection.Findings, notice.Connection.last, maxStored), nil
	}
	audited, err := a.Connections.Audit(ctx, one)
	failure := err
	if failure != nil && isFinding(failure) {
		a.Logger.WarnContext(ctx, "a connection could not be audited", slog.String("entity_id", t.EntityID), slog.Any("error", failure))
		one.Failure = problem.From(failure)
		audited, err = a.Connections.Audit(ctx, one)
	}
	switch {
	case err != nil:
		return nil, err
	case !audited:
		return nil, nil
	}
	return result, failure
}
