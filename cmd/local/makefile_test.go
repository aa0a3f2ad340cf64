package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// makes returns what make prints.
func makes(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make here")
	}
	command := exec.CommandContext(t.Context(), "make", append([]string{"--no-print-directory", "-C", "../.."}, args...)...)
	command.Env = append(os.Environ(), "MAKEFLAGS=", "EVENT=", "VERBOSE=", "PORT=8089") // Those of a make that runs this test.
	printed, err := command.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return string(printed)
}

// What a target runs, with the variables that "make help" lists.
func TestMakefile(t *testing.T) {
	t.Parallel()
	help := makes(t, "help")
	for _, tt := range []struct{ target, variables, runs string }{
		{"demo", "", "go run ./cmd/local demo"},
		{"demo", "VERBOSE=1", "go run ./cmd/local demo -v"},
		{"run", "", "go run ./cmd/local run"},
		{"run", "EVENT=x.json VERBOSE=1", "go run ./cmd/local run -v x.json"},
		{"serve", "PORT=8090", "go run ./cmd/local serve -port 8090"},
		{"serve", "VERBOSE=1", "go run ./cmd/local serve -v -port 8089"},
		{"simulator", "PORT=8090", "go run ./cmd/local simulator -port 8090"},
		{"ci", "GOARCH=amd64", "GOARCH=amd64 go build"},
		{"ci", "", "golangci-lint@"},
		{"ci", "", "go test"},
		{"fuzz", "FUZZTIME=5s", "-fuzztime 5s"},
	} {
		printed := makes(t, append([]string{"-n", tt.target}, strings.Fields(tt.variables)...)...)
		require.Contains(t, strings.Join(strings.Fields(printed), " "), tt.runs, "make %s %s", tt.target, tt.variables)
		require.Regexp(t, `(?m)^  make `+tt.target+` +\S`, help)
		for variable := range strings.FieldsSeq(tt.variables) {
			name, _, _ := strings.Cut(variable, "=")
			require.Regexp(t, `(?m)^  `+name+`=\S+ +\S`, help)
		}
	}
}

// CI runs "make ci" instead of a list of its own.
func TestCIRunsMakeCI(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"../../.ci/run", "../../.github/workflows/ci.yml"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Regexp(t, `(?m)^(make ci| +- run: make ci)\b`, string(text))
		require.NotRegexp(t, `make (build|lint|test)\b`, string(text))
	}
}
