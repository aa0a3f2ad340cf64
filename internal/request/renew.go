package request

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/saml"
)

// Renewal is what the SAML metadata of a kept request supplies today.
type Renewal struct {
	// Kept is the request with it.
	Kept Kept
	// Changes are how it differs from what was supplied last, and Certificates those that are new.
	Changes      []problem.Change
	Certificates []saml.Certificate
}

// RenewalError reports that the SAML metadata of a kept request supplies nothing that may be applied.
type RenewalError struct {
	// Message is the predicate of a sentence that begins with "the SAML metadata".
	Message string
	// Changed reports whether the SAML metadata was read and is about something else than before. If it
	// is false, it could not be read.
	Changed bool
	Err     error
}

func (e *RenewalError) Error() string { return e.Message }

// Unwrap returns the cause, nil if there is none.
func (e *RenewalError) Unwrap() error { return e.Err }

// Renew fetches the SAML metadata of a kept request again. It renews only what the metadata supplies,
// and compares that with what it supplied last, because what SendGrid has may have been edited. Whoever
// can change the SAML metadata can log in as anyone, so it has to describe the same entity id, come from a
// host that is still allowed, and have its URLs on the same host as before.
func (k Kept) Renew(ctx context.Context, f Fetcher, now time.Time) (Renewal, *RenewalError) {
	if err := f.CheckURL(k.Source.URL); err != nil {
		return Renewal{}, &RenewalError{Message: "is not fetched any more: its URL " + err.Error(), Err: err}
	}
	document, err := f.Fetch(ctx, k.Source.URL)
	if err != nil {
		return Renewal{}, unread(err)
	}
	parsed, err := saml.ParseMetadata(document, saml.Given{
		EntityID: k.EntityID, SigninURL: !k.Source.Supplies("signin_url"), SignoutURL: !k.Source.Supplies("signout_url"), Certificates: !k.Source.Supplies("public_certificate"),
	}, now)
	if err != nil {
		return Renewal{}, unread(err)
	}
	return k.renewedBy(parsed, now)
}

func unread(err error) *RenewalError {
	var fetching *saml.FetchError
	var refusal *saml.Error
	switch {
	case errors.As(err, &fetching):
		return &RenewalError{Message: fetching.Message, Err: err}
	case errors.As(err, &refusal):
		return &RenewalError{Message: refusal.Message, Changed: refusal.Another, Err: err}
	default:
		return &RenewalError{Message: "could not be read", Err: err}
	}
}

// renewedBy returns what SAML metadata renews of the request.
func (k Kept) renewedBy(m *saml.Metadata, now time.Time) (Renewal, *RenewalError) {
	r := Renewal{Kept: k}
	r.Kept.UnreadSince = time.Time{}
	if k.Source.Supplies("signin_url") && m.SigninURL != k.SigninURL {
		if hostOf(m.SigninURL) != hostOf(k.SigninURL) {
			return Renewal{}, &RenewalError{Changed: true, Message: "has the sign-in URL on another host, " + hostOf(m.SigninURL)}
		}
		r.change("signin_url", &r.Kept.SigninURL, m.SigninURL)
	}
	// A sign-out URL on another host is left out: nobody logs in by it, and it must not block the renewal of a certificate.
	known := m.SignoutURL == "" || hostOf(m.SignoutURL) == hostOf(k.SignoutURL) || hostOf(m.SignoutURL) == hostOf(k.SigninURL)
	if k.Source.Supplies("signout_url") && m.SignoutURL != k.SignoutURL && known {
		r.change("signout_url", &r.Kept.SignoutURL, m.SignoutURL)
	}
	if !k.Source.Supplies("public_certificate") {
		return r, nil
	}
	if len(m.Certificates) == 0 {
		return Renewal{}, &RenewalError{Changed: true, Message: "has no certificate any more"}
	}
	for _, c := range m.Certificates {
		if !slices.ContainsFunc(k.Certificates, func(kept KeptCertificate) bool { return kept.SHA256 == c.SHA256 }) {
			r.Certificates = append(r.Certificates, c)
			r.Changes = append(r.Changes, problem.Change{Field: "public_certificate", To: c.SHA256})
		}
	}
	r.Kept.Certificates = keepCertificates(m.Certificates)
	r.Kept.Retired = k.retired(r.Kept.Certificates, now)
	return r, nil
}

// maxRetired bounds the certificates that are remembered as retired.
const maxRetired = 20

// After returns the kept request that replaces another one. It keeps since when the SAML metadata lacks which
// certificates.
func (k Kept) After(before Kept) Kept {
	if k.Source.URL != "" && k.Supplied && before.Supplied {
		k.Retired = before.retired(k.Certificates, k.At)
	}
	return k
}

// retired returns the time since which the SAML metadata lacks each certificate that it supplied before.
func (k Kept) retired(supplied []KeptCertificate, now time.Time) map[string]time.Time {
	retired := map[string]time.Time{}
	maps.Copy(retired, k.Retired)
	for _, c := range k.Certificates {
		if _, known := retired[c.SHA256]; !known && len(retired) < maxRetired {
			retired[c.SHA256] = now.UTC().Truncate(time.Second)
		}
	}
	for _, c := range supplied {
		delete(retired, c.SHA256)
	}
	if len(retired) == 0 {
		return nil
	}
	return retired
}

func (r *Renewal) change(field string, kept *string, supplied string) {
	r.Changes = append(r.Changes, problem.Change{Field: field, From: *kept, To: supplied})
	*kept = supplied
}
