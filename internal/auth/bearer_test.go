package auth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBearer(t *testing.T) {
	t.Parallel()
	both := []string{oldSecret, newSecret}
	tests := map[string]struct {
		header     http.Header
		configured []string
		refusal    string // empty where the request is believed
	}{
		"the new one":             {bearer("Bearer " + newSecret), both, ""},
		"the old one":             {bearer("Bearer " + oldSecret), both, ""},
		"the only one":            {bearer("Bearer " + newSecret), both[1:], ""},
		"the one before":          {bearer("Bearer " + oldSecret), both[1:], "not one of those configured"},
		"word in lower case":      {bearer("bearer " + newSecret), both, ""},
		"word in upper case":      {bearer("BEARER " + newSecret), both, ""},
		"several spaces":          {bearer("Bearer   " + newSecret), both, ""},
		"space at the end":        {bearer("Bearer " + newSecret + " "), both, ""},
		"configured twice":        {bearer("Bearer " + newSecret), []string{newSecret, newSecret}, ""},
		"no word":                 {bearer(newSecret), both, "does not begin with Bearer"},
		"no space":                {bearer("Bearer" + newSecret), both, "does not begin with Bearer"},
		"tab":                     {bearer("Bearer\t" + newSecret), both, "does not begin with Bearer"},
		"space before":            {bearer(" Bearer " + newSecret), both, "does not begin with Bearer"},
		"another scheme":          {bearer("Basic " + newSecret), both, "does not begin with Bearer"},
		"signed with IAM":         {bearer("AWS4-HMAC-SHA256 Credential=x"), both, "does not begin with Bearer"},
		"empty":                   {bearer(""), both, "does not begin with Bearer"},
		"word alone":              {bearer("Bearer"), both, "not one of those configured"},
		"word and space":          {bearer("Bearer "), both, "not one of those configured"},
		"two words":               {bearer("Bearer Bearer " + newSecret), both, "not one of those configured"},
		"other case":              {bearer("Bearer " + strings.ToUpper(newSecret)), both, "not one of those configured"},
		"cut off":                 {bearer("Bearer " + newSecret[:len(newSecret)-1]), both, "not one of those configured"},
		"longer":                  {bearer("Bearer " + newSecret + "0"), both, "not one of those configured"},
		"two tokens":              {bearer("Bearer " + oldSecret + " " + newSecret), both, "not one of those configured"},
		"two tokens and comma":    {bearer("Bearer " + newSecret + ",Bearer " + newSecret), both, "not one of those configured"},
		"two headers":             {bearer("Bearer "+newSecret, "Bearer "+newSecret), both, "more than one Authorization header"},
		"two headers, one good":   {bearer("Bearer wrong", "Bearer "+newSecret), both, "more than one Authorization header"},
		"nothing configured":      {bearer("Bearer " + newSecret), nil, "no bearer secret is configured"},
		"nothing, and no token":   {bearer("Bearer "), nil, "no bearer secret is configured"},
		"empty one is not a good": {bearer("Bearer"), nil, "no bearer secret is configured"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, log := newVerifier(source{get: holds("1", test.configured...), refresh: renews("1")})
			err := v.Verify(t.Context(), test.header, []byte("{}"))
			require.Empty(t, log.String())
			if test.refusal == "" {
				require.NoError(t, err)
				return
			}
			requireRefused(t, err, test.refusal)
			require.Contains(t, err.Error(), "bearer: ", "the log says which scheme refused it")
			require.NotContains(t, err.Error(), "secret-0123456789")
		})
	}
}

// Without credentials there is nothing to check, and nobody is asked for secrets.
func TestNoCredentials(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"no headers":    nil,
		"other headers": {"Content-Type": {"application/json"}, "X-Token": {newSecret}, "Proxy-Authorization": {"Bearer " + newSecret}},
		"no value":      {"Authorization": {}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, _ := newVerifier(source{})
			requireRefused(t, v.Verify(t.Context(), header, []byte(newSecret)), "the request carries no credentials")
		})
	}
}

// FuzzBearer looks for a header that is believed and holds none of the secrets.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer " + newSecret, "bearer  " + oldSecret + "\t", "Basic x", "Bearer", "", newSecret, "Bearer " + oldSecret + "," + newSecret} {
		f.Add(seed, "")
	}
	f.Add("Bearer "+oldSecret, "Bearer "+newSecret)
	f.Fuzz(func(t *testing.T, first, second string) {
		header := bearer(first)
		if second != "" {
			header.Add("Authorization", second)
		}
		v, log := newVerifier(source{get: holds("1", oldSecret, newSecret), refresh: renews("1")})
		err := v.Verify(t.Context(), header, nil)
		require.Empty(t, log.String())
		if err != nil {
			requireRefused(t, err, "bearer: ")
			return
		}
		require.Empty(t, second)
		word, token, _ := strings.Cut(first, " ")
		require.Equal(t, "bearer", strings.ToLower(word))
		require.Contains(t, []string{oldSecret, newSecret}, strings.TrimSpace(token))
	})
}
