package provision

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"
)

// The README's table of errors is the one that people read, so it has to say what the
// code does.
func TestREADMEListsEveryCode(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for _, code := range problem.Codes() {
		retry := map[bool]string{true: "yes", false: "no"}[(&problem.Error{Code: code}).Retryable()]
		row := fmt.Sprintf("\n| `%s` | %d | %s | ", code, code.Status(), retry)
		// Not require.Contains, which would print the whole README.
		if !strings.Contains(string(readme), row) {
			require.Fail(t, "the README lacks a row", row)
		}
	}
}
