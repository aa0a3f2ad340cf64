// Package account reads from the environment which SendGrid account a program acts on. The function
// and the commands of a laptop have to mean the same one.
package account

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"sendgrid-sso-integration/internal/envvar"
	"sendgrid-sso-integration/sendgrid"
)

// Account is the SendGrid account that a program acts on.
type Account struct {
	// BaseURL is the root of the API.
	BaseURL string
	// OnBehalfOf names the subuser to act for; empty means the API key's own account.
	OnBehalfOf string
}

// Read reads the account, and returns every problem of its variables, each of which begins with the
// name of one.
func Read(getenv func(string) string) (Account, []error) {
	var problems []error
	note := func(name string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", name, err))
		}
	}
	a := Account{OnBehalfOf: getenv("SENDGRID_ON_BEHALF_OF")}
	if strings.ContainsFunc(a.OnBehalfOf, unicode.IsControl) || strings.TrimSpace(a.OnBehalfOf) != a.OnBehalfOf {
		note("SENDGRID_ON_BEHALF_OF", errors.New("must not contain control characters, nor white space around it"))
	}
	var err error
	a.BaseURL, err = sendgrid.RegionURL(getenv("SENDGRID_REGION"))
	note("SENDGRID_REGION", err)
	if override := getenv("SENDGRID_BASE_URL"); override != "" {
		a.BaseURL = strings.TrimRight(override, "/")
		note("SENDGRID_BASE_URL", envvar.CheckEndpoint(override))
	}
	return a, problems
}
