package main

import (
	"errors"
	"regexp"
	"strings"

	"sendgrid-sso-integration/internal/problem"
)

// enum returns an enumeration in YAML, with a line for each value.
func enum[T ~string](indent int, values []T) section {
	return func(string) (string, error) {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", indent) + "enum:\n")
		for _, value := range values {
			b.WriteString(strings.Repeat(" ", indent+2) + "- " + string(value) + "\n")
		}
		return b.String(), nil
	}
}

// enumLine returns an enumeration in YAML, in one line.
func enumLine[T ~string](indent int, values []T) section {
	return func(string) (string, error) {
		return strings.Repeat(" ", indent) + "enum: [" + join(values, ", ", "") + "]\n", nil
	}
}

// codesOfDashboard returns the names under which the dashboard searches the codes that a retry
// helps with, and the others.
func codesOfDashboard(string) (string, error) {
	var rejected, failed []problem.Code
	for _, c := range problem.Codes() {
		if (&problem.Error{Code: c}).Retryable() {
			failed = append(failed, c)
		} else {
			rejected = append(rejected, c)
		}
	}
	const indent = "          "
	lines := func(name string, codes []problem.Code) string {
		return indent + name + ": >-\n" + wrap(join(codes, " OR ", `\"`), indent+"  ")
	}
	return lines("RejectedCodes", rejected) + lines("FailedCodes", failed), nil
}

// schema rewrites the enumerations in a JSON schema, which has no comments to mark them: by
// property, where they come right after the description.
func schema(enums map[string]string) rewriter {
	return func(text string) (string, error) {
		for name, values := range enums {
			property := regexp.MustCompile(`("` + name + `": \{\s*"description": "[^\n]*",\s*"enum": \[)[^\]]*`)
			if len(property.FindAllString(text, -1)) != 1 {
				return "", errors.New("there is not one enumeration of " + name)
			}
			text = property.ReplaceAllString(text, "${1}"+values)
		}
		return text, nil
	}
}

// join joins values, each in quotes.
func join[T ~string](values []T, separator, quote string) string {
	var b strings.Builder
	for i, value := range values {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(quote + string(value) + quote)
	}
	return b.String()
}

// wrap breaks a text into indented lines.
func wrap(text, indent string) string {
	const width = 120
	var b strings.Builder
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line)+len(word) > width && line != indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line = indent
		}
		line += word + " "
	}
	return b.String() + strings.TrimRight(line, " ") + "\n"
}
