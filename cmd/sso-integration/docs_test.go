package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// pages returns the text of everything that people read, by file.
func pages(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	texts := map[string]string{}
	for _, file := range append(files, "../../README.md", "../../CONTRIBUTING.md", "../../SECURITY.md", "../../CHANGELOG.md") {
		texts[file] = string(read(t, file))
	}
	return texts
}

func matches(pattern, text string) (found []string) {
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

// TestShellParses checks the syntax of every block of shell.
func TestShellParses(t *testing.T) {
	t.Parallel()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash here")
	}
	for file, text := range pages(t) {
		for _, block := range matches("(?s)```sh\n(.*?)```", text) {
			check := exec.CommandContext(t.Context(), bash, "-n")
			check.Stdin = strings.NewReader(block)
			output, err := check.CombinedOutput()
			require.NoError(t, err, "%s: %s\n%s", file, output, block)
		}
	}
}

// TestLinksLeadSomewhere checks every relative link, and every file that a page names.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	anchors := map[string][]string{}
	for file, text := range pages(t) {
		for _, heading := range matches(`(?m)^#+ (.*)$`, text) {
			plain := regexp.MustCompile("[^a-z0-9 _-]").ReplaceAllString(strings.ToLower(heading), "")
			anchors[filepath.Clean(file)] = append(anchors[filepath.Clean(file)], strings.ReplaceAll(plain, " ", "-"))
		}
	}
	for file, text := range pages(t) {
		for _, link := range matches(`\]\(([^)]+)\)`, text) {
			if strings.Contains(link, "://") {
				continue
			}
			path, anchor, hasAnchor := strings.Cut(link, "#")
			target := filepath.Clean(file)
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			_, err := os.Stat(target)
			require.NoError(t, err, "%s links to %s", file, link)
			if hasAnchor {
				require.Contains(t, anchors[target], anchor, "%s links to %s", file, link)
			}
		}
		// A name after a slash, a dot or a hyphen is part of something else, such as a URL.
		for _, named := range matches("[^\\w/.-]((?:events|docs|cmd|handler|internal|sendgrid|idp-connector)/[\\w./-]*[\\w/])", text) {
			_, err := os.Stat("../../" + named)
			require.NoError(t, err, "%s names it", file)
		}
	}
}
