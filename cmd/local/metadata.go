package main

import (
	"context"
	"fmt"
	"os"

	"sendgrid-sso-integration/internal/saml"
)

// The sample events name sampleMetadataURL, which belongs to a tenant that does not exist.
const (
	sampleMetadataURL  = "https://login.microsoftonline.com/7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34/federationmetadata/2007-06/federationmetadata.xml?appid=1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	sampleMetadataFile = "events/local.entra-metadata.xml"
)

// bundledMetadata answers sampleMetadataURL from a file, so that the samples need no network.
// Every other URL is fetched.
type bundledMetadata struct{ *saml.Fetcher }

// Fetch implements request.Fetcher.
func (b bundledMetadata) Fetch(ctx context.Context, url string) ([]byte, error) {
	if url != sampleMetadataURL {
		return b.Fetcher.Fetch(ctx, url)
	}
	document, err := os.ReadFile(sampleMetadataFile)
	if err != nil {
		return nil, fmt.Errorf("run this at the root of the repository: %w", err)
	}
	return document, nil
}
