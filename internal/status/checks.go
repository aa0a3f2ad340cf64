package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/secret"
	"sendgrid-sso-integration/sendgrid"
)

// The names of the checks.
const (
	nameAPIKey  = "api_key"
	nameScopes  = "scopes"
	nameBus     = "event_bus"
	nameQueue   = "event_queue"
	nameDead    = "dead_letter_queue"
	nameWebhook = "webhook_secret"
	nameHosts   = "saml_metadata_hosts"
	nameLedger  = "ledger"
	nameAudit   = "audit"
	// nameIntegrations is that of the list of the integrations.
	nameIntegrations = "integrations"
)

// Names returns the names of the checks of a report, in its order. That of the integrations is
// there only if they cannot be listed and no other check says why.
func Names() []string {
	return []string{nameAPIKey, nameScopes, nameBus, nameQueue, nameDead, nameWebhook, nameHosts, nameLedger, nameIntegrations, nameAudit}
}

// manyScopes is how many scopes a key with full access has at least. One that has as many and none of SSO's
// belongs to an account whose plan lacks SSO.
const manyScopes = 50

// Need is a scope that the configuration needs, and what for.
type Need struct {
	Scope, For string
}

// Needs returns the scopes that the function needs. deletes reports whether DELETE_AFTER is set.
func Needs(deletes bool) []Need {
	needs := []Need{
		{sendgrid.ScopeRead, "every request and every audit needs"},
		{sendgrid.ScopeCreate, "the create of a connection and of a certificate needs"},
		{sendgrid.ScopeUpdate, "if_exists: update, restore and state: absent need"},
	}
	if deletes {
		needs = append(needs, Need{sendgrid.ScopeDelete, "DELETE_AFTER needs"})
	}
	return needs
}

// Key returns the checks of the API key, which share their calls: whether its secret can be read and SendGrid
// accepts the key, and whether it has the scopes that are needed. readSecret reads the secret as it is now, and
// list lists the scopes.
func Key(ctx context.Context, readSecret func(context.Context) error, list func(context.Context) ([]string, error), needs []Need) []Check {
	read := sync.OnceValues(func() ([]string, error) {
		if err := readSecret(ctx); err != nil {
			return nil, &sendgrid.KeyError{Op: sendgrid.OpListScopes, Err: err}
		}
		return list(ctx)
	})
	return []Check{
		{nameAPIKey, func(context.Context) (string, error) {
			if _, err := read(); err != nil {
				return "", keyProblem(err)
			}
			return "The secret can be read, and SendGrid accepts the API key.", nil
		}},
		{nameScopes, func(context.Context) (string, error) {
			scopes, err := read()
			if err != nil {
				return "", &Problem{"The scopes of the API key could not be read; see the check " + nameAPIKey + ".", err}
			}
			return checkScopes(scopes, needs)
		}},
	}
}

// keyProblem says why the API key cannot be used.
func keyProblem(err error) error {
	e := provision.Classify(err)
	var failure *sendgrid.Error
	switch {
	case e.Code == problem.SecretUnavailable:
		return secretProblem("The secret with the SendGrid API key", " The output PutApiKeyCommand puts a key into it.", err)
	case (e.Code == problem.SendGridUnauthorized || e.Code == problem.SendGridForbidden) && errors.As(err, &failure):
		return &Problem{provision.Refusal(failure, ""), err}
	case e.Code == problem.RateLimited:
		return &Problem{"SendGrid's rate limit is used up, so the API key could not be checked. Run the status again in a minute.", err}
	}
	return &Problem{"SendGrid could not be asked about the API key. Check SENDGRID_REGION, SendGrid's status page and, if the function runs in a VPC, its way to the internet.", err}
}

// secretProblem says what is wrong with a secret, and then how to put something into it.
func secretProblem(name, then string, err error) error {
	var failure *secret.Error
	if errors.As(err, &failure) && failure.Advice() != "" {
		return &Problem{name + " " + failure.Advice() + "." + then, err}
	}
	return &Problem{name + " could not be read from Secrets Manager." + onceMore, err}
}

// listProblem says why the integrations cannot be listed, with a key that is accepted.
func listProblem(err error) error {
	var failure *sendgrid.Error
	if e := provision.Classify(err); (e.Code == problem.SendGridUnauthorized || e.Code == problem.SendGridForbidden) && errors.As(err, &failure) {
		return &Problem{provision.Refusal(failure, ""), err}
	}
	return &Problem{"The integrations could not be listed, so connections that only SendGrid has are missing here. Run the status again; if it persists, check SendGrid's status page.", err}
}

