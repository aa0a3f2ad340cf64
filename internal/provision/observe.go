package provision

import (
	"cmp"
	"context"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// observation is what SendGrid shows.
type observation struct {
	// integration is the integration that the request is about, nil if there is none.
	integration *sendgrid.Integration
	// recordedMissing reports whether the integration that the entry records is not shown.
	recordedMissing bool
	// certificates are those of the integration. They are read if the request brings any, or if
	// the outcome of a certificate's create is unknown.
	certificates []storedCertificate
	// certificatesRead reports whether certificates are all that the integration has.
	certificatesRead bool
	// certified reports whether it has any, also one that cannot be read.
	certified bool
}

// shown returns what a plan needs of the observation.
func (a *connectionAttempt) shown() protocol.Shown {
	i := a.seen.integration
	if i == nil {
		return protocol.Shown{RecordedMissing: a.seen.recordedMissing}
	}
	return protocol.Shown{
		Exists: true, ID: i.ID, Matches: a.request.Matches(*i), NeedsUpdate: a.request.NeedsUpdate(*i), Digest: request.DigestOf(*i),
		RecordedMissing: a.seen.recordedMissing, Certified: a.seen.certified, Certificates: a.seen.hashes(), CertificatesRead: a.seen.certificatesRead,
	}
}

// hashes returns the SHA-256 of the certificates.
func (o observation) hashes() []string {
	hashes := make([]string, len(o.certificates))
	for i, c := range o.certificates {
		hashes[i] = c.sha256
	}
	return hashes
}

// observe reads the integration that the request is about, and its certificates.
func (a *connectionAttempt) observe(ctx context.Context) error {
	var err error
	if a.seen, err = a.observeIntegration(ctx); err != nil {
		return err
	}
	if err := a.readAsked(ctx); err != nil {
		return err
	}
	return a.checkRemoval(time.Now())
}

// readAsked reads the certificates if the request, or a write that was announced, is about any.
func (a *connectionAttempt) readAsked(ctx context.Context) error {
	wanted := len(a.request.Certificates) > 0 || a.entry.Certificate != "" || len(a.asked.Removes) > 0 || a.asked.Restores || a.entry.Removing != ""
	if !wanted || a.seen.integration == nil || a.seen.integration.ID == "" {
		return nil
	}
	return a.readCertificates(ctx)
}

// readCertificates reads the certificates of the integration in a.seen.
func (a *connectionAttempt) readCertificates(ctx context.Context) error {
	list, err := a.listCertificates(ctx, a.seen.integration.ID)
	if err != nil {
		return err
	}
	a.seen.certificates, a.seen.certified, a.seen.certificatesRead = stored(list), len(list) > 0, true
	return nil
}

// observeIntegration reads the integration that the request is about: one that matches the
// request; else the one that the entry records; else one with the entity id.
func (a *connectionAttempt) observeIntegration(ctx context.Context) (observation, error) {
	list, err := a.lists.join(ctx, a.wait, a.arrived, a.repeats, a.SendGrid.ListIntegrations)
	if err != nil {
		return observation{}, err
	}
	recorded := a.entry.IntegrationID
	isRecorded := func(i sendgrid.Integration) bool { return i.ID == recorded }
	found := a.first(list, func(i sendgrid.Integration) bool {
		return isRecorded(i) && (a.request.Matches(i) || a.entry.Completes(a.asked) && a.isOurs(i)) // Also where it was edited since.
	}, a.request.Matches)
	switch {
	case found != nil, recorded == "":
	case slices.ContainsFunc(list, isRecorded):
		found = a.first(list, a.isOurs)
	default: // The list may lag behind a read by id.
		byID, err := a.getIfThere(ctx, recorded)
		if err != nil {
			return observation{}, err
		}
		if byID == nil {
			return observation{integration: a.first(list, a.sharesEntityID), recordedMissing: true}, nil
		}
		if a.isOurs(*byID) {
			found = byID
		}
	}
	return observation{integration: cmp.Or(found, a.first(list, a.sharesEntityID))}, nil
}

func (a *connectionAttempt) sharesEntityID(i sendgrid.Integration) bool {
	return i.EntityID == a.request.EntityID
}

// isOurs reports whether the entry records i. An integration whose entity id was edited
// since is the result of the request that created it, but of no other.
func (a *connectionAttempt) isOurs(i sendgrid.Integration) bool {
	return i.ID == a.entry.IntegrationID &&
		(a.sharesEntityID(i) || a.entry.Completes(a.asked))
}

// first returns a copy of the first integration that the first of the tests to match any
// matches. The list is shared. Because it lags, it may have an integration that was deleted.
func (a *connectionAttempt) first(list []sendgrid.Integration, tests ...func(sendgrid.Integration) bool) *sendgrid.Integration {
	for _, matches := range tests {
		there := func(i sendgrid.Integration) bool { return (i.ID == "" || i.ID != a.entry.Gone) && matches(i) }
		if at := slices.IndexFunc(list, there); at >= 0 {
			found := list[at]
			return &found
		}
	}
	return nil
}

// readWhole reads the integration again if it lacks what the IdP needs.
func (a *connectionAttempt) readWhole(ctx context.Context) error {
	i := a.seen.integration
	if i.ID != "" && i.SingleSignOnURL == "" {
		var err error
		if i, err = a.get(ctx, i.ID); err != nil {
			return err
		}
	}
	if i.ID == "" || i.SingleSignOnURL == "" {
		return incomplete()
	}
	a.seen.integration = i
	return nil
}

// getIfThere reads an integration; one that SendGrid does not show is nil.
func (a *connectionAttempt) getIfThere(ctx context.Context, id string) (*sendgrid.Integration, error) {
	return ifThere(a.get(ctx, id))
}

// ifThere returns nil for what SendGrid does not show.
func ifThere[T any](found *T, err error) (*T, error) {
	if sendgrid.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

func (a *connectionAttempt) get(ctx context.Context, id string) (*sendgrid.Integration, error) {
	return read(ctx, a.attempt, func(ctx context.Context) (*sendgrid.Integration, error) { return a.SendGrid.GetIntegration(ctx, id) })
}

// read tries a read as long as that can help.
func read[T any](ctx context.Context, a *attempt, once func(context.Context) (T, error)) (found T, err error) {
	err = a.retry(ctx, a.wait, 0, func(ctx context.Context) error {
		return within(ctx, func(ctx context.Context) (err error) {
			found, err = once(ctx)
			return err
		})
	})
	return found, err
}

// storedCertificate is a certificate that SendGrid has.
type storedCertificate struct {
	id                  string
	sha256              string // empty if it cannot be read
	notBefore, notAfter time.Time
}

// listCertificates returns the certificates of an integration. One that was created a moment ago and
// is not visible yet has none but those that the entry records.
func (a *connectionAttempt) listCertificates(ctx context.Context, id string) ([]sendgrid.Certificate, error) {
	list, err := read(ctx, a.attempt, func(ctx context.Context) ([]sendgrid.Certificate, error) { return a.SendGrid.ListCertificates(ctx, id) })
	if sendgrid.IsNotFound(err) && a.entry.Settles.After(a.asOf) {
		return nil, nil
	}
	return list, err
}

// CertificatesOf reads certificates that SendGrid has, as a result and an audit show them: without those
// whose dates are not known.
func CertificatesOf(list []sendgrid.Certificate) []Certificate {
	var certificates []Certificate
	for _, c := range stored(list) {
		certificates = append(certificates, c.shown())
	}
	return certificates
}

func (c storedCertificate) shown() Certificate {
	return Certificate{c.id, c.sha256, c.notBefore.UTC(), c.notAfter.UTC()}
}

// stored reads certificates that SendGrid has. Those whose dates are not known are left out, as in
// an audit.
func stored(list []sendgrid.Certificate) []storedCertificate {
	var certificates []storedCertificate
	for _, c := range list {
		if parsed := saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter); !parsed.NotAfter.IsZero() {
			certificates = append(certificates, storedCertificate{c.ID, parsed.SHA256, parsed.NotBefore, parsed.NotAfter})
		}
	}
	return certificates
}
