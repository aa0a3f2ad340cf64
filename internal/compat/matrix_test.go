//go:build compat

package compat_test

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
)

// step is a column of the matrix.
type step string

// The steps, in their order. Each needs those before it.
const (
	stepAccepted       step = "metadata accepted"
	stepCreated        step = "connection created"
	stepSimulator      step = "login: simulator"
	stepNodeSAML       step = "login: node-saml"
	stepRefused        step = "new key, old metadata: refused"
	stepUpdated        step = "new metadata: updated"
	stepAfterSimulator step = "rotated login: simulator"
	stepAfterNodeSAML  step = "rotated login: node-saml"
	stepAnnounced      step = "announced key: no login fails"
)

var steps = []step{stepAccepted, stepCreated, stepSimulator, stepNodeSAML, stepRefused, stepUpdated, stepAfterSimulator, stepAfterNodeSAML, stepAnnounced}

// matrix is what came of every step with every identity provider.
type matrix struct {
	mu   sync.Mutex
	rows []*row
}

// row is one identity provider.
type row struct {
	name     string
	versions []string
	passed   map[step]bool
	failed   step
	// notOffered are the steps that the identity provider cannot take.
	notOffered map[step]bool
}

func (m *matrix) add(name string) *row {
	r := &row{name: name, passed: map[step]bool{}, notOffered: map[step]bool{}}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows = append(m.rows, r)
	return r
}

// take takes a step, which fails unless do returns.
func (r *row) take(t *testing.T, s step, do func()) {
	t.Helper()
	r.failed = s
	do()
	r.failed = ""
	r.passed[s] = true
}

func (r *row) cell(s step) string {
	switch {
	case r.passed[s]:
		return "ok"
	case r.failed == s:
		return "FAILED"
	case r.notOffered[s]:
		return "not offered"
	}
	return "not reached"
}

// print prints the matrix as a table in Markdown, so that it can be put into an issue.
func (m *matrix) print(out io.Writer, judge string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	slices.SortFunc(m.rows, func(a, b *row) int { return cmp.Compare(a.name, b.name) })
	table := [][]string{{"identity provider"}, {"---"}}
	for _, s := range steps {
		table[0], table[1] = append(table[0], string(s)), append(table[1], "---")
	}
	for _, r := range m.rows {
		cells := []string{r.name + " (" + strings.Join(r.versions, ", ") + ")"}
		for _, s := range steps {
			cells = append(cells, r.cell(s))
		}
		table = append(table, cells)
	}
	fmt.Fprintf(out, "\nJudges: the simulator, and node-saml %s.\n\n", judge)
	for _, cells := range table {
		fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | "))
	}
	fmt.Fprintln(out)
}
