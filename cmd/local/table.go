package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table prints a row for each delivery as soon as its outcome is known.
type table struct {
	out io.Writer
	// width is that of the first column, in characters.
	width int
}

// newTable returns a table whose first column is wide enough for the names of files.
func newTable(out io.Writer, files []string) *table {
	t := &table{out: out, width: utf8.RuneCountInString(messageRow("", 0))}
	for _, file := range files {
		t.width = max(t.width, utf8.RuneCountInString(sampleName(file)))
	}
	return t
}

func (t *table) heading() { t.row("SAMPLE", "TRIGGER", "OUTCOME OR CODE", "CALLS", "MS") }

// rows prints the row of an event, and one for each message of a batch.
func (t *table) rows(file string, a response) {
	name := sampleName(file)
	if len(a.deliveries) > 1 {
		t.row(name, a.deliveries[0].Trigger, fmt.Sprintf("%d messages", len(a.deliveries)), "", "")
	}
	for i, d := range a.deliveries {
		first, trigger := name, d.Trigger
		if len(a.deliveries) > 1 {
			first, trigger = messageRow(d.MessageID, i+1), ""
		}
		t.row(first, trigger, verdict(d), strconv.Itoa(len(d.Effort.Calls())), strconv.FormatInt(d.Duration.Milliseconds(), 10))
	}
}

func (t *table) row(name, trigger, verdict, calls, ms string) {
	row := fmt.Sprintf("%-*s  %-11s  %-20s  %5s  %4s", t.width, name, trigger, verdict, calls, ms)
	fmt.Fprintln(t.out, strings.TrimRight(row, " "))
}

// sampleName returns the name of a file in the table: a sample's is short.
func sampleName(file string) string {
	if name, ok := strings.CutPrefix(filepath.ToSlash(filepath.Clean(file)), "events/"); ok {
		return name
	}
	return file
}

// messageRow names a message of a batch by its number and the end of its id.
func messageRow(id string, number int) string {
	return fmt.Sprintf("  message %d (…%s)", number, id[max(0, len(id)-6):])
}
