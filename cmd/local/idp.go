package main

import (
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// idp is an identity provider that publishes SAML metadata and logs people in.
type idp struct {
	*sendgridtest.IDP
	entityID string
}

// newIDP returns an identity provider with a new key. Its certificate is valid for a year.
func newIDP(entityID string) (idp, error) {
	provider, err := sendgridtest.NewIDP(entityID, time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0))
	return idp{provider, entityID}, err
}

// metadata returns the provider's SAML metadata, with the certificates of others of its keys.
func (p idp) metadata(others ...idp) (string, error) {
	address, err := url.Parse(p.entityID)
	if err != nil {
		return "", err
	}
	signin := *address.JoinPath("../sso")
	described := p.Metadata(*address, signin)
	for _, other := range others {
		keys := &described.IDPSSODescriptors[0].KeyDescriptors
		*keys = append(*keys, other.Metadata(*address, signin).IDPSSODescriptors[0].KeyDescriptors...)
	}
	document, err := xml.MarshalIndent(described, "", "  ")
	return string(document), err
}

// metadataRequest is a request with SAML metadata, by value or by URL.
type metadataRequest struct {
	Name     string `json:"name"`
	Enabled  bool   `json:"enabled"`
	Metadata string `json:"saml_metadata,omitempty"`
	URL      string `json:"saml_metadata_url,omitempty"`
	IfExists string `json:"if_exists,omitempty"`
}

// request returns a request with the provider's SAML metadata.
func (p idp) request(name string) ([]byte, error) {
	document, err := p.metadata()
	if err != nil {
		return nil, err
	}
	return []byte(pretty(metadataRequest{Name: name, Enabled: true, Metadata: document})), nil
}

// event returns the EventBridge event with a request with the provider's SAML metadata.
func (p idp) event(id, name string) ([]byte, error) {
	request, err := p.request(name)
	if err != nil {
		return nil, err
	}
	return event(id, request)
}

// declaration returns the EventBridge event with a request that names the provider's SAML metadata by URL.
func (p idp) declaration(id, name, ifExists string) ([]byte, error) {
	return event(id, []byte(pretty(metadataRequest{Name: name, Enabled: true, URL: p.entityID, IfExists: ifExists})))
}

// logIn has the provider sign an assertion about a person and posts it to an integration, as
// the person's browser does. It returns the name under which the person is logged in, or the
// reason for the refusal.
func (p idp) logIn(client *http.Client, integration sendgrid.Integration, person string) (nameID, refusal string, err error) {
	samlResponse, err := p.Respond(integration.AudienceURL, integration.SingleSignOnURL, person)
	if err != nil {
		return "", "", err
	}
	form := url.Values{"SAMLResponse": {base64.StdEncoding.EncodeToString(samlResponse)}}
	response, err := client.Post(integration.SingleSignOnURL, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())) //nolint:noctx // The client has a timeout.
	if err != nil {
		return "", "", err
	}
	defer func() { _ = response.Body.Close() }()
	var result struct {
		NameID string `json:"name_id"`
		Reason string `json:"reason"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&result); err != nil {
		return "", "", fmt.Errorf("read the response to a login: %w", err)
	}
	return result.NameID, result.Reason, nil
}
