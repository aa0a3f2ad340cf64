package provision

import (
	"context"
	"fmt"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// certificateField is the field of the request that brings certificates.
const certificateField = "public_certificate"

// Step is a write that a request would send to SendGrid.
type Step struct {
	Operation sendgrid.Op `json:"operation"`
	// Description is one sentence.
	Description string `json:"description"`
	// IntegrationID is that of the integration that the write is about, empty if it is new.
	IntegrationID string `json:"integration_id,omitempty"`
	// Integration is what a create or an update of the integration sends.
	Integration *sendgrid.IntegrationRequest `json:"integration,omitempty"`
	// Teammate is what the create or the update of a teammate sends.
	Teammate *request.Teammate `json:"teammate,omitempty"`
	// Certificate is what the create of a certificate sends.
	Certificate *Certificate `json:"certificate,omitempty"`
}

func createStep(r request.Resolved) Step {
	sent := r.Integration()
	return Step{Operation: sendgrid.OpCreateIntegration, Integration: &sent, Description: fmt.Sprintf("Create the integration %q for %s.", r.Name, r.EntityID)}
}

func updateStep(id string, update sendgrid.IntegrationUpdate) Step {
	return Step{
		Operation: sendgrid.OpUpdateIntegration, IntegrationID: id, Integration: &update,
		Description: fmt.Sprintf("Update the integration %s.", id),
	}
}

func certificateStep(id string, c saml.Certificate) Step {
	step := Step{
		Operation:   sendgrid.OpCreateCertificate,
		Certificate: &Certificate{SHA256: c.SHA256, NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC()},
		Description: fmt.Sprintf("Add the certificate that is valid until %s.", c.NotAfter.UTC().Format(time.DateOnly)),
	}
	if id != newIntegration {
		step.IntegrationID = id
	}
	return step
}

func removeStep(id string, c storedCertificate) Step {
	shown := c.shown()
	return Step{
		Operation: sendgrid.OpDeleteCertificate, IntegrationID: id, Certificate: &shown,
		Description: fmt.Sprintf("Delete the certificate that is valid until %s.", c.notAfter.UTC().Format(time.DateOnly)),
	}
}

// newIntegration stands for the id of an integration that a preview would create.
const newIntegration = "new"

// preview returns what the request would do, from the same plans as run. It reads the ledger and
// SendGrid, and writes nothing. What another attempt is going to change is not known, so while one
// works on the entry, or its write settles, there is no preview.
func (a *connectionAttempt) preview(ctx context.Context) (*Result, error) {
	if err := a.beginPreview(ctx); err != nil {
		return nil, err
	}
	if err := a.observe(ctx); err != nil {
		return nil, err
	}
	a.reconcileEntry()
	result := &Result{Outcome: protocol.OutcomePlanned, Steps: []Step{}, Changes: []problem.Change{}}
	if a.seen.integration != nil {
		result.Integration = *a.seen.integration
	}
	for range maxSteps {
		w, err := a.planned(a.plan())
		switch {
		case err != nil:
			return nil, err
		case w == nil:
			return result, nil
		}
		result.Steps, result.Changes = append(result.Steps, w.step), append(result.Changes, w.changes...)
		a.assume(*w)
	}
	return nil, errUnplanned
}

// beginPreview reads the entry as an owner would take it.
func (a *attempt) beginPreview(ctx context.Context) error {
	entry, err := a.Ledger.Get(ctx, a.fresh.Key)
	if err != nil {
		return &ledgerError{err}
	}
	a.asOf = time.Now()
	if entry.Availability(a.asOf) != protocol.Available {
		return a.inProgress(entry.Lease.Sub(a.asOf), nil)
	}
	a.entry, a.standing = entry.Named(a.fresh).Take("", time.Time{}, a.asOf), protocol.Owner
	return nil
}

// planned returns the write that a plan would send, nil if there is none left.
func (a *connectionAttempt) planned(p protocol.Plan) (*write, error) {
	var w write
	switch p.Step {
	case protocol.Create:
		w = a.createIntegration()
	case protocol.Update:
		w = a.updateIntegration()
	case protocol.AddCertificate:
		w = a.createCertificate(p.Certificate)
	case protocol.RemoveCertificate:
		w = a.deleteCertificate(p.Certificate)
	case protocol.ReturnUnchanged, protocol.RecordUnchanged:
		a.drifted = a.edits()
		return nil, nil
	case protocol.Complete, protocol.ReturnSuperseded:
		return nil, nil
	case protocol.Recheck:
		return nil, writeUnknown(a.entry, a.settling(), nil)
	case protocol.Refuse:
		return nil, a.refusal(p)
	case protocol.Take, protocol.Report: // An owner has the entry, and is not an audit.
		return nil, errUnplanned
	}
	return &w, nil
}

// assume continues as if a write had taken effect.
func (a *connectionAttempt) assume(w write) {
	a.entry = a.entry.Announce(w.Write, a.asked, a.settles())
	switch w.Kind {
	case protocol.CreateResource, protocol.UpdateResource:
		sent, id := w.step.Integration, w.step.IntegrationID
		if id == "" {
			id = newIntegration
		}
		a.seen.integration = &sendgrid.Integration{
			ID: id, Name: sent.Name, Enabled: sent.Enabled, SigninURL: sent.SigninURL, SignoutURL: sent.SignoutURL, EntityID: sent.EntityID,
			CompletedIntegration: sent.CompletedIntegration,
		}
		a.seen.recordedMissing, a.updateSent = false, w.Kind == protocol.UpdateResource
		if w.Kind == protocol.CreateResource {
			a.seen.certificates = nil
		}
	case protocol.CreateCertificate:
		a.seen.certificates = append(slices.Clone(a.seen.certificates), storedCertificate{
			sha256: w.Subject, notBefore: w.step.Certificate.NotBefore, notAfter: w.step.Certificate.NotAfter,
		})
	case protocol.DeleteCertificate:
		a.seen.certificates = slices.DeleteFunc(slices.Clone(a.seen.certificates), func(c storedCertificate) bool { return c.sha256 == w.Subject })
		a.removed = true
	case protocol.DeleteResource: // It belongs to no request.
	}
	a.entry = a.entry.Confirm(w.Write, a.seen.integration.ID, a.settles())
}
