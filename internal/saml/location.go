package saml

import "fmt"

// location returns the URL of the first endpoint with the binding HTTP-POST, else with
// HTTP-Redirect, else empty. ResponseLocation is not read: it is for answers to a logout
// that someone else started.
func location(endpoints []endpoint, element string) (string, error) {
	for _, binding := range []string{bindingPOST, bindingRedirect} {
		for _, e := range endpoints {
			if e.attr("Binding") != binding {
				continue
			}
			text := e.attr("Location")
			if problem := URLProblem(text); problem != "" {
				return "", &Error{fmt.Sprintf("has a %s whose Location %s", element, problem)}
			}
			return text, nil
		}
	}
	return "", nil
}
