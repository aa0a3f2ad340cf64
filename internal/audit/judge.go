package audit

import (
	"fmt"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// retirable is how long SAML metadata has to lack a certificate before it may be deleted: until then the
// metadata may get it back.
const retirable = 7 * 24 * time.Hour

// judge returns the connection with its findings. failure is why the connection could not be audited, nil if
// it was. With a failure, the earlier findings stay.
func judge(found provision.Audited, failure *problem.Error, began time.Time) Notice {
	c := Connection{EntityID: cut.Bytes(found.EntityID, maxEntityID), Name: cut.Bytes(found.Kept.Name, maxName), State: Unmanaged, Audited: began, Findings: []Finding{}}
	c.By, c.Changes, c.Deleted = found.Kept.By, found.Renewed, found.Deleted
	if found.Managed {
		c.State = Managed
	}
	if found.Ended {
		c.State = Ended
	}
	n := Notice{Kept: found.Kept, Renewed: found.Renewed, Deleted: found.Deleted, EndedBy: found.EndedBy}
	if failure != nil {
		c.IntegrationID = found.Recorded
		c.Findings, c.last = slices.DeleteFunc(Stored(found.Findings), func(f Finding) bool { return f.Code == CertificatesUnknown }), LastExpiry(found.Findings)
		c.find(CertificatesUnknown, found.Recorded, "The connection could not be audited. "+reason(failure)+" The next audit tries again.")
	} else {
		c.judge(found)
	}
	if len(found.Integrations) > 0 {
		n.Integration = &found.Integrations[0]
	}
	n.Connection, n.New = c, newFindings(found.Findings, c.Findings)
	return n
}

func (c *Connection) judge(found provision.Audited) {
	if found.Ended {
		c.judgeEnded(found)
		return
	}
	c.judgeKept(found)
	if sharing := sharing(found); len(sharing) > 1 {
		c.find(DuplicateEntityID, "", fmt.Sprintf("%d integrations have this entity_id, so that login may fail: %s. Delete all but one in SendGrid's SSO settings.", len(sharing), ids(sharing)))
	}
	for at, i := range found.Integrations[:min(len(found.Integrations), maxIntegrations)] {
		var inUse []request.KeptCertificate
		if at == 0 && found.Kept.Supplied {
			inUse = found.Kept.Certificates
		}
		wantsDisabled := found.Managed && !found.Kept.Enabled
		c.judgeIntegration(i, found.Certificates[at], inUse, at == 0, wantsDisabled)
	}
}

// sharing returns the integrations that have the entity id now.
func sharing(found provision.Audited) []sendgrid.Integration {
	return slices.DeleteFunc(slices.Clone(found.Integrations), func(i sendgrid.Integration) bool { return i.EntityID != found.EntityID })
}

// ids names integrations for a message, the first few of many.
func ids(integrations []sendgrid.Integration) string {
	const most = 5
	text := ""
	for at, i := range integrations {
		if at == most {
			return text + fmt.Sprintf(" and %d more", len(integrations)-most)
		}
		if at > 0 {
			text += ", "
		}
		text += i.ID
	}
	return text
}

// judgeKept compares a managed connection with the kept request.
func (c *Connection) judgeKept(found provision.Audited) {
	id := found.Recorded
	if found.Unfinished {
		c.find(RequestUnfinished, id, "A request to this connection stopped before its last step. Send it again; its log line and its message in the dead-letter queue have the reason.")
		return
	}
	if !found.Managed {
		return
	}
	if found.Missing {
		c.find(provision.Missing, id, "The integration "+id+" was deleted in SendGrid. To create it again, send the request with if_exists: restore.")
	}
	c.judgeDrift(found)
	if e := found.Unrenewed; e != nil {
		const then = ". Nothing is renewed until then."
		switch {
		case e.Changed:
			c.find(MetadataChanged, id, "The SAML metadata at "+found.Kept.Source.URL+" "+e.Message+", so nothing of it was applied. Ask whoever runs the identity provider. "+
				"If it is meant, send the request again with if_exists: restore; with another entity_id that makes another integration"+then)
		case !found.Kept.UnreadSince.IsZero() && time.Since(found.Kept.UnreadSince) >= unreadable:
			c.find(MetadataUnavailable, id, fmt.Sprintf("The SAML metadata at %s %s. That has been so since %s. Correct it, or send the request with another saml_metadata_url and if_exists: update%s",
				found.Kept.Source.URL, e.Message, found.Kept.UnreadSince.Format(time.DateOnly), then))
		}
	}
}

// judgeDrift reports what somebody changed, certificates that nobody requested, and those that are missing.
func (c *Connection) judgeDrift(found provision.Audited) {
	id := found.Recorded
	var edits []problem.Change
	for _, change := range found.Drift {
		if sha256, added := change.To.(string); change.Field == "public_certificate" && added {
			c.find(UnknownCertificate, id, "Nobody requested the certificate with SHA-256 "+sha256+", which was added in SendGrid: whoever has its key can log in as anyone. Find out who added it; "+
				"delete it in SendGrid's SSO settings, or send a request that has it in public_certificate, with if_exists: restore.")
			continue
		}
		edits = append(edits, change)
	}
	if len(edits) > 0 {
		c.find(provision.Drifted, id, "Somebody changed the integration in SendGrid since this function did; changes has what. If that is not meant to stay, send the request with if_exists: restore. To keep it, send a request with the values that SendGrid has, also with restore.", edits...)
	}
	if len(found.Integrations) == 0 || found.Missing {
		return
	}
	there := provision.CertificatesOf(found.Certificates[0])
	c.judgeRetired(found, there)
	for _, wanted := range found.Kept.Valid(time.Now()) {
		if !slices.ContainsFunc(there, func(c provision.Certificate) bool { return c.SHA256 == wanted.SHA256 }) {
			c.find(CertificateMissing, id, "SendGrid lacks the certificate with SHA-256 "+wanted.SHA256+", which the identity provider has: logins signed with it fail. To add it again, send the request with if_exists: restore.")
		}
	}
}

// judgeRetired reports the certificates that the identity provider no longer uses.
func (c *Connection) judgeRetired(found provision.Audited, there []provision.Certificate) {
	now := time.Now()
	read := now // When the SAML metadata was last read, or a little later.
	if unread := found.Kept.UnreadSince; !unread.IsZero() {
		read = unread
	}
	var retired []string
	stays := false // Whether a valid certificate is left.
	for _, each := range there {
		if since, lacked := found.Kept.Retired[each.SHA256]; lacked && read.Sub(since) >= retirable {
			retired = append(retired, each.SHA256)
			continue
		}
		stays = stays || each.NotAfter.After(now)
	}
	if len(retired) == 0 || !stays {
		return
	}
	slices.Sort(retired)
	c.find(CertificateRetirable, found.Recorded, "The SAML metadata has lacked certificates for a week that SendGrid still accepts. To delete them, send the same request with "+
		request.Text(map[string]any{"if_exists": request.UpdateExisting, "remove_certificates": retired})+" in it.")
}

// judgeIntegration reports what keeps people from logging in with an integration. first reports whether
// it is the one that the connection is about, and inUse are the certificates that are known to be in use,
// nil if that is not known.
func (c *Connection) judgeIntegration(i sendgrid.Integration, list []sendgrid.Certificate, inUse []request.KeptCertificate, first, wantsDisabled bool) {
	certificates := provision.CertificatesOf(list)
	slices.SortStableFunc(certificates, func(a, b provision.Certificate) int { return b.NotAfter.Compare(a.NotAfter) })
	counted := slices.DeleteFunc(slices.Clone(certificates), func(c provision.Certificate) bool {
		return !slices.ContainsFunc(inUse, func(k request.KeptCertificate) bool { return k.SHA256 == c.SHA256 })
	})
	if len(counted) == 0 {
		counted = certificates
	}
	days := provision.DaysLeft(counted, time.Now())
	if first {
		c.Name, c.IntegrationID, c.Enabled, c.DaysLeft = cut.Bytes(i.Name, maxName), i.ID, i.Enabled, days
		c.Certificates = certificates[:min(len(certificates), maxCertificates)]
		if len(counted) > 0 {
			c.last = counted[0].NotAfter
		}
	}
	if !i.Enabled && !wantsDisabled {
		c.find(provision.IntegrationDisabled, i.ID, "The integration is disabled, so nobody can log in with it.")
	}
	if Incomplete(i) {
		c.find(provision.IntegrationIncomplete, i.ID, "The setup is not finished; somebody has to finish it in SendGrid's SSO settings.")
	}
	if days != nil {
		c.expiry(i.ID, *days, counted[0].NotAfter)
	}
	if len(list) == 0 {
		c.find(provision.NoCertificate, i.ID, "The integration has no certificate, so nobody can log in with it. Send the request with the identity provider's signing certificate and if_exists: update.")
	}
	if broken := unreadableOf(list); broken > 0 {
		c.find(CertificateUnreadable, i.ID, fmt.Sprintf("%d of the certificates cannot be read; check them in SendGrid's SSO settings.", broken))
	}
}

// Incomplete reports whether somebody has to finish the setup of an integration in SendGrid.
func Incomplete(i sendgrid.Integration) bool {
	return i.ID == "" || i.EntityID == "" || i.SigninURL == "" || i.CompletedIntegration != nil && !*i.CompletedIntegration
}

// unreadableOf counts the certificates in a form that is not one.
func unreadableOf(list []sendgrid.Certificate) (n int) {
	for _, c := range list {
		if saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter).SHA256 == "" {
			n++
		}
	}
	return n
}

// expiry reports that the last certificate has expired, or will soon.
func (c *Connection) expiry(id string, days int, last time.Time) {
	date := last.UTC().Format(time.DateOnly)
	switch {
	case days < 0:
		c.find(CertificatesExpired, id, fmt.Sprintf("The last certificate expired on %s, so nobody can log in. Send the next one with if_exists: update.", date))
	case days < ExpiresSoon:
		c.find(provision.CertificateExpiresSoon, id, fmt.Sprintf("The last certificate expires on %s; nobody can log in after that. Send the next one with if_exists: update.", date))
	}
}
