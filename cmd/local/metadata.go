package main

import (
	"context"
	"net/url"
	"sync"

	"sendgrid-sso-integration/internal/saml"
)

// published is the SAML metadata that identity providers publish, each at its entity id. Nothing is
// fetched from the network. It is safe for concurrent use.
type published struct {
	*saml.Fetcher

	mu        sync.Mutex
	documents map[string]string // By URL.
}

// newPublished returns where the identity providers with these entity ids publish.
func newPublished(entityIDs ...string) (*published, error) {
	p := &published{Fetcher: &saml.Fetcher{}, documents: map[string]string{}}
	for _, id := range entityIDs {
		at, err := url.Parse(id)
		if err != nil {
			return nil, err
		}
		p.Hosts = append(p.Hosts, at.Host)
	}
	return p, nil
}

// publish replaces the SAML metadata of an identity provider, which has the certificates of others of its
// keys beside its own.
func (p *published) publish(provider idp, others ...idp) error {
	document, err := provider.metadata(others...)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.documents[provider.entityID] = document
	return nil
}

// Fetch implements request.Fetcher.
func (p *published) Fetch(_ context.Context, url string) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	document, found := p.documents[url]
	if !found {
		return nil, &saml.FetchError{Message: "is not published"}
	}
	return []byte(document), nil
}
