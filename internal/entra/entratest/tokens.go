package entratest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	tokenLifetime = time.Hour
)

// Federated is a federated credential of an app registration, with the issuer's key.
type Federated struct {
	Issuer, Subject, Audience string
	Key                       *rsa.PublicKey
}

type accessToken struct {
	client  string
	expires time.Time
}

// SetSecret makes a client secret the only credential of an app registration.
func (s *Server) SetSecret(clientID, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.federated, clientID)
	s.secrets[clientID] = secret
}

// Trust makes a federated credential the only one of an app registration.
func (s *Server) Trust(clientID string, credential Federated) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secrets, clientID)
	s.federated[clientID] = credential
}

// RevokeAccessTokens makes every access token that was issued invalid.
func (s *Server) RevokeAccessTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.issued)
}

// authenticated returns the client of an access token that is valid. The caller has locked s.mu.
func (s *Server) authenticated(r *http.Request) (client string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	issued := s.issued[token]
	return issued.client, scheme == "Bearer" && time.Now().Before(issued.expires)
}

// issue responds to a request for an access token. The caller has locked s.mu.
func (s *Server) issue(w http.ResponseWriter, r *http.Request, body []byte) {
	form, err := url.ParseQuery(string(body))
	client := form.Get("client_id")
	_, isFederated := s.federated[client]
	secret, hasSecret := s.secrets[client]
	switch {
	case err != nil || r.Method != http.MethodPost || form.Get("grant_type") != "client_credentials":
		refuse(w, http.StatusBadRequest, "unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
	case form.Get("scope") != "http://"+r.Host+"/.default":
		refuse(w, http.StatusBadRequest, "invalid_scope", "AADSTS70011: The provided value for the input parameter 'scope' is not valid.")
	case !isFederated && !hasSecret:
		refuse(w, http.StatusBadRequest, "unauthorized_client", "AADSTS700016: Application with identifier '"+client+"' was not found in the directory.")
	case form.Has("client_secret") == form.Has("client_assertion"):
		refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS7000218: The request body must contain: 'client_assertion' or 'client_secret'.")
	case form.Has("client_secret") && (!hasSecret || form.Get("client_secret") != secret):
		refuse(w, http.StatusUnauthorized, "invalid_client", "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: 1")
	case form.Has("client_assertion") && form.Get("client_assertion_type") != assertionType:
		refuse(w, http.StatusBadRequest, "invalid_request", "AADSTS900144: client_assertion_type")
	default:
		if form.Has("client_assertion") {
			if reason := s.federated[client].verify(form.Get("client_assertion")); reason != "" {
				refuse(w, http.StatusUnauthorized, "invalid_client", reason+"\r\nTrace ID: 1")
				return
			}
		}
		token := "entra-access-" + rand.Text()
		s.issued[token] = accessToken{client, time.Now().Add(tokenLifetime)}
		respond(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token})
	}
}

// verify returns why Entra refuses an assertion for a federated credential, empty if it does not.
func (f Federated) verify(assertion string) string {
	if f.Key == nil {
		return "AADSTS70025: The client has no configured federated identity credentials."
	}
	const noMatch = "No matching federated identity record found for presented assertion"
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(assertion, &claims, func(*jwt.Token) (any, error) { return f.Key, nil },
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired())
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return "AADSTS700024: Client assertion is not within its valid time range."
	case claims.Issuer != f.Issuer:
		return fmt.Sprintf("AADSTS700211: %s issuer '%s'.", noMatch, claims.Issuer)
	case claims.Subject != f.Subject:
		return fmt.Sprintf("AADSTS700213: %s subject '%s'.", noMatch, claims.Subject)
	case !slices.Contains(claims.Audience, f.Audience):
		return fmt.Sprintf("AADSTS700212: %s audience '%s'.", noMatch, claims.Audience)
	case err != nil:
		return "AADSTS50013: Assertion failed signature validation."
	}
	return ""
}

func refuse(w http.ResponseWriter, status int, code, description string) {
	respond(w, status, map[string]any{"error": code, "error_description": description, "error_codes": []int{1}})
}

// STS is the part of AWS STS that signs tokens of the caller's identity. Set its fields before
// the first call.
type STS struct {
	Issuer, Subject string
	// Lifetime, if it is not zero, replaces the one that was asked for.
	Lifetime time.Duration
	// Disabled makes it respond as in an account that has not switched this on.
	Disabled bool

	rsa   *rsa.PrivateKey
	ecdsa *ecdsa.PrivateKey
	mu    sync.Mutex
	calls int
}

// newRSA makes the one RSA key of all STS of a process, because that takes half a second.
var newRSA = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// NewSTS returns an STS with its keys.
func NewSTS(issuer, subject string) (*STS, error) {
	rsaKey, err := newRSA()
	if err != nil {
		return nil, err
	}
	ecdsaKey, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return &STS{Issuer: issuer, Subject: subject, rsa: rsaKey, ecdsa: ecdsaKey}, nil
}

// Credential is the federated credential that trusts its tokens.
func (s *STS) Credential() Federated {
	return Federated{Issuer: s.Issuer, Subject: s.Subject, Audience: "api://AzureADTokenExchange", Key: &s.rsa.PublicKey}
}

// Calls returns how many tokens were asked for.
func (s *STS) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP handles GetWebIdentityToken.
//
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
func (s *STS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
	w.Header().Set("Content-Type", "text/xml")
	audience := r.FormValue("Audience.member.1")
	seconds, err := strconv.Atoi(r.FormValue("DurationSeconds"))
	if r.FormValue("Action") != "GetWebIdentityToken" || audience == "" || err != nil || seconds < 60 || seconds > 3600 {
		s.fail(w, "ValidationError", "no")
		return
	}
	if s.Disabled {
		s.fail(w, "OutboundWebIdentityFederationDisabledException", "Outbound web identity federation is not enabled for the account.")
		return
	}
	lifetime := time.Duration(seconds) * time.Second
	if s.Lifetime != 0 {
		lifetime = s.Lifetime
	}
	token, err := s.sign(r.FormValue("SigningAlgorithm"), audience, lifetime)
	if err != nil {
		s.fail(w, "ValidationError", "SigningAlgorithm")
		return
	}
	_, _ = fmt.Fprintf(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>`+
		`<WebIdentityToken>%s</WebIdentityToken><Expiration>%s</Expiration></GetWebIdentityTokenResult>`+
		`<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetWebIdentityTokenResponse>`,
		token, time.Now().Add(lifetime).UTC().Format(time.RFC3339))
}

func (s *STS) sign(algorithm, audience string, lifetime time.Duration) (string, error) {
	claims := jwt.MapClaims{
		"iss": s.Issuer, "sub": s.Subject, "aud": audience, "iat": time.Now().Unix(), "exp": time.Now().Add(lifetime).Unix(), "jti": rand.Text(),
	}
	switch algorithm {
	case "RS256":
		return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(s.rsa)
	case "ES384":
		return jwt.NewWithClaims(jwt.SigningMethodES384, claims).SignedString(s.ecdsa)
	}
	return "", errors.New("unknown algorithm")
}

func (s *STS) fail(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code>`+
		`<Message>%s</Message></Error><RequestId>1</RequestId></ErrorResponse>`, code, message)
}