// checkScopes reports the scopes that are missing.
func checkScopes(scopes []string, needs []Need) (string, error) {
	isSSO := func(scope string) bool { return strings.HasPrefix(scope, "sso.") }
	if len(scopes) >= manyScopes && !slices.ContainsFunc(scopes, isSSO) {
		var wanted []string
		for _, n := range needs {
			wanted = append(wanted, n.Scope)
		}
		return "", &Problem{fmt.Sprintf("The API key has %d scopes and none of SSO's, so the account's plan most likely does not include SSO. It takes Email API Pro or Premier, or Marketing Campaigns Advanced. "+
			"If the plan is one of them, make a new key with %s.", len(scopes), strings.Join(wanted, ", ")), nil}
	}
	var missing []string
	for _, n := range needs {
		if !slices.Contains(scopes, n.Scope) {
			missing = append(missing, n.Scope+", which "+n.For)
		}
	}
	if len(missing) > 0 {
		return "", &Problem{"The API key lacks " + strings.Join(missing, "; ") + ". Make a new key that has what is missing, and put it into the secret with the output PutApiKeyCommand; to edit a key may not be enough.", nil}
	}
	return fmt.Sprintf("The API key has the %d scopes that are needed.", len(needs)), nil
}

// Off returns the check of something that is not configured.
func Off(name, message string) Check {
	return Check{name, func(context.Context) (string, error) { return message, nil }}
}

// EventBus returns the check of the event bus.
func EventBus(describe func(context.Context) error) Check {
	if describe == nil {
		return Off(nameBus, "EVENT_BUS_NAME is not set: results are not published.")
	}
	return Check{nameBus, func(ctx context.Context) (string, error) {
		if err := describe(ctx); err != nil {
			return "", unreadable("event bus", "EVENT_BUS_NAME", "events:DescribeEventBus", err)
		}
		return "The event bus exists.", nil
	}}
}

// EventQueue returns the check of the event queue.
func EventQueue(waiting func(context.Context) (int, error)) Check {
	if waiting == nil {
		return Off(nameQueue, "EVENT_QUEUE_URL is not set: an audit checks one connection after another.")
	}
	return Check{nameQueue, func(ctx context.Context) (string, error) {
		n, err := waiting(ctx)
		if err != nil {
			return "", unreadable("queue", "EVENT_QUEUE_URL", readQueue, err)
		}
		return fmt.Sprintf("Messages in the event queue: %d.", n), nil
	}}
}

// DeadLetterQueue returns the check of the dead-letter queue.
func DeadLetterQueue(waiting func(context.Context) (int, error)) Check {
	if waiting == nil {
		return Off(nameDead, "DEAD_LETTER_QUEUE_URL is not set: a message that is rejected is delivered again until SQS moves it.")
	}
	return Check{nameDead, func(ctx context.Context) (string, error) {
		n, err := waiting(ctx)
		switch {
		case err != nil:
			return "", unreadable("queue", "DEAD_LETTER_QUEUE_URL", readQueue, err)
		case n > 0:
			return "", &Problem{fmt.Sprintf("Messages in the dead-letter queue: %d. They are not tried any more. The output ShowDeadLettersCommand shows them, and why; remove the cause, and send them again with RedriveCommand or delete them.", n), nil}
		}
		return "Messages in the dead-letter queue: 0.", nil
	}}
}

// readQueue is what a role needs to count the messages of a queue.
const readQueue = "sqs:GetQueueAttributes"

// unreadable says why something cannot be read that a variable names, for which the function's role needs an
// action.
func unreadable(what, variable, action string, err error) *Problem {
	code := ""
	var refused interface{ ErrorCode() string }
	if errors.As(err, &refused) {
		code = refused.ErrorCode()
	}
	says := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(code, part) })
	}
	name := "The " + what + " of " + variable
	switch {
	case says("NotFound", "NonExistent", "DoesNotExist"):
		return &Problem{name + " does not exist in this account and region. Correct " + variable + ", or create it.", err}
	case says("AccessDenied"):
		return &Problem{name + " may not be read. Allow " + action + " to the function's role.", err}
	}
	return &Problem{name + " could not be read." + onceMore, err}
}

// onceMore is what to do about what did not respond.
const onceMore = " Run the status again; if that persists, the function's log has the cause. If the function runs in a VPC, check its way to AWS."

// WebhookSecret returns the check of the webhook secret. schemes returns how requests may carry it.
func WebhookSecret(schemes func(context.Context) ([]string, error)) Check {
	if schemes == nil {
		return Off(nameWebhook, "WEBHOOK_SECRET_ID is not set: only callers that the gateway authenticates are accepted.")
	}
	return Check{nameWebhook, func(ctx context.Context) (string, error) {
		names, err := schemes(ctx)
		switch {
		case err != nil:
			return "", secretProblem("The webhook secret", "", err)
		case len(names) == 0: // Each key is too short, or of an unknown scheme.
			return "", &Problem{"The webhook secret has no usable key, so every webhook is refused. Put one into it, such as {\"bearer\": \"…\"} with a long random text; the function's log has what is wrong with those that are there.", nil}
		}
		return "Webhooks are accepted by " + strings.Join(names, ", ") + ".", nil
	}}
}

// Hosts returns the check of the hosts from which SAML metadata is fetched, which only says what they are.
func Hosts(hosts []string) Check {
	if len(hosts) == 0 {
		return Off(nameHosts, "SAML_METADATA_HOSTS allows no host: saml_metadata_url is refused.")
	}
	return Off(nameHosts, "SAML metadata is fetched from "+strings.Join(hosts, ", ")+".")
}
