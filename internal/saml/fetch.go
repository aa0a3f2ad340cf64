package saml

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"code.dny.dev/ssrf"
)

// fetchTimeout bounds a fetch from DNS to the last byte.
const fetchTimeout = 5 * time.Second

// Fetcher gets SAML metadata from allowed hosts. It is safe for concurrent use once its
// fields are set. Every fetch opens a connection of its own: fetches are too rare and too
// far apart for one that is kept open to be of use.
type Fetcher struct {
	// Hosts are the hosts from which SAML metadata may be fetched, as [ParseHosts] returns them.
	// None means that nothing is fetched.
	Hosts []string
	// UserAgent is sent as the User-Agent header, Go's own if it is empty.
	UserAgent string

	// Tests replace these. Production resolves with the system's resolver, checks addresses
	// and trusts the system's certificate authorities.
	resolver *net.Resolver
	roots    *x509.CertPool
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
}

// FetchError reports that SAML metadata could not be fetched.
type FetchError struct {
	// Retryable reports whether the same fetch can succeed later.
	Retryable bool
	// Message is a predicate like that of [Error]: it continues "the SAML metadata". It is
	// safe to show to anyone.
	Message string
	// Err is the cause, for the log, or nil. It may name the host and its address, but
	// contains nothing of the query or of the response.
	Err error
}

func (e *FetchError) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

func (e *FetchError) Unwrap() error { return e.Err }

// CheckURL reports why a URL will never be fetched, as far as this is known without the
// network. Its error is an [*Error] that continues the name of the field.
func (f *Fetcher) CheckURL(rawURL string) error {
	u, problem := parseURL(rawURL)
	switch {
	case problem != "":
		return &Error{Message: problem}
	case strings.Contains(rawURL, "#"):
		return &Error{Message: "must not have a fragment (#)"}
	case u.Port() != "" && u.Port() != "443" || strings.HasSuffix(u.Host, ":"):
		return &Error{Message: "must not have a port"}
	case !allowed(f.Hosts, u.Hostname()):
		return &Error{Message: fmt.Sprintf("is on the host %q, from which metadata may not be fetched; send the document as saml_metadata, "+
			"or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts", clip(u.Hostname(), maxQuoted))}
	}
	return nil
}

// Fetch returns the document at rawURL, at most [MaxMetadataBytes] long, within 5 seconds
// and the deadline of ctx. Redirects are not followed, no proxy is used, and only public
// addresses are connected to. Its errors are of the type [*FetchError]; after the end of ctx
// they wrap the error of ctx.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string) ([]byte, error) {
	if err := f.CheckURL(rawURL); err != nil {
		return nil, &FetchError{Message: "cannot be fetched: its URL " + err.Error()}
	}
	limited, cancel := context.WithTimeoutCause(ctx, fetchTimeout, errTooSlow)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		return nil, &FetchError{Message: "cannot be fetched: its URL must be an absolute https URL"}
	}
	request.Header.Set("Accept", "application/samlmetadata+xml, application/xml, text/xml")
	if f.UserAgent != "" {
		request.Header.Set("User-Agent", f.UserAgent)
	}

	client := f.client()
	defer client.CloseIdleConnections()
	response, err := client.Do(request)
	if err != nil {
		return nil, explain(limited, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, refuse(response.StatusCode)
	}
	document, err := io.ReadAll(io.LimitReader(response.Body, MaxMetadataBytes+1))
	if err == nil { // A server that notices the end of the connection may end its response in good order.
		err = limited.Err()
	}
	switch {
	case err != nil:
		return nil, explain(limited, err)
	case len(document) > MaxMetadataBytes:
		return nil, &FetchError{Message: fmt.Sprintf("is larger than %d bytes; use the URL of a single identity provider's metadata", MaxMetadataBytes)}
	}
	return document, nil
}

func (f *Fetcher) client() *http.Client {
	dial := f.dial
	if dial == nil {
		dialer := &net.Dialer{Resolver: f.resolver, Control: newGuard().Safe}
		dial = dialer.DialContext
	}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ // Without Proxy: the addresses checked are those of the host.
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: f.roots},
			DisableKeepAlives:      true,
			DisableCompression:     true, // So that the limit counts what arrives.
			MaxResponseHeaderBytes: 64 << 10,
		},
	}
}

var errTooSlow = fmt.Errorf("no complete response within %s", fetchTimeout)

// refuse returns the error for a status other than 200.
func refuse(status int) *FetchError {
	e := &FetchError{Message: fmt.Sprintf("could not be fetched: the server responded with status %d; ", status)}
	switch {
	case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
		e.Retryable = true
		e.Message += "try again later"
	case status >= 300 && status < 400:
		e.Message += "redirects are not followed, use the final URL"
	default:
		e.Message += "check that the URL opens the metadata without a login"
	}
	return e
}

// explain turns a failure of the connection into an error. What the network caused can pass.
// An address that is not public and a certificate that does not verify are final: somebody
// has to correct the URL, or the server, or finds out who intercepts the connection.
func explain(ctx context.Context, err error) *FetchError {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	e := &FetchError{Err: cause(ctx, err)}
	switch {
	case errors.Is(err, ssrf.ErrProhibitedIP):
		e.Message = "cannot be fetched: its host has an address that is not public"
	case errors.As(err, &certificate):
		e.Message = "cannot be fetched: the TLS certificate of its host is not valid; check the host in the URL"
	case ctx.Err() != nil:
		e.Retryable, e.Message = true, "could not be fetched in time; try again later"
	case errors.As(err, &dns):
		e.Retryable, e.Message = true, "could not be fetched: its host was not found; check the host in the URL, or try again later"
	default:
		e.Retryable, e.Message = true, "could not be fetched: the connection failed; try again later"
	}
	return e
}

// maxCause bounds the cause in characters: a server can put long names into its certificate.
const maxCause = 300

// cause returns what the log may have of an error. [*url.Error] repeats the URL, and errors
// in reading an HTTP response repeat parts of it.
func cause(ctx context.Context, err error) error {
	var operation *net.OpError // Also around failures of DNS.
	var certificate *tls.CertificateVerificationError
	switch {
	case context.Cause(ctx) == errTooSlow: //nolint:errorlint // The very value, which nobody wraps.
		return errTooSlow
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &operation):
		return errors.New(clip(operation.Error(), maxCause))
	case errors.As(err, &certificate):
		return errors.New(clip(certificate.Error(), maxCause))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return errors.New("the response is not HTTP over TLS")
}
