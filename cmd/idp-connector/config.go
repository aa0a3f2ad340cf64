package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"sendgrid-sso-integration/internal/envvar"
	"sendgrid-sso-integration/sendgrid"
)

// config is the configuration of the function, from its environment.
type config struct {
	orgURL             string
	credentialSecretID string
	eventBusName       string
	eventSource        string
	eventDetailType    string
	// namePrefix may be empty: then every SAML application is one for SendGrid.
	namePrefix string
	// sendGridRoots are those of the URLs that may get into an application.
	sendGridRoots []string
}

const (
	defaultEventSource     = "com.example.idp"
	defaultEventDetailType = "IdP Application Created"
	// resultSource is the source of the results, of which a request must not have it: it would
	// be taken for a result.
	resultSource = "sendgrid.sso"
)

// readConfig reads the configuration, and reports every problem of it in one error. No problem
// repeats a value, because a secret may have been put in the wrong place.
func readConfig(getenv func(string) string) (config, error) {
	cfg := config{
		orgURL:             strings.TrimRight(getenv("OKTA_ORG_URL"), "/"),
		credentialSecretID: getenv("OKTA_CREDENTIAL_SECRET_ID"),
		eventBusName:       getenv("EVENT_BUS_NAME"),
		eventSource:        cmp.Or(getenv("EVENT_SOURCE"), defaultEventSource),
		eventDetailType:    cmp.Or(getenv("EVENT_DETAIL_TYPE"), defaultEventDetailType),
		namePrefix:         getenv("APPLICATION_NAME_PREFIX"),
		sendGridRoots:      []string{sendgrid.GlobalBaseURL, sendgrid.EUBaseURL},
	}
	simulator := strings.TrimRight(getenv("SENDGRID_BASE_URL"), "/")
	if simulator != "" {
		cfg.sendGridRoots = []string{simulator}
	}
	var problems []error
	for _, variable := range []struct {
		name string
		err  error
	}{
		{"OKTA_ORG_URL", checkOrgURL(cfg.orgURL)},
		{"OKTA_CREDENTIAL_SECRET_ID", checkID(cfg.credentialSecretID)},
		{"EVENT_BUS_NAME", checkID(cfg.eventBusName)},
		{"EVENT_SOURCE", checkSource(cfg.eventSource)},
		{"EVENT_DETAIL_TYPE", checkText(cfg.eventDetailType)},
		{"APPLICATION_NAME_PREFIX", checkText(cfg.namePrefix)},
		{"SENDGRID_BASE_URL", checkSimulator(simulator)},
	} {
		if variable.err != nil {
			problems = append(problems, fmt.Errorf("%s %w", variable.name, variable.err))
		}
	}
	if len(problems) > 0 {
		return config{}, fmt.Errorf("the configuration has %d problem(s):\n%w", len(problems), errors.Join(problems...))
	}
	return cfg, nil
}

// checkOrgURL allows plain http only where the credential stays on this machine or network.
func checkOrgURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Hostname() == "":
		return errors.New("is required: the absolute URL of the Okta org such as https://example.okta.com")
	case u.User != nil, strings.ContainsAny(text, "?#"), u.Path != "":
		return errors.New("must be the address of the org alone, without a user, a path, a query or a fragment")
	case orgHost(u.Hostname()) != "":
		return fmt.Errorf("is that of the Admin Console; the org itself is at https://%s", orgHost(u.Hostname()))
	case u.Scheme == "https", u.Scheme == "http" && envvar.IsPrivateHost(u.Hostname()):
		return nil
	default:
		return errors.New("must begin with https://, because the credential travels along; http:// is for a simulator on localhost, host.docker.internal or a private address")
	}
}

// orgHost returns the host of the org whose Admin Console a host is, empty if it is none. That
// address is the one that administrators see in their browser. Okta's own SDKs refuse it, too.
func orgHost(host string) string {
	name, domain, _ := strings.Cut(strings.ToLower(host), ".")
	org, isConsole := strings.CutSuffix(name, "-admin")
	if !isConsole || !slices.Contains(oktaDomains(), domain) {
		return ""
	}
	return org + "." + domain
}

// oktaDomains returns the domains of the orgs, except those of their own.
func oktaDomains() []string {
	return []string{"okta.com", "oktapreview.com", "okta-emea.com", "okta-gov.com", "okta.mil"}
}

// checkSimulator allows no host in the internet: people's SAML responses would be sent there.
func checkSimulator(text string) error {
	if text == "" {
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || strings.ContainsAny(text, "?#") || u.Path != "" ||
		!envvar.IsPrivateHost(u.Hostname()) {
		return errors.New("is for a simulator: http:// or https://, and localhost, host.docker.internal or a private address; leave it empty for SendGrid")
	}
	return nil
}

// checkID checks the name or ARN of a resource in AWS.
func checkID(text string) error {
	if text == "" || !envvar.IsResourceName(text) {
		return errors.New("is required: a name or an ARN, of letters, digits and /_+=.@:-")
	}
	return nil
}

func checkSource(text string) error {
	if text == resultSource || strings.HasPrefix(text, "aws.") {
		return errors.New("must be a source of your own: neither sendgrid.sso, which the results have, nor one that begins with aws")
	}
	return checkID(text)
}

func checkText(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) || len(text) > 128 {
		return errors.New("must have at most 128 bytes and no control characters")
	}
	return nil
}
