package main

import (
	"fmt"
	"time"

	"sendgrid-sso-integration/internal/invocation"
)

// files returns the sections of every file.
func files() map[string]map[string]section {
	return map[string]map[string]section{
		"docs/architecture.md": {"parts": table(parts()), "times": table(times())},
	}
}

// parts are the rows of what is kept free at the end of an invocation.
func parts() (rows [][]string) {
	for _, part := range invocation.Parts() {
		rows = append(rows, []string{code(part.String()), duration(part.Length()), fmt.Sprintf("1/%d", part.Share())})
	}
	return rows
}

// times are the rows of the other lengths that the division of an invocation has.
func times() [][]string {
	return [][]string{
		{"`Timeout`", duration(invocation.Timeout)},
		{"`ConnectorTimeout`", duration(invocation.ConnectorTimeout)},
		{"`WithoutDeadline`", duration(invocation.WithoutDeadline)},
		{"`MinMessage`", duration(invocation.MinMessage)},
		{"`MinConnectorMessage`", duration(invocation.MinConnectorMessage)},
		{"`MinWrite`", duration(invocation.MinWrite)},
	}
}

// duration returns a length of time as people read it.
func duration(d time.Duration) string {
	if d%time.Second != 0 {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%d s", int(d.Seconds()))
}
