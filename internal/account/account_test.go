package account_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/account"
)

func TestRead(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		env  map[string]string
		want account.Account
		// wrong are the variables with a problem.
		wrong []string
	}{
		"nothing":            {nil, account.Account{BaseURL: "https://api.sendgrid.com"}, nil},
		"the EU":             {map[string]string{"SENDGRID_REGION": "eu"}, account.Account{BaseURL: "https://api.eu.sendgrid.com"}, nil},
		"a subuser":          {map[string]string{"SENDGRID_ON_BEHALF_OF": "sub user"}, account.Account{BaseURL: "https://api.sendgrid.com", OnBehalfOf: "sub user"}, nil},
		"a URL for a region": {map[string]string{"SENDGRID_REGION": "eu", "SENDGRID_BASE_URL": "http://localhost:8089/"}, account.Account{BaseURL: "http://localhost:8089"}, nil},
		"all of it wrong": {
			map[string]string{"SENDGRID_REGION": "mars", "SENDGRID_BASE_URL": "http://example.com", "SENDGRID_ON_BEHALF_OF": " x"},
			account.Account{BaseURL: "http://example.com", OnBehalfOf: " x"},
			[]string{"SENDGRID_ON_BEHALF_OF", "SENDGRID_REGION", "SENDGRID_BASE_URL"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, problems := account.Read(func(name string) string { return tt.env[name] })
			require.Equal(t, tt.want, got)
			var wrong []string
			for _, problem := range problems {
				variable, _, _ := strings.Cut(problem.Error(), " ")
				wrong = append(wrong, variable)
			}
			require.Equal(t, tt.wrong, wrong)
		})
	}
}
