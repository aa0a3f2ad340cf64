package handler

import (
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
)

// refusePrivateKey fails a delivery whose message has a private key in it, also where the message
// cannot be read. IAM has authenticated who sent it.
func refusePrivateKey(d *delivery.Delivery, message string) {
	if !saml.HasPrivateKey([]byte(message)) {
		return
	}
	if d.EventID == "" { // Whether an event is accepted depends on its source.
		d.Accepted = true
	}
	d.Fail(request.PrivateKeyFound())
}

// conceal removes everything but the ids from a delivery with a secret.
func conceal(d *delivery.Delivery) {
	if d.Failure != nil && d.Failure.Secret {
		d.Body, d.Message, d.Request, d.Trace = nil, "", nil, request.Request{}
	}
}

// drop drops a message or an event with a secret once its refusal is published, and the audit of a connection
// after its last try failed: they are neither delivered again nor moved to the dead-letter queue.
func (h *Handler) drop(d *delivery.Delivery) {
	secret := d.Failure != nil && d.Failure.Secret && !d.Responds && !h.unpublished(d)
	d.Dropped = secret || d.Failure != nil && isLastAudit(d)
}
