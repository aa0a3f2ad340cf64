package provision

import (
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// Outcome says in one word what became of a request.
type Outcome string

// The outcomes.
const (
	// OutcomeCreated: this request created the integration.
	OutcomeCreated Outcome = "created"
	// OutcomeUnchanged: the integration was there already.
	OutcomeUnchanged Outcome = "unchanged"
	// OutcomeRejected: it failed, and a retry cannot help.
	OutcomeRejected Outcome = "rejected"
	// OutcomeFailed: it failed, and a retry may help.
	OutcomeFailed Outcome = "failed"
)

// Result is what a caller gets for a request that succeeded.
type Result struct {
	Outcome     Outcome              `json:"outcome"`
	Integration sendgrid.Integration `json:"integration"`
	Metadata    map[string]string    `json:"metadata,omitempty"`
	// Adopted says that the create's own answer was lost, and the integration was found
	// by looking.
	Adopted bool `json:"-"`
}

// OutcomeOf returns the outcome of a request that failed: rejected if a retry cannot help,
// else failed.
func OutcomeOf(failure *problem.Error) Outcome {
	if failure.Retryable() {
		return OutcomeFailed
	}
	return OutcomeRejected
}
