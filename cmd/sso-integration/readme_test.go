package main_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestREADMENamesOnlyTargetsThatExist(t *testing.T) {
	t.Parallel()
	readme, makefile := string(read(t, "../../README.md")), string(read(t, "../../Makefile"))
	mentioned := regexp.MustCompile("(?m)(?:^|`)make ([a-z][a-z-]*)").FindAllStringSubmatch(readme, -1)
	require.NotEmpty(t, mentioned)
	for _, target := range mentioned {
		require.Regexp(t, `(?m)^`+target[1]+`:`, makefile)
	}
}

func TestREADMENamesOnlyFilesThatExist(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "../../README.md"))
	// A name after a slash, a dot or a hyphen is part of something else, such as a URL.
	mentioned := regexp.MustCompile(`[^\w/.-]((?:events|docs|cmd|handler|internal|sendgrid)/[\w./-]*[\w/])`).FindAllStringSubmatch(readme, -1)
	require.NotEmpty(t, mentioned)
	for _, file := range mentioned {
		_, err := os.Stat("../../" + file[1])
		require.NoError(t, err, "the README mentions it")
	}
}
