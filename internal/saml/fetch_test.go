package saml_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/saml"
)

func fetcher() saml.Fetcher {
	return saml.Fetcher{Hosts: saml.DefaultHosts(), UserAgent: "sendgrid-sso-integration/test"}
}

// requireFetchError requires an error of the type *saml.FetchError that repeats nothing of
// the query, of user info or of a response.
func requireFetchError(t *testing.T, err error, retryable bool, message string) *saml.FetchError {
	t.Helper()
	var e *saml.FetchError
	require.ErrorAs(t, err, &e)
	require.Contains(t, e.Message, message)
	require.Equal(t, retryable, e.Retryable, e.Error())
	require.NotContains(t, e.Error(), "secret")
	require.Less(t, len(e.Error()), 600)
	return e
}

func TestFetch(t *testing.T) {
	// A proxy of the environment would see the request, and the address check would see the proxy.
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	var seen *http.Request
	network := server{}.start(t, func(w http.ResponseWriter, r *http.Request) {
		seen = r
		_, _ = io.WriteString(w, "<metadata/>")
	})
	document, err := fetcher().On(network).Fetch(t.Context(), "https://acme.OKTA.com:443/app/metadata?appid=1")
	require.NoError(t, err)
	require.Equal(t, "<metadata/>", string(document))
	document, err = fetcher().On(network).Fetch(t.Context(), metadataURL)
	require.NoError(t, err)
	require.Equal(t, "<metadata/>", string(document))
	require.Equal(t, http.MethodGet, seen.Method)
	require.Equal(t, host, seen.Host)
	require.Equal(t, "/app/exk1/sso/saml/metadata?token=secret", seen.RequestURI)
	require.Equal(t, "sendgrid-sso-integration/test", seen.UserAgent())
	require.Contains(t, seen.Header.Get("Accept"), "application/samlmetadata+xml")
	require.GreaterOrEqual(t, seen.TLS.Version, uint16(tls.VersionTLS12))

	_, err = saml.Fetcher{Hosts: []string{host}}.On(network).Fetch(t.Context(), metadataURL)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(seen.UserAgent(), "Go-http-client"))
}

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for url, message := range map[string]string{
		metadataURL: "",
		"https://login.microsoftonline.com/7/federationmetadata/2007-06/federationmetadata.xml?appid=8": "",
		"https://acme.oktapreview.com":   "",
		"https://ACME.Okta.COM:443/":     "",
		"HTTPS://a.b.okta.com/":          "",
		"":                               "must not be empty",
		"http://acme.okta.com/":          "that begins with https://",
		"file:///etc/passwd":             "that begins with https://",
		"acme.okta.com":                  "that begins with https://",
		"https:acme.okta.com":            "must name a host",
		"https:///acme.okta.com":         "must name a host",
		"https://secret:x@acme.okta.com": "must not contain a user name or password",
		"https://acme.okta.com@evil.com": "must not contain a user name or password",
		"https://acme.okta.com/a b":      "must not contain white space",
		"https://acme.okta.com/\x00":     "must not contain white space or control",
		"https://acme.okta.com/%zz":      "must be an absolute https URL",
		"https://acme.okta.com/" + strings.Repeat("a", 2048): "at most 2048 bytes",
		"https://acme.okta.com/#a":                           "must not have a fragment",
		"https://acme.okta.com/#":                            "must not have a fragment",
		"https://acme.okta.com:8443/":                        "must not have a port",
		"https://acme.okta.com:80/":                          "must not have a port",
		"https://acme.okta.com:/":                            "must not have a port",
		"https://okta.com/":                                  ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://evil-okta.com/":                             ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://evilokta.com/":                              ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://okta.com.evil.example/":                     ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://acme.okta.com.evil.example/":                ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://acme.okta.com./":                            ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://.okta.com/":                                 ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://a..okta.com/":                               ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://evil.example%2f.okta.com/":                  "must be an absolute https URL",
		"https://evil.example%00.okta.com/":                  "must be an absolute https URL",
		`https://evil.example\.okta.com/`:                    "must be an absolute https URL",
		"https://_.okta.com/":                                ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://acme.xn--kta-tbc.com/":                      ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://acme.о\u212Ata.com/":                        ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts", // A Cyrillic o.
		"https://acme.o\u212Ata.com/":                        ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts", // The Kelvin sign, k in lower case.
		"https://acme。okta.com/":                             ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts", // IDNA takes the dot for one.
		"https://login.microsoftonline.com.br/":              ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://sub.login.microsoftonline.com/":             ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://microsoftonline.com/":                       ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://127.0.0.1/":                                 ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://2130706433/":                                ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://[::1]/":                                     ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://[::ffff:127.0.0.1%25a.okta.com]/":           ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://localhost/":                                 ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
		"https://169.254.169.254/latest/meta-data/":          ", from which metadata may not be fetched; send the document as saml_metadata, or have the operator add the host to the parameter SamlMetadataHosts (SAML_METADATA_HOSTS), whose value replaces the default hosts",
	} {
		f := fetcher()
		err := f.CheckURL(url)
		if message == "" {
			require.NoError(t, err, url)
			continue
		}
		requireMessage(t, err, message)
		_, err = f.On(saml.Network{}).Fetch(t.Context(), url)
		e := requireFetchError(t, err, false, "cannot be fetched: its URL ")
		require.Contains(t, e.Message, message)
		require.NoError(t, e.Err)
	}
	f := saml.Fetcher{}
	requireMessage(t, f.CheckURL(metadataURL), "is on the host \"acme.okta.com\"")
}

