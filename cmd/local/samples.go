package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sendgrid-sso-integration/internal/saml"
)

// samples lists the sample events: first those that are meant to succeed, then those that
// are meant to be refused.
func samples() ([]string, error) {
	all, err := filepath.Glob("events/*.json")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, file := range all {
		if !strings.HasPrefix(filepath.Base(file), "local.") {
			files = append(files, file)
		}
	}
	refused, err := filepath.Glob("events/refused/*.json")
	if len(files) == 0 {
		return nil, errors.New("there are no samples in events/; run this at the root of the repository")
	}
	return append(files, refused...), err
}

// expectation is the result that the place of a file promises.
type expectation struct {
	// code is empty where the request has to succeed.
	code string
	// open means that nothing is promised: it is not one of the samples.
	open bool
}

// expectationOf returns what the place of a file promises: success, or in events/refused the
// code that the file is named after, which ends with an underscore where there are several with it.
func expectationOf(file string, samples []string) expectation {
	file = filepath.Clean(file)
	switch {
	case !slices.Contains(samples, file):
		return expectation{open: true}
	case filepath.Dir(file) == filepath.Join("events", "refused"):
		code, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".json"), "_")
		return expectation{code: code}
	default:
		return expectation{}
	}
}

// met reports whether a result with this code is what is promised.
func (e expectation) met(code string) bool { return e.open || e.code == code }

func orSuccess(code string) string {
	if code == "" {
		return "success"
	}
	return code
}

// The sample events name sampleMetadataURL, which belongs to a tenant that does not exist.
const (
	sampleMetadataURL  = "https://login.microsoftonline.com/7d2f4a10-3c5e-4b8a-9f61-0e8d5c2b7a34/federationmetadata/2007-06/federationmetadata.xml?appid=1f0c6c0e-2b53-4c7d-9a86-6a1f5d9e3b20"
	sampleMetadataFile = "events/local.entra-metadata.xml"
)

// bundledMetadata serves sampleMetadataURL from a file, so that the samples need no network.
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
