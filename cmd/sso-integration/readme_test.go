package main_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	main "sendgrid-sso-integration/cmd/sso-integration"
	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/okta/connector"
	"sendgrid-sso-integration/internal/provision"
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

func TestREADMEIsShort(t *testing.T) {
	t.Parallel()
	require.LessOrEqual(t, bytes.Count(read(t, "../../README.md"), []byte("\n")), 180)
}

func TestTargetsAreThoseOfTheMakefile(t *testing.T) {
	t.Parallel()
	makefile := string(read(t, "../../Makefile"))
	listed := matches(`(?m)^([a-z-]+):.*## `, makefile)
	var named []string
	for file, text := range pages(t) {
		targets := matches("(?m)(?:^|`)make ([a-z][a-z-]*)", text)
		require.Empty(t, except(targets, listed, " is no target that make lists"), file)
		named = append(named, targets...)
	}
	require.Empty(t, except(listed, append(named, "help"), " is not documented"))
}

// TestNamesExist checks each name in backticks that looks like one of ours.
func TestNamesExist(t *testing.T) {
	t.Parallel()
	known := slices.Concat(reportedMetrics(), main.EnvironmentNames(), []string{"SendGridSSO", "ApiThrottles"})
	for _, code := range connector.Codes() {
		known = append(known, string(code))
	}
	for _, outcome := range connector.Outcomes() {
		known = append(known, string(outcome))
	}
	for _, code := range []provision.WarningCode{
		provision.NoCertificate, provision.CertificateExpiresSoon, provision.IntegrationDisabled, provision.IntegrationIncomplete,
		audit.CertificatesExpired, audit.CertificateUnreadable, audit.CertificatesUnknown,
	} {
		known = append(known, string(code))
	}
	for _, file := range []string{templateFile, "../../okta-connector/template.yaml"} {
		source := string(read(t, file))
		known = append(known, matches(`(?m)^ +([A-Za-z_]+):`, source)...) // Resources, parameters, properties, variables.
	}
	code := string(read(t, "../../Makefile")) + string(read(t, "../../.golangci.yml"))
	for file, text := range pages(t) {
		// Two humps, as in OutcomeUnknown, or capitals with an underscore, as in LEDGER_TABLE.
		for _, name := range matches("`([A-Z][a-z0-9]+(?:[A-Z][A-Za-z0-9]*)+|[A-Z]+(?:_[A-Z]+)+)`", text) {
			ours := slices.Contains(known, name) || strings.Contains(code, name)
			// States of a state machine, shell variables, and the like are defined in the page.
			defined := regexp.MustCompile(`(?m)"`+name+`"|\b`+name+`=|read -rs? `+name+`|\b(?:vars|secrets)\.`+name).MatchString(text) || strings.HasPrefix(name, "AWS_")
			require.True(t, ours || defined || slices.Contains(foreign, name), "%s names %s, which does not exist", file, name)
		}
	}
}

// foreign are names of AWS and others.
var foreign = []string{
	"BuildMethod", "DeadLetterQueue", "PutEvents", "RetainExceptOnCreate", "ReceiptHandle", "ApproximateNumberOfMessagesVisible",
	"FailedEntryCount", "DetailType", "ErrorEquals", "HostNameNotOnVerifiedDomain",
}

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(string(read(t, "../../docs/operations.md")), "\n| metric | is |\n")
	require.True(t, found)
	codes := codeNames() // They are in a table of their own.
	for _, name := range reportedMetrics() {
		if !slices.Contains(codes, name) {
			require.Contains(t, table, "`"+name+"`")
		}
	}
}

// TestOperationsWorkInAFreshShell checks that the first lines of the page, or the section,
// define every variable of its commands, and that each output that a command uses exists.
func TestOperationsWorkInAFreshShell(t *testing.T) {
	t.Parallel()
	outputs := keys(at(rootTemplate(t), "Outputs"))
	for file, text := range pages(t) {
		require.Empty(t, except(matches(`(?m)(?:\$\(output |\brun |^output )([A-Z][a-z]\w+)`, text), outputs, " is no output"), file)
	}
	first, page, found := strings.Cut(string(read(t, "../../docs/operations.md")), "```\n\nPaste this first")
	require.True(t, found)
	for section := range strings.SplitSeq(page, "\n## ") {
		defined := slices.Concat(matches(`(\w+)=`, first+section), matches(`read -rs? (\w+)`, section))
		require.Empty(t, except(matches(`\$([A-Z_]+)`, section), defined, " is not defined"), section)
	}
}

// A page defines the variables that its commands use, except those of the AWS CLI; a workflow has them in its env.
func TestShellVariablesAreDefined(t *testing.T) {
	t.Parallel()
	for file, text := range pages(t) {
		shell := strings.Join(matches("(?s)```sh\n(.*?)```", text), "\n")
		defined := slices.Concat(matches(`\b([A-Z_]+)=`, shell), matches(`read -rs? (\w+)`, shell), matches(`(\w+): \${{`, text), []string{
			"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION",
		})
		require.Empty(t, except(matches(`(?:\$\{?|\benv\.)([A-Z][A-Z_]+)`, shell), defined, " is not defined"), file)
	}
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
		for _, named := range matches("[^\\w/.-]((?:events|docs|cmd|handler|internal|sendgrid|okta-connector)/[\\w./-]*[\\w/])", text) {
			_, err := os.Stat("../../" + named)
			require.NoError(t, err, "%s names it", file)
		}
	}
}
