package main

import (
	"os"

	"sendgrid-sso-integration/handler"
)

// pageSample is what the form offers to send.
type pageSample struct{ Name, Text string }

// pageSamples returns a request with the metadata of an identity provider that is made for
// this run, and the samples. Those that come by HTTP are left out: their secrets and
// signatures are not of this run, and the form sends any request by HTTP.
func pageSamples() ([]pageSample, error) {
	idp, err := newIDP("https://idp.example/metadata")
	if err != nil {
		return nil, err
	}
	request, err := idp.request("An identity provider with a certificate", "")
	if err != nil {
		return nil, err
	}
	forms := []pageSample{{"saml-metadata (made for this run)", string(request)}}
	files, err := samples()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if trigger := handler.Recognise(text); trigger != handler.TriggerHTTPAPI && trigger != handler.TriggerRESTAPI {
			forms = append(forms, pageSample{sampleName(file), string(text)})
		}
	}
	return forms, nil
}
