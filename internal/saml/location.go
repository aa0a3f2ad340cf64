package saml

import "fmt"

const (
	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
)

// location returns the URL of the first service with the binding HTTP-POST, else with
// HTTP-Redirect, else empty. The instead parameter says what the sender can do if it breaks the
// rule of a URL. ResponseLocation is not read: it is for answers to a logout that someone else
// started.
func location(services []*element, instead string) (string, error) {
	for _, binding := range []string{bindingPOST, bindingRedirect} {
		for _, s := range services {
			if s.attr("Binding") != binding {
				continue
			}
			text := s.attr("Location")
			if problem := URLProblem(text); problem != "" {
				return "", &Error{fmt.Sprintf("has a %s %s whose Location %s; %s", s.name, s.at, problem, instead)}
			}
			return text, nil
		}
	}
	return "", nil
}