func TestFetchStatus(t *testing.T) {
	t.Parallel()
	for status, tt := range map[int]struct {
		retryable bool
		message   string
	}{
		201: {false, "status 201; check"}, 204: {false, "status 204; check"}, 206: {false, "status 206; check"},
		301: {false, "status 301; redirects are not followed"}, 302: {false, "status 302; redirects"},
		303: {false, "status 303; redirects"}, 307: {false, "status 307; redirects"}, 308: {false, "status 308; redirects"},
		400: {false, "status 400; check"}, 401: {false, "status 401; check"}, 403: {false, "status 403; check"},
		404: {false, "status 404; check"}, 410: {false, "status 410; check"},
		408: {true, "status 408; try again"}, 429: {true, "status 429; try again"},
		500: {true, "status 500; try again"}, 502: {true, "status 502; try again"}, 503: {true, "status 503; try again"},
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			calls := 0
			network := server{}.start(t, func(w http.ResponseWriter, _ *http.Request) {
				calls++
				w.Header().Set("Location", "https://acme.okta.com/secret")
				w.WriteHeader(status)
				_, _ = io.WriteString(w, "secret")
			})
			_, err := fetcher().On(network).Fetch(t.Context(), metadataURL)
			e := requireFetchError(t, err, tt.retryable, tt.message)
			require.NoError(t, e.Err)
			require.Equal(t, 1, calls)
		})
	}
}

// TestFetchSize runs alone, so that other tests do not use up the 5 seconds.
func TestFetchSize(t *testing.T) {
	blank := strings.Repeat(" ", saml.MaxMetadataBytes)
	for name, tt := range map[string]struct {
		handler   func(w http.ResponseWriter, r *http.Request)
		length    int // of the document
		retryable bool
		message   string // empty where it is fetched
	}{
		"the limit": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, blank)
		}, saml.MaxMetadataBytes, false, ""},
		"empty": {func(http.ResponseWriter, *http.Request) {}, 0, false, ""},
		"a byte more": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, blank+" ")
		}, 0, false, "is larger than 1048576 bytes"},
		"endless": {func(w http.ResponseWriter, _ *http.Request) {
			for err := error(nil); err == nil; {
				_, err = io.WriteString(w, blank)
			}
		}, 0, false, "is larger than 1048576 bytes"},
		"compressed, not asked for": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "as it is"+r.Header.Get("Accept-Encoding"))
		}, len("as it is"), false, ""},
		"long header": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("a", 100_000))
		}, 0, true, "the connection failed"},
	} {
		t.Run(name, func(t *testing.T) {
			document, err := fetcher().On(server{}.start(t, tt.handler)).Fetch(t.Context(), metadataURL)
			require.Len(t, document, tt.length)
			if tt.message != "" {
				requireFetchError(t, err, tt.retryable, tt.message)
				return
			}
			require.NoError(t, err)
		})
	}
}

func TestFetchAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "169.254.170.2", "100.64.0.1",
		"0.0.0.0", "224.0.0.1", "255.255.255.255", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			_, err := fetcher().On(saml.Network{Resolver: resolver(address)}).Fetch(t.Context(), metadataURL)
			e := requireFetchError(t, err, false, "its host has an address that is not public")
			require.ErrorContains(t, e.Err, "prohibited IP address")
		})
	}
	_, err := fetcher().On(saml.Network{Resolver: resolver()}).Fetch(t.Context(), metadataURL)
	e := requireFetchError(t, err, true, "its host was not found")
	require.ErrorContains(t, e.Err, "no such host")
}

