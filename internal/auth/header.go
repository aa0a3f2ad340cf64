package auth

import (
	"fmt"
	"net/http"
)

// maxHeader is how long a header may be that is looked at: far more than any of them
// needs, and little enough that hashing it costs nothing.
const maxHeader = 4096

// single returns the value of a header that must be there once. Which one of several is
// meant would be a guess, and another part of the way here may have guessed otherwise.
func single(header http.Header, name string) (string, error) {
	values := header[name]
	switch {
	case len(values) == 0:
		return "", fmt.Errorf("there is no %s header", name)
	case len(values) > 1:
		return "", fmt.Errorf("there is more than one %s header", name)
	case len(values[0]) > maxHeader:
		return "", fmt.Errorf("the %s header is longer than %d bytes", name, maxHeader)
	}
	return values[0], nil
}
