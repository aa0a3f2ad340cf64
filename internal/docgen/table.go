package main

import (
	"errors"
	"fmt"
	"strings"
)

// table returns the section of a Markdown table with these rows, whose first cell is the
// key. The heading is kept, and so is the text in the columns that the rows do not have.
func table(rows [][]string) section {
	return func(old string) (string, error) {
		lines := strings.Split(strings.TrimSpace(old), "\n")
		if len(lines) < 2 {
			return "", errors.New("there is no table")
		}
		texts := map[string][]string{}
		for _, line := range lines[2:] {
			cells := cellsOf(line)
			texts[cells[0]] = cells
		}
		made := []string{"", lines[0], lines[1]}
		columns := len(cellsOf(lines[0]))
		var problems []error
		for _, row := range rows {
			cells := texts[row[0]]
			if len(row) < columns && (len(cells) != columns || strings.Join(cells[len(row):], "") == "") {
				problems = append(problems, fmt.Errorf("%s needs a row with text in the last columns", row[0]))
				continue
			}
			if len(row) < columns {
				row = append(row, cells[len(row):]...)
			}
			made = append(made, "| "+strings.Join(row, " | ")+" |")
		}
		return strings.Join(made, "\n") + "\n\n", errors.Join(problems...)
	}
}

// cellsOf returns the cells of a row. A cell with a vertical bar in it has "\|".
func cellsOf(row string) []string {
	const bar = "\x00"
	row = strings.ReplaceAll(strings.TrimSpace(row), `\|`, bar)
	cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(row, "|"), "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.ReplaceAll(strings.TrimSpace(cell), bar, `\|`)
	}
	return cells
}

// keyed returns rows with these keys alone.
func keyed[T ~string](keys []T) (rows [][]string) {
	for _, key := range keys {
		rows = append(rows, []string{code(key)})
	}
	return rows
}

// code returns a name as Markdown shows it.
func code[T ~string](name T) string { return "`" + string(name) + "`" }
