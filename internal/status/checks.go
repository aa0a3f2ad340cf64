package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/secret"
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
	// nameTeammates is that of the list of the teammates.
	nameTeammates = "teammates"
	// nameIntegrations is that of the list of the integrations.
	nameIntegrations = "integrations"
)

// Names returns the names of the checks of a report, in its order. The check of the integrations is
// reported only if they cannot be listed and no other check explains why.
func Names() []string {
	return []string{nameAPIKey, nameScopes, nameBus, nameQueue, nameDead, nameWebhook, nameHosts, nameLedger, nameTeammates, nameIntegrations, nameAudit}
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
			return "", unreadable("event bus", "EVENT_BUS_NAME", "events:DescribeEventBus", create, err)
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
			return "", unreadable("queue", "EVENT_QUEUE_URL", readQueue, create, err)
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
			return "", unreadable("queue", "DEAD_LETTER_QUEUE_URL", readQueue, create, err)
		case n > 0:
			return "", &Problem{fmt.Sprintf("Messages in the dead-letter queue: %d. They are not tried any more. The output ShowDeadLettersCommand shows them, and why; remove the cause, and send them again with RedriveCommand or delete them.", n), nil}
		}
		return "Messages in the dead-letter queue: 0.", nil
	}}
}

// readQueue is what a role needs to count the messages of a queue.
const readQueue = "sqs:GetQueueAttributes"

// create is the remedy for what does not exist, if it holds nothing that would be lost.
const create = "create it"

// unreadable explains why what a variable names cannot be read, for which the function's role needs an action. If it
// does not exist and the variable is right, the remedy helps.
func unreadable(what, variable, action, remedy string, err error) *Problem {
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
		return &Problem{name + " does not exist in this account and region. Correct " + variable + ", or " + remedy + ".", err}
	case says("AccessDenied"):
		return &Problem{name + " may not be read. Allow " + action + " to the function's role.", err}
	}
	return &Problem{name + " could not be read." + onceMore, err}
}

// onceMore is the advice about a service that did not respond.
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

// secretProblem explains what is wrong with a secret, and how to set it.
func secretProblem(name, then string, err error) error {
	var failure *secret.Error
	if errors.As(err, &failure) && failure.Advice() != "" {
		return &Problem{name + " " + failure.Advice() + "." + then, err}
	}
	return &Problem{name + " could not be read from Secrets Manager." + onceMore, err}
}

// Hosts returns the check of the hosts from which SAML metadata is fetched. It only lists them.
func Hosts(hosts []string) Check {
	if len(hosts) == 0 {
		return Off(nameHosts, "SAML_METADATA_HOSTS allows no host: saml_metadata_url is refused.")
	}
	return Off(nameHosts, "SAML metadata is fetched from "+strings.Join(hosts, ", ")+".")
}
