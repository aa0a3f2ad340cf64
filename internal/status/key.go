package status

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// manyScopes is how many scopes a key with full access has at least. One that has as many and none of SSO's
// belongs to an account whose plan lacks SSO.
const manyScopes = 50

// Need is a scope that the configuration needs, with the purpose.
type Need struct {
	Scope, For string
}

// Uses are the options of the configuration that need scopes of their own.
type Uses struct {
	// Deletes reports whether DELETE_AFTER is set, and Teammates whether TEAMMATES is true.
	Deletes, Teammates bool
}

// Needs returns the scopes that the function needs.
func Needs(u Uses) []Need {
	needs := []Need{
		{sendgrid.ScopeRead, "every request and every audit needs"},
		{sendgrid.ScopeCreate, "the create of a connection and of a certificate needs"},
		{sendgrid.ScopeUpdate, "if_exists: update, restore and state: absent need"},
	}
	if u.Deletes {
		needs = append(needs, Need{sendgrid.ScopeDelete, "DELETE_AFTER needs"})
	}
	if u.Teammates {
		needs = append(needs,
			Need{sendgrid.ScopeTeammatesCreate, "the create of a teammate needs"},
			Need{sendgrid.ScopeTeammatesUpdate, "the update of a teammate needs"},
			Need{sendgrid.ScopeTeammatesRead, "every request for a teammate and every audit needs while TEAMMATES is true"},
			Need{sendgrid.ScopeTeammatesDelete, "state: absent of a teammate needs"},
			Need{sendgrid.ScopeSubusersRead, "subuser_access by name needs"})
	}
	return needs
}

// Key returns the checks of the API key, which share their calls: whether its secret can be read and SendGrid
// accepts the key, and whether it has the scopes that are needed. readSecret reads the secret as it is now, and
// list lists the scopes.
func Key(ctx context.Context, readSecret func(context.Context) error, list func(context.Context) ([]string, error), needs []Need) []Check {
	read := sync.OnceValues(func() ([]string, error) {
		if err := readSecret(ctx); err != nil {
			return nil, &sendgrid.KeyError{Op: sendgrid.OpListScopes, Err: err}
		}
		return list(ctx)
	})
	return []Check{
		{nameAPIKey, func(context.Context) (string, error) {
			if _, err := read(); err != nil {
				return "", keyProblem(err)
			}
			return "The secret can be read, and SendGrid accepts the API key.", nil
		}},
		{nameScopes, func(context.Context) (string, error) {
			scopes, err := read()
			if err != nil {
				return "", &Problem{"The scopes of the API key could not be read; see the check " + nameAPIKey + ".", err}
			}
			return checkScopes(scopes, needs)
		}},
	}
}

// keyProblem explains why the API key cannot be used.
func keyProblem(err error) error {
	e := provision.Classify(err)
	var failure *sendgrid.Error
	switch {
	case e.Code == problem.SecretUnavailable:
		return secretProblem("The secret with the SendGrid API key", " The output PutApiKeyCommand puts a key into it.", err)
	case (e.Code == problem.SendGridUnauthorized || e.Code == problem.SendGridForbidden) && errors.As(err, &failure):
		return &Problem{provision.Refusal(failure, ""), err}
	case e.Code == problem.RateLimited:
		return &Problem{"SendGrid's rate limit is used up, so the API key could not be checked. Run the status again in a minute.", err}
	}
	return &Problem{"SendGrid could not be asked about the API key. Check SENDGRID_REGION, SendGrid's status page and, if the function runs in a VPC, its way to the internet.", err}
}

// listProblem explains why a list of the account cannot be read although the key is accepted. otherwise is the message
// if SendGrid does not refuse the read.
func listProblem(err error, otherwise string) error {
	var failure *sendgrid.Error
	if e := provision.Classify(err); (e.Code == problem.SendGridUnauthorized || e.Code == problem.SendGridForbidden) && errors.As(err, &failure) {
		return &Problem{provision.Refusal(failure, ""), err}
	}
	return &Problem{otherwise, err}
}

// checkScopes reports the scopes that are missing.
func checkScopes(scopes []string, needs []Need) (string, error) {
	isSSO := func(scope string) bool { return strings.HasPrefix(scope, "sso.") }
	if len(scopes) >= manyScopes && !slices.ContainsFunc(scopes, isSSO) {
		var wanted []string
		for _, n := range needs {
			wanted = append(wanted, n.Scope)
		}
		return "", &Problem{fmt.Sprintf("The API key has %d scopes and none of SSO's, so the account's plan most likely does not include SSO. It takes Email API Pro or Premier, or Marketing Campaigns Advanced. "+
			"If the plan is one of them, make a new key with %s.", len(scopes), strings.Join(wanted, ", ")), nil}
	}
	var missing []string
	for _, n := range needs {
		if !slices.Contains(scopes, n.Scope) {
			missing = append(missing, n.Scope+", which "+n.For)
		}
	}
	if len(missing) > 0 {
		return "", &Problem{"The API key lacks " + strings.Join(missing, "; ") + ". Make a new key that has what is missing, and put it into the secret with the output PutApiKeyCommand; to edit a key may not be enough.", nil}
	}
	return fmt.Sprintf("The API key has the %d scopes that are needed.", len(needs)), nil
}
