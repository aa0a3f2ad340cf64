package protocol

import (
	"slices"
	"time"
)

// Audits reports whether an audit may compare the connection with the kept request, and renew it: the
// connection is managed, and no request of a person has steps left.
func (e Entry) Audits() bool {
	return e.Managed() && (e.State == Completed || e.Renewing) && !e.IsEnded()
}

// Unfinished reports whether a request of a person has steps left, or may have.
func (e Entry) Unfinished() bool { return !e.Renewing && (e.hasStepsLeft() || e.awaitsCreate()) }

// Settling returns how long SendGrid may still not show what was written about the connection.
func (e Entry) Settling(asOf time.Time) time.Duration { return max(0, e.changing().Sub(asOf)) }

// Renewal returns what an audit asks for to renew the kept request. The order stays as it was.
func (e Entry) Renewal(fingerprint string, certificates []string) Asked {
	return Asked{
		Identity: e.KeptIdentity, Fingerprint: fingerprint, MayUpdate: true, Updates: true, Renews: true, Certificates: certificates, Order: e.Applied,
	}
}

// PlanRenewal decides what an audit does next about an integration that exists, and whose entry
// [Entry.Audits] allows to renew. What it asks for are the certificates that are new, and an update
// if one is needed.
func (v View) PlanRenewal() Plan {
	e, missing := v.Entry, v.missing()
	awaited := e.awaitsCertificate() && slices.Contains(missing, e.Certificate)
	switch {
	case e.awaitsCertificate() && !e.Rechecked: // It may still be on its way.
		return Plan{Step: Recheck}
	case v.Shown.NeedsUpdate && !v.UpdateSent:
		return Plan{Step: Update}
	case awaited:
		return v.again(Plan{Step: AddCertificate, Certificate: e.Certificate})
	case len(missing) > 0:
		return v.add(missing[0])
	default:
		return Plan{Step: Report}
	}
}

// Report returns the entry after an audit that began at a time. A certificate that may still be on its
// way stays awaited: an audit does not always get to renewing.
func (e Entry) Report(began time.Time, findings string) Entry {
	if e.Renewing && (e.Rechecked || !e.awaitsCertificate()) {
		e = e.finished()
	}
	if e.IntegrationID == "" { // The deletion is reported.
		e.Deleting = ""
	}
	e.Audited, e.Findings = began, findings
	return e
}
