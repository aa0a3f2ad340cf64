package main

import (
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sendgrid-sso-integration/internal/account"
	"sendgrid-sso-integration/internal/envvar"
	"sendgrid-sso-integration/internal/saml"
)

// config is the configuration of the function, from its environment.
type config struct {
	apiKeySecretID     string
	webhookSecretID    string
	baseURL            string
	onBehalfOf         string
	ledgerTable        string
	eventBusName       string
	deadLetterQueueURL string
	eventQueueURL      string
	webhookMayUpdate   bool
	auditMayWrite      bool
	samlMetadataHosts  []string
	apiKeyTTL          time.Duration
	deleteAfter        time.Duration
	teammates          bool
	// breakGlass are the email addresses, in lower case, of those who may log in with a password.
	breakGlass []string
}

const (
	defaultAPIKeyTTL = 5 * time.Minute
	minAPIKeyTTL     = time.Second
	maxAPIKeyTTL     = 24 * time.Hour
)

// readConfig reads the configuration, and reports every problem of it in one error.
func readConfig(getenv func(string) string) (config, error) {
	var problems []error
	note := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", name, err))
		}
	}
	cfg := config{
		apiKeySecretID:     getenv("SENDGRID_API_KEY_SECRET_ID"),
		webhookSecretID:    getenv("WEBHOOK_SECRET_ID"),
		ledgerTable:        getenv("LEDGER_TABLE"),
		eventBusName:       getenv("EVENT_BUS_NAME"),
		deadLetterQueueURL: getenv("DEAD_LETTER_QUEUE_URL"),
		eventQueueURL:      getenv("EVENT_QUEUE_URL"),
	}
	for _, id := range []struct{ name, value string }{
		{"SENDGRID_API_KEY_SECRET_ID", cfg.apiKeySecretID}, {"WEBHOOK_SECRET_ID", cfg.webhookSecretID},
		{"LEDGER_TABLE", cfg.ledgerTable}, {"EVENT_BUS_NAME", cfg.eventBusName},
	} {
		if !envvar.IsResourceName(id.value) {
			note(id.name, errors.New("must be a name or an ARN, of letters, digits and /_+=.@:-"))
		}
	}
	switch {
	case cfg.apiKeySecretID == "":
		note("SENDGRID_API_KEY_SECRET_ID", errors.New("is required: the name or ARN of the secret with the SendGrid API key"))
	case strings.HasPrefix(cfg.apiKeySecretID, "SG."):
		note("SENDGRID_API_KEY_SECRET_ID", errors.New("is an API key; put the key into a secret, and the name of the secret here"))
	}
	for _, queue := range []struct{ name, url string }{
		{"DEAD_LETTER_QUEUE_URL", cfg.deadLetterQueueURL}, {"EVENT_QUEUE_URL", cfg.eventQueueURL},
	} {
		if queue.url != "" {
			note(queue.name, envvar.CheckEndpoint(queue.url))
		}
	}
	var err error
	cfg.webhookMayUpdate, err = parseBool(getenv("WEBHOOK_MAY_UPDATE"))
	note("WEBHOOK_MAY_UPDATE", err)
	cfg.auditMayWrite, err = parseAuditMode(getenv("AUDIT_MODE"))
	note("AUDIT_MODE", err)
	cfg.samlMetadataHosts, err = saml.ParseHosts(getenv("SAML_METADATA_HOSTS"))
	note("SAML_METADATA_HOSTS", err)
	actsOn, wrong := account.Read(getenv)
	problems = append(problems, wrong...)
	cfg.baseURL, cfg.onBehalfOf = actsOn.BaseURL, actsOn.OnBehalfOf
	cfg.apiKeyTTL, err = parseTTL(getenv("API_KEY_TTL"))
	note("API_KEY_TTL", err)
	cfg.deleteAfter, err = parseDeleteAfter(getenv("DELETE_AFTER"))
	note("DELETE_AFTER", err)
	cfg.teammates, err = parseBool(getenv("TEAMMATES"))
	note("TEAMMATES", err)
	cfg.breakGlass, err = parseEmails(getenv("BREAK_GLASS_TEAMMATES"))
	note("BREAK_GLASS_TEAMMATES", err)

	if len(problems) > 0 {
		return config{}, fmt.Errorf("the configuration has %d problem(s):\n%w", len(problems), errors.Join(problems...))
	}
	return cfg, nil
}

func parseBool(text string) (bool, error) {
	switch text {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, fmt.Errorf("must be true or false, not %q", text)
	}
}

// parseAuditMode reports whether the audit may write to SendGrid.
func parseAuditMode(text string) (mayWrite bool, err error) {
	switch text {
	case "", "renew":
		return true, nil
	case "report":
		return false, nil
	default:
		return false, fmt.Errorf("must be renew or report, not %q", text)
	}
}

// maxDeleteAfter keeps the time of a deletion in a year that every ledger can store.
const maxDeleteAfter = 100 * 365 * 24 * time.Hour

// parseDeleteAfter parses a duration that may be in days.
func parseDeleteAfter(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	after, err := time.ParseDuration(text)
	if days, inDays := strings.CutSuffix(text, "d"); inDays {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		after = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || after <= 0 || after > maxDeleteAfter {
		return 0, fmt.Errorf("must be a positive duration such as 14d or 336h, not %q; leave it empty if only people delete", text)
	}
	return after, nil
}

// parseEmails parses a list of email addresses, separated by commas or white space.
func parseEmails(text string) ([]string, error) {
	var emails []string
	for _, each := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		parsed, err := mail.ParseAddress(each)
		if err != nil || parsed.Address != each {
			return nil, fmt.Errorf("must be email addresses, separated by commas; %q is none", each)
		}
		emails = append(emails, strings.ToLower(each))
	}
	return emails, nil
}

func parseTTL(text string) (time.Duration, error) {
	if text == "" {
		return defaultAPIKeyTTL, nil
	}
	ttl, err := time.ParseDuration(text)
	if err != nil || ttl < minAPIKeyTTL || ttl > maxAPIKeyTTL {
		return 0, fmt.Errorf("must be a duration from %s to %s such as 5m or 1h30m, not %q", minAPIKeyTTL, maxAPIKeyTTL, text)
	}
	return ttl, nil
}
