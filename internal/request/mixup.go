package request

import (
	"net/url"
	"strings"

	"sendgrid-sso-integration/internal/saml"
)

// console is the address of an identity provider's administration, which people copy from their
// browser in place of a URL that belongs to the application.
type console struct {
	name  string
	hosts []string
	// signin and metadata say where the right URLs for login and SAML metadata are.
	signin, metadata string
}

var consoles = []console{
	{
		name: "Okta's Admin Console", hosts: []string{"-admin.okta.com", "-admin.oktapreview.com", "-admin.okta-emea.com", "-admin.okta-gov.com", "-admin.okta.mil"},
		signin:   `send the "Identity Provider Single Sign-On URL" that the application shows under Sign On, View SAML setup instructions`,
		metadata: `send the "Metadata URL" that the application shows under Sign On`,
	},
	{
		name: "Google's Admin console", hosts: []string{"admin.google.com"},
		signin:   `send the "SSO URL" that the application shows under Download metadata`,
		metadata: `Google has no URL for it, so download the metadata of the application and send its text as saml_metadata`,
	},
	{
		name: "Microsoft's admin centre", hosts: []string{"portal.azure.com", "portal.azure.us", "portal.azure.cn", "entra.microsoft.com", "entra.microsoft.us"},
		signin:   `send the "Login URL" that the application shows under Single sign-on, Set up`,
		metadata: `send the "App Federation Metadata Url" that the application shows under Single sign-on, SAML Certificates`,
	},
}

// consoleOf returns the console that a URL is the address of.
func consoleOf(text string) (console, bool) {
	host := hostOf(text)
	for _, c := range consoles {
		for _, h := range c.hosts {
			if host == h || strings.HasSuffix(host, "."+h) || h[0] == '-' && strings.HasSuffix(host, h) {
				return c, true
			}
		}
	}
	return console{}, false
}

// isSendGrids reports whether a text is a URL on a host of SendGrid. SendGrid's own URLs go to
// the identity provider, and people send them back.
func isSendGrids(text string) bool {
	host := hostOf(text)
	return host == "sendgrid.com" || strings.HasSuffix(host, ".sendgrid.com")
}

// hostOf returns the host of a URL in lower case, also without its scheme.
func hostOf(text string) string {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func checkEntityID(r Request) string {
	if isSendGrids(r.EntityID) {
		return "is a URL of SendGrid, which the identity provider needs; send the identity provider's own issuer, which is the entityID in its SAML metadata"
	}
	return saml.EntityIDProblem(r.EntityID)
}

func checkSigninURL(r Request) string {
	if isSendGrids(r.SigninURL) {
		return "is a URL of SendGrid, which the identity provider needs; send the identity provider's own single sign-on URL"
	}
	if c, ok := consoleOf(r.SigninURL); ok {
		return "is the address of " + c.name + "; " + c.signin
	}
	return saml.URLProblem(r.SigninURL)
}

func checkMetadataURL(r Request) string {
	switch c, isConsole := consoleOf(r.SAMLMetadataURL); {
	case r.SAMLMetadataURL == "":
		return ""
	case saml.IsXML([]byte(r.SAMLMetadataURL)):
		return "is XML, not a URL; it goes in saml_metadata"
	case isConsole:
		return "is the address of " + c.name + "; " + c.metadata
	}
	return saml.URLProblem(r.SAMLMetadataURL)
}
