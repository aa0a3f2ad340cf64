package sendgrid_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// staticKey is the simplest key source: one key that never changes.
type staticKey string

func (k staticKey) Key(context.Context) (key, version string, err error) {
	return string(k), "only", nil
}

func (k staticKey) RenewKey(context.Context, string) (key, version string, err error) {
	return string(k), "only", nil
}

// exampleClient returns a client of a simulated SendGrid.
func exampleClient() (*sendgrid.Client, *sendgridtest.Server, func()) {
	sg := sendgridtest.New()
	server := httptest.NewServer(sg)
	client := &sendgrid.Client{
		Keys:    staticKey("SG.xxxx"),
		BaseURL: server.URL, // Leave it out for the real SendGrid.
	}
	return client, sg, server.Close
}

var okta = sendgrid.IntegrationRequest{
	Name:       "Okta",
	Enabled:    true,
	SigninURL:  "https://example.okta.com/app/sso/saml",
	SignoutURL: "https://example.okta.com/login/signout",
	EntityID:   "http://www.okta.com/exk1",
}

func ExampleClient() {
	client, _, done := exampleClient()
	defer done()
	ctx := context.Background()

	created, err := client.CreateIntegration(ctx, okta)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(created.Name, created.Enabled)

	_, err = client.GetIntegration(ctx, "unknown")
	fmt.Println("not found:", sendgrid.IsNotFound(err))
	// Output:
	// Okta true
	// not found: true
}

// A failed create may be repeated only if SendGrid has certainly not carried it out. Here the
// connection breaks after SendGrid has created the integration.
func ExampleClient_CreateIntegration() {
	client, sg, done := exampleClient()
	defer done()
	ctx := context.Background()
	sg.Script(sendgridtest.Fault{Op: sendgrid.OpCreateIntegration, Commit: true, Drop: true})

	_, err := client.CreateIntegration(ctx, okta)
	var failure *sendgrid.Error
	if errors.As(err, &failure) {
		fmt.Println("sent:", failure.Sent, "status:", failure.StatusCode)
	}
	switch class := sendgrid.ClassOf(err); class {
	case sendgrid.Ambiguous: // A second create might make a second integration, so read first.
		all, err := client.ListIntegrations(ctx)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("integrations:", len(all), all[0].EntityID)
	case sendgrid.Throttled, sendgrid.NeverSent:
		fmt.Println("nothing happened, try again:", class.Repeatable())
	case sendgrid.Unavailable, sendgrid.Refused, sendgrid.NoKey:
		fmt.Println("give up:", err)
	}
	// Output:
	// sent: true status: 0
	// integrations: 1 http://www.okta.com/exk1
}

// SendGrid's reasons for a refusal are in the error.
func ExampleError() {
	client, sg, done := exampleClient()
	defer done()
	sg.Script(sendgridtest.Fault{Status: 403, Body: `{"errors": [{"field": null, "message": "access forbidden"}]}`})

	_, err := client.CreateIntegration(context.Background(), okta)
	var failure *sendgrid.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.StatusCode, failure.Errors[0].Message)
		fmt.Println("repeating it helps:", failure.Class().Repeatable())
		fmt.Println("the key needs the scope", failure.Op.Scope())
	}
	// Output:
	// 403 access forbidden
	// repeating it helps: false
	// the key needs the scope sso.settings.create
}

// The integration comes first, and its certificate second. During a rotation it has two.
func ExampleClient_CreateCertificate() {
	client, _, done := exampleClient()
	defer done()
	ctx := context.Background()
	integration, err := client.CreateIntegration(ctx, okta)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	for range 2 {
		idp, err := sendgridtest.NewIDP(okta.EntityID, now, now.AddDate(1, 0, 0))
		if err != nil {
			fmt.Println(err)
			return
		}
		_, err = client.CreateCertificate(ctx, sendgrid.CertificateRequest{
			PublicCertificate: idp.PEM(), IntegrationID: integration.ID, Enabled: true,
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	certificates, err := client.ListCertificates(ctx, integration.ID)
	fmt.Println(len(certificates), err)
	// Output:
	// 2 <nil>
}

// An observer gets the rate limit of each response. The client does not send a call that the
// limit does not permit in time; the error has the reset.
func ExampleWithObserver() {
	client, sg, done := exampleClient()
	defer done()
	sg.SetRateLimit(1, 24*time.Hour)
	ctx := sendgrid.WithObserver(context.Background(), func(call sendgrid.Call) {
		fmt.Println(call.Op, call.Status, "remaining:", call.RateLimit.Remaining, "of", call.RateLimit.Limit)
	})

	_, err := client.ListIntegrations(ctx)
	fmt.Println("error:", err)

	// The client waits for a reset that comes before the deadline. Here it has no time for that.
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = client.ListIntegrations(ctx)
	var failure *sendgrid.Error
	if errors.As(err, &failure) && failure.Class() == sendgrid.Throttled {
		fmt.Println("it can be repeated later:", failure.RateLimit.Reset.After(time.Now()))
	}
	// Output:
	// list integrations 200 remaining: 0 of 1
	// error: <nil>
	// it can be repeated later: true
}
