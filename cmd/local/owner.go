package main

import (
	"context"
	"errors"
	"fmt"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// owner returns the integration, other than one, that has a certificate; nil if none has. The error means
// that not all of them could be read.
func (r reader) owner(ctx context.Context, all []sendgrid.Integration, except, sha256 string) (*sendgrid.Integration, error) {
	fmt.Fprintf(r.logs, "The certificate is not the integration's. Reading those of all %d integrations, which may take minutes.\n", len(all))
	var unread error
	for _, i := range all {
		if i.ID == "" || i.ID == except {
			continue
		}
		certificates, err := r.certificates(ctx, i.ID)
		for _, c := range certificates {
			if saml.ParseStored(c.PublicCertificate, 0, 0).SHA256 == sha256 {
				return &i, nil
			}
		}
		unread = errors.Join(unread, err)
		if err != nil && concernsAll(ctx, err) {
			break
		}
	}
	return nil, unread
}
