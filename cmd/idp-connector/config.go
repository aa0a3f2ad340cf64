package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/envvar"
	"sendgrid-sso-integration/sendgrid"
)

// config is the configuration of the function, from its environment.
type config struct {
	// okta and entra are nil if that identity provider is off.
	okta  *oktaConfig
	entra *entraConfig

	eventBusName    string
	eventSource     string
	eventDetailType string
	// sendGridRoots are those of the URLs that may get into an application.
	sendGridRoots []string
}

type oktaConfig struct {
	orgURL             string
	credentialSecretID string
	// namePrefix may be empty: then every SAML application is one for SendGrid.
	namePrefix string
	// persona is that of a person who is assigned, empty if nobody becomes a teammate.
	persona string
}

type entraConfig struct {
	tenantID, clientID string
	// applicationIDs are in lower case.
	applicationIDs []string
	// credentialSecretID is empty if the function authenticates by its AWS identity.
	credentialSecretID string
	loginURL, graphURL string
}

const (
	defaultEventSource     = "com.example.idp"
	defaultEventDetailType = "IdP Application Created"
	// defaultPersona is the one that may only look.
	defaultPersona = "observer"
	// resultSource is the source of the results. A request must not have it: it would
	// be taken for a result.
	resultSource = "sendgrid.sso"
)

// maxApplications bounds how many applications of Entra are read in one invocation.
const maxApplications = 50

// problems collects what is wrong with the configuration. No problem repeats a value, because a
// secret may have been put in the wrong place.
type problems []error

func (p *problems) add(variable string, err error) {
	if err != nil {
		*p = append(*p, fmt.Errorf("%s %w", variable, err))
	}
}

// readConfig reads the configuration, and reports every problem of it in one error.
func readConfig(getenv func(string) string) (config, error) {
	var wrong problems
	cfg := config{
		okta:            readOkta(getenv, &wrong),
		entra:           readEntra(getenv, &wrong),
		eventBusName:    getenv("EVENT_BUS_NAME"),
		eventSource:     cmp.Or(getenv("EVENT_SOURCE"), defaultEventSource),
		eventDetailType: cmp.Or(getenv("EVENT_DETAIL_TYPE"), defaultEventDetailType),
		sendGridRoots:   []string{sendgrid.GlobalBaseURL, sendgrid.EUBaseURL},
	}
	simulator := strings.TrimRight(getenv("SENDGRID_BASE_URL"), "/")
	if simulator != "" {
		cfg.sendGridRoots = []string{simulator}
	}
	if cfg.okta == nil && cfg.entra == nil {
		wrong.add("OKTA_ORG_URL or ENTRA_TENANT_ID", errors.New("is required: at least one identity provider has to be on"))
	}
	wrong.add("EVENT_BUS_NAME", checkID(cfg.eventBusName))
	wrong.add("EVENT_SOURCE", checkSource(cfg.eventSource))
	wrong.add("EVENT_DETAIL_TYPE", checkText(cfg.eventDetailType))
	wrong.add("SENDGRID_BASE_URL", checkSimulator(simulator))
	if len(wrong) > 0 {
		return config{}, fmt.Errorf("the configuration has %d problem(s):\n%w", len(wrong), errors.Join(wrong...))
	}
	return cfg, nil
}

// readOkta returns nil if Okta is off. What belongs to Okta is not looked at then.
func readOkta(getenv func(string) string, wrong *problems) *oktaConfig {
	cfg := &oktaConfig{
		orgURL:             strings.TrimRight(getenv("OKTA_ORG_URL"), "/"),
		credentialSecretID: getenv("OKTA_CREDENTIAL_SECRET_ID"),
		namePrefix:         getenv("APPLICATION_NAME_PREFIX"),
	}
	teammates, persona := getenv("TEAMMATES"), cmp.Or(getenv("TEAMMATE_PERSONA"), defaultPersona)
	if cfg.orgURL == "" {
		return nil
	}
	wrong.add("OKTA_ORG_URL", checkOrgURL(cfg.orgURL))
	wrong.add("OKTA_CREDENTIAL_SECRET_ID", checkID(cfg.credentialSecretID))
	wrong.add("APPLICATION_NAME_PREFIX", checkText(cfg.namePrefix))
	wrong.add("TEAMMATES", checkOneOf(teammates, "true", "false", ""))
	wrong.add("TEAMMATE_PERSONA", checkOneOf(persona, sendgrid.Personas()...))
	if teammates == "true" {
		cfg.persona = persona
	}
	return cfg
}

