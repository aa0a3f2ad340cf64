// Command docgen rewrites the parts of the documentation, and of other files that are not Go,
// that follow from the code. "go generate ./..." runs it.
//
// Such a part is between two comments: <!-- generated: name --> and <!-- end --> in Markdown,
// "# generated: name" and "# end" in YAML. Of a table, the first columns are generated, and the
// text in the others is kept. A row without text is an error, and a row that nothing in the code
// stands for goes.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

//go:generate go run . ../..

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rewriter makes the new text of a file from the one that it has.
type rewriter func(text string) (string, error)

// run rewrites the files under a root.
func run(root string) error {
	for file, rewrite := range files() {
		path := filepath.Join(root, file)
		text, err := os.ReadFile(path) //nolint:gosec // It is a file of this repository.
		if err != nil {
			return err
		}
		written, err := rewrite(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if written == string(text) {
			continue
		}
		if err := os.WriteFile(path, []byte(written), 0o600); err != nil { //nolint:gosec // It is the same file.
			return err
		}
	}
	return nil
}

// section makes the new text of a section from the one that it has.
type section func(old string) (string, error)

// marked is a section: the marks of its beginning and its end, with the name and the text between.
var marked = regexp.MustCompile(`(?ms)^( *(?:<!--|#) generated: (\S+)(?: -->)?\n)(.*?)(^ *(?:<!--|#) end(?: -->)?$)`)

// sections rewrites the sections of a text, by their names. The text has to have all of them.
func sections(byName map[string]section) rewriter {
	return func(text string) (string, error) { return rewrite(text, byName) }
}

func rewrite(text string, sections map[string]section) (string, error) {
	found, problems := map[string]bool{}, []error(nil)
	text = marked.ReplaceAllStringFunc(text, func(match string) string {
		parts := marked.FindStringSubmatch(match)
		name, old := parts[2], parts[3]
		generate, known := sections[name]
		if !known {
			problems = append(problems, fmt.Errorf("nothing generates the section %s", name))
			return match
		}
		found[name] = true
		made, err := generate(old)
		if err != nil {
			problems = append(problems, fmt.Errorf("section %s: %w", name, err))
			return match
		}
		return parts[1] + made + parts[4]
	})
	for name := range sections {
		if !found[name] {
			problems = append(problems, fmt.Errorf("there is no section %s", name))
		}
	}
	return text, errors.Join(problems...)
}
