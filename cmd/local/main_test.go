package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	var out, logs output
	require.ErrorIs(t, run(t.Context(), nil, noEnvironment, noInput{}, &out, &logs), flag.ErrHelp)
	require.Contains(t, logs.String(), "usage: local <command>")

	for _, help := range []string{"-h", "--help", "help"} {
		logs = output{}
		require.ErrorIs(t, run(t.Context(), []string{help}, noEnvironment, noInput{}, &out, &logs), flag.ErrHelp, "which is not an error of the process")
		require.Equal(t, usage, logs.String())
	}

	logs = output{}
	require.EqualError(t, run(t.Context(), []string{"walk"}, noEnvironment, noInput{}, &out, &logs), `there is no command "walk"`)
	require.Contains(t, logs.String(), "usage: local <command>")

	for _, command := range []string{"run", "status", "demo", "serve", "simulator", "adopt", "explain", "verify-live"} {
		require.Contains(t, usage, "\n  "+command+" ")
		logs = output{}
		require.ErrorIs(t, run(t.Context(), []string{command, "-h"}, noEnvironment, noInput{}, &out, &logs), flag.ErrHelp)
		require.Contains(t, logs.String(), "Usage of "+command)
		require.ErrorContains(t, run(t.Context(), []string{command, "-nonsense"}, noEnvironment, noInput{}, &out, &logs), "nonsense")
	}
	require.Empty(t, out.String())
}