// readEntra returns nil if Entra is off. What belongs to Entra is not looked at then.
func readEntra(getenv func(string) string, wrong *problems) *entraConfig {
	cfg := &entraConfig{
		tenantID:           strings.ToLower(getenv("ENTRA_TENANT_ID")),
		clientID:           getenv("ENTRA_CLIENT_ID"),
		credentialSecretID: getenv("ENTRA_CREDENTIAL_SECRET_ID"),
		loginURL:           strings.TrimRight(cmp.Or(getenv("ENTRA_LOGIN_URL"), entra.LoginURL), "/"),
		graphURL:           strings.TrimRight(cmp.Or(getenv("GRAPH_URL"), entra.GraphURL), "/"),
	}
	applications := getenv("ENTRA_APPLICATION_IDS")
	if cfg.tenantID == "" {
		return nil
	}
	var err error
	cfg.applicationIDs, err = readApplications(applications)
	wrong.add("ENTRA_APPLICATION_IDS", err)
	wrong.add("ENTRA_TENANT_ID", checkGUID(cfg.tenantID))
	wrong.add("ENTRA_CLIENT_ID", checkGUID(cfg.clientID))
	if cfg.credentialSecretID != "" {
		wrong.add("ENTRA_CREDENTIAL_SECRET_ID", checkID(cfg.credentialSecretID))
	}
	wrong.add("ENTRA_LOGIN_URL", checkRoot(cfg.loginURL))
	wrong.add("GRAPH_URL", checkRoot(cfg.graphURL))
	return cfg
}

// readApplications reads a list of ids, with commas or spaces between them.
func readApplications(text string) ([]string, error) {
	ids := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch {
	case len(ids) == 0:
		return nil, errors.New("is required: the application (client) ids of the applications for SendGrid, with commas between them")
	case len(ids) > maxApplications:
		return nil, fmt.Errorf("must have at most %d ids", maxApplications)
	case slices.ContainsFunc(ids, func(id string) bool { return !entra.IsGUID(id) }):
		return nil, errors.New("must have application (client) ids, with commas between them: each is a GUID such as 1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20")
	}
	return ids, nil
}

func checkGUID(text string) error {
	if !entra.IsGUID(text) {
		return errors.New("is required: a GUID such as 7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34")
	}
	return nil
}

// checkRoot checks the address of a service, which has no path.
func checkRoot(text string) error {
	if err := envvar.CheckEndpoint(text); err != nil {
		return err
	}
	if u, err := url.Parse(text); err != nil || u.Path != "" {
		return errors.New("must be an address without a path")
	}
	return nil
}

// checkOrgURL allows plain http only where the credential stays on this machine or network.
func checkOrgURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Hostname() == "":
		return errors.New("must be the absolute URL of the Okta org such as https://example.okta.com")
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

// checkOneOf checks a value of a few. An empty one among them needs no mention.
func checkOneOf(text string, values ...string) error {
	if slices.Contains(values, text) {
		return nil
	}
	return errors.New("must be one of " + strings.TrimSuffix(strings.Join(values, ", "), ", "))
}

func checkText(text string) error {
	if strings.ContainsFunc(text, unicode.IsControl) || len(text) > 128 {
		return errors.New("must have at most 128 bytes and no control characters")
	}
	return nil
}
