package provision

import (
	"context"
	"time"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
)

// keep returns an entry that keeps the request.
func (a *attempt) keep(e protocol.Entry) protocol.Entry {
	return e.Keep(a.request.Keep(a.delivery.Caller, time.Now()).String(), a.asked.Identity)
}

// keepMetadata returns an entry that keeps the request as before, with the metadata of the same
// request: what SAML metadata supplies today was not applied.
func (a *attempt) keepMetadata(e protocol.Entry) protocol.Entry {
	kept, readable := request.ParseKept(e.Kept)
	if !readable { // A later version wrote it.
		return e
	}
	kept.Metadata = a.request.Metadata
	return e.Keep(kept.String(), e.KeptIdentity)
}

// readKnown reads the certificates that become known because the connection becomes managed by this
// request.
func (a *attempt) readKnown(ctx context.Context) error {
	before, found := parseBaseline(a.entry.Baseline)
	if !a.asked.MayUpdate || a.seen.certificatesRead || found && before.Certificates != nil {
		return nil
	}
	return a.readCertificates(ctx)
}
