package sendgrid_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// staticKey is the least that a key source can be: one key for ever.
type staticKey string

func (k staticKey) Key(context.Context) (key, version string, err error) {
	return string(k), "only", nil
}

func (k staticKey) RenewKey(context.Context, string) (key, version string, err error) {
	return string(k), "only", nil
}

func ExampleClient() {
	server := httptest.NewServer(sendgridtest.New())
	defer server.Close()
	client := &sendgrid.Client{
		Keys:    staticKey("SG.xxxx"),
		BaseURL: server.URL, // Leave it out for the real SendGrid.
	}
	ctx := context.Background()

	created, err := client.CreateIntegration(ctx, sendgrid.IntegrationRequest{
		Name:       "Okta",
		Enabled:    true,
		SigninURL:  "https://example.okta.com/app/sso/saml",
		SignoutURL: "https://example.okta.com/login/signout",
		EntityID:   "http://www.okta.com/exk1",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.Name, created.Enabled)

	_, err = client.GetIntegration(ctx, "unknown")
	var failure *sendgrid.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.StatusCode, failure.Errors[0].Message)
	}
	// Output:
	// Okta true
	// 404 the integration does not exist
}
