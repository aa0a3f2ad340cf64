package main

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

const page = `# Page

<!-- generated: codes -->

| code | status | means |
|---|---|---|
| ` + "`A`" + ` | 1 | the first \| letter |
| ` + "`C`" + ` | 3 | gone |

<!-- end -->

The rest.
`

func TestTablesKeepTheirTexts(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"`A`", "200"}}
	written, err := rewrite(page, map[string]section{"codes": table(rows)})
	require.NoError(t, err)
	require.Equal(t, `# Page

<!-- generated: codes -->

| code | status | means |
|---|---|---|
| `+"`A`"+` | 200 | the first \| letter |

<!-- end -->

The rest.
`, written)
	again, err := rewrite(written, map[string]section{"codes": table(rows)})
	require.NoError(t, err)
	require.Equal(t, written, again)
}

func TestMistakesInSections(t *testing.T) {
	t.Parallel()
	codes := map[string]section{"codes": table([][]string{{"`A`", "1"}})}
	for name, tt := range map[string]struct {
		page     string
		sections map[string]section
		want     string
	}{
		"a row without text":   {page, map[string]section{"codes": table([][]string{{"`B`", "2"}})}, "`B` needs a row with text"},
		"an unknown section":   {page, nil, "nothing generates the section codes"},
		"a section is missing": {"# Page\n", codes, "there is no section codes"},
		"no table":             {"<!-- generated: codes -->\n<!-- end -->\n", codes, "there is no table"},
		"the generator fails":  {page, map[string]section{"codes": func(string) (string, error) { return "", errors.New("broken") }}, "broken"},
		"a section has no end": {"<!-- generated: codes -->\n", codes, "there is no section codes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := rewrite(tt.page, tt.sections)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
