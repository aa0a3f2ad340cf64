package provision

import (
	"context"
	"time"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// keep returns an entry that keeps the request.
func (a *connectionAttempt) keep(e protocol.Entry) protocol.Entry {
	kept := a.request.Keep(a.delivery.Caller, time.Now())
	if before, managed := request.ParseKept(e.Kept); managed {
		kept = kept.After(before)
	}
	return e.Keep(kept.String(), a.asked.Identity)
}

// keepMetadata returns an entry that keeps the request as before, with the metadata of this one, which is
// the same request: what its SAML metadata supplies today was not applied.
func (a *connectionAttempt) keepMetadata(e protocol.Entry) protocol.Entry {
	kept, readable := request.ParseKept(e.Kept)
	if !readable { // A later version wrote it.
		return e
	}
	return e.Keep(kept.WithMetadata(a.request.Metadata).String(), e.KeptIdentity)
}

// readKnown reads the certificates of a connection that becomes managed by this request, so that later
// audits know them.
func (a *connectionAttempt) readKnown(ctx context.Context) error {
	before, found := parseBaseline(a.entry.Baseline)
	known := found && before.Certificates != nil
	if !a.asked.MayUpdate || a.seen.certificatesRead || known {
		return nil
	}
	return a.readCertificates(ctx)
}
