package saml

import "fmt"

const (
	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// location returns the URL of the first service with the binding HTTP-POST, else with
// HTTP-Redirect, else empty. One that breaks the rule of a URL is passed over if another keeps
// it, so that an IdP that still publishes http beside https can be used. The instead parameter
// says what the sender can do. ResponseLocation is not read: it is for responses to a logout that
// someone else started.
func location(services []*element, instead string) (string, error) {
	var broken error
	for _, binding := range []string{bindingPOST, bindingRedirect} {
		for _, s := range services {
			if s.attr("Binding") != binding {
				continue
			}
			text := s.attr("Location")
			problem := URLProblem(text)
			if problem == "" {
				return text, nil
			}
			if broken == nil {
				broken = &Error{Message: fmt.Sprintf("has a %s %s whose Location %s; %s", s.name, s.at, problem, instead)}
			}
		}
	}
	return "", broken
}
