package auth

import (
	"fmt"
	"net/http"
)

// maxHeader is the maximum length in bytes of a header value: far more than any scheme
// needs, and little enough that hashing it costs nothing.
const maxHeader = 4096

// single returns the value of a header that must be present once. With several values, this
// function and a proxy in front of it might choose different ones.
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
