package provision

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// The README's table of errors is the one that people read, so it has to say what the
// code does.
func TestREADMEListsEveryCode(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	for code, trait := range traits {
		retry := map[bool]string{true: "yes", false: "no"}[trait.retry]
		require.Contains(t, string(readme), fmt.Sprintf("\n| `%s` | %d | %s | ", code, trait.status, retry))
	}
}