func TestFetchTLS(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		server    server
		retryable bool
		message   string
		cause     string
	}{
		"another host":      {server{names: []string{"evil.example"}}, false, "TLS certificate of its host is not valid", "not " + host},
		"many other names":  {server{names: []string{strings.Repeat("a", 60) + ".example", strings.Repeat("b", 2000)}}, false, "TLS certificate", "…"},
		"expired":           {server{notAfter: time.Now().Add(-time.Hour)}, false, "TLS certificate of its host is not valid", "expired"},
		"unknown authority": {server{stranger: true}, false, "TLS certificate of its host is not valid", "unknown authority"},
		"TLS 1.1":           {server{maxTLS: tls.VersionTLS11}, true, "the connection failed", "version"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := tt.server.start(t, func(http.ResponseWriter, *http.Request) { t.Error("the request was sent") })
			_, err := fetcher().On(network).Fetch(t.Context(), metadataURL)
			e := requireFetchError(t, err, tt.retryable, tt.message)
			require.ErrorContains(t, e.Err, tt.cause)
		})
	}
}

func TestFetchBrokenConnections(t *testing.T) {
	t.Parallel()
	hijack := func(response string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, response)
				_ = conn.Close()
			}
		}
	}
	for name, tt := range map[string]struct{ response, cause string }{
		"no response":         {"", "unexpected EOF"},
		"cut in the header":   {"HTTP/1.1 200 OK\r\nX-Secret: secr", "unexpected EOF"},
		"cut in the body":     {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsecret", "unexpected EOF"},
		"not HTTP":            {"secret\r\n\r\n", "not HTTP"},
		"no status":           {"HTTP/1.1 secret\r\n\r\n", "not HTTP"},
		"no header":           {"HTTP/1.1 200 OK\r\nsecret\r\n\r\n", "not HTTP"},
		"two content lengths": {"HTTP/1.1 200 OK\r\nContent-Length: secret\r\n\r\n", "not HTTP"},
		"chunks without size": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nsecret\r\n", "not HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := fetcher().On(server{}.start(t, hijack(tt.response))).Fetch(t.Context(), metadataURL)
			e := requireFetchError(t, err, true, "the connection failed; try again later")
			require.ErrorContains(t, e.Err, tt.cause)
		})
	}
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	for name, failure := range map[string]error{"refused": refused, "of another kind": errors.New("secret")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := saml.Network{Dial: func(context.Context, string, string) (net.Conn, error) { return nil, failure }}
			_, err := fetcher().On(network).Fetch(t.Context(), metadataURL)
			requireFetchError(t, err, true, "the connection failed; try again later")
		})
	}
}

func TestFetchTime(t *testing.T) {
	t.Parallel()
	trickle := func(w http.ResponseWriter, r *http.Request) {
		for {
			select {
			case <-time.After(time.Second):
				_, _ = io.WriteString(w, " ")
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
	mute := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		limit   time.Duration // of the context; zero is none
		want    time.Duration
		cause   error // nil is the fetch's own limit
	}{
		"no header":                {mute, 0, 5 * time.Second, nil},
		"slow body":                {trickle, 0, 5 * time.Second, nil},
		"no header, context ends":  {mute, 1500 * time.Millisecond, 1500 * time.Millisecond, context.DeadlineExceeded},
		"slow body, context ends":  {trickle, 1500 * time.Millisecond, 1500 * time.Millisecond, context.DeadlineExceeded},
		"context with longer time": {mute, time.Minute, 5 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.limit)
					defer cancel()
					ctx = limited
				}
				network := startInMemory(t, tt.handler)
				begin := time.Now()
				_, err := fetcher().On(network).Fetch(ctx, metadataURL)
				require.Equal(t, tt.want, time.Since(begin))
				e := requireFetchError(t, err, true, "could not be fetched in time")
				if tt.cause != nil {
					require.ErrorIs(t, err, tt.cause)
					return
				}
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller has time left")
				require.EqualError(t, e.Err, "no complete response within 5s")
			})
		})
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := fetcher().On(saml.Network{Resolver: resolver("127.0.0.1")}).Fetch(cancelled, metadataURL)
	requireFetchError(t, err, true, "could not be fetched in time")
	require.ErrorIs(t, err, context.Canceled)
}
