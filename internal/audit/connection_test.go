package audit_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/internal/saml/samltest"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

type found = []provision.WarningCode

// edited edits the integration of a connection as a person does.
func edited(edit func(*sendgrid.Integration)) func(*world) {
	return func(w *world) { w.sendGrid.Edit(w.manage(byURL()), edit) }
}

// expiring is a connection that a person made, with certificates that expire after these times.
func expiring(after ...time.Duration) func(*world) {
	return func(w *world) { w.add(entity, after...) }
}

// republished is a connection whose SAML metadata has changed since.
func republished(change func(*idp)) func(*world) {
	return func(w *world) {
		w.manage(byURL())
		change(w.idp)
	}
}

// unread is a connection whose SAML metadata could not be read at audits of so many days before.
func unread(days int) func(*world) {
	return func(w *world) {
		w.manage(byURL())
		for range days {
			w.idp.err = &saml.FetchError{Retryable: true, Message: "could not be fetched"}
			w.audited()
		}
	}
}

// retired is a connection whose SAML metadata has lacked a certificate at audits of so many days before. then
// comes after that.
func retired(days int, then func(w *world, old []byte)) func(*world) {
	return func(w *world) {
		old := certificate(700 * day)
		w.idp.Certificates = append(w.idp.Certificates, old)
		w.manage(byURL())
		w.idp.Certificates = w.idp.Certificates[:1]
		for range days {
			w.audited()
		}
		if then != nil {
			then(w, old)
		}
	}
}

// unfinished is a request that SendGrid refuses after its first step.
func unfinished(w *world) {
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpCreateCertificate, Status: 400})
	require.Error(w.t, w.request(byURL()))
	time.Sleep(time.Hour)
}

// unaudited is a connection whose audit has failed for the last time.
func unaudited(w *world) {
	w.manage(byURL())
	w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Status: 500, Times: 4})
	_, err := w.connection(entity, true)
	require.NoError(w.t, err)
	time.Sleep(day)
}

// findings has for each code what makes an audit find it, and what is so close to that that it must not.
var findings = map[provision.WarningCode]struct {
	set, near func(*world)
	// beside is what else is found, and instead what is where it is only close.
	beside, instead found
}{
	provision.Drifted: {
		set:  edited(func(i *sendgrid.Integration) { i.SigninURL = "https://stranger.example/in" }),
		near: edited(func(i *sendgrid.Integration) { i.LastUpdated = "1" }),
	},
	audit.UnknownCertificate: {
		set: func(w *world) { w.certify(w.manage(byURL()), certificate(90*day)) },
		near: func(w *world) { // The identity provider has it as well.
			id, next := w.manage(byURL()), certificate(90*day)
			w.idp.Certificates = append(w.idp.Certificates, next)
			w.certify(id, next)
		},
	},
	provision.Missing: {
		set: func(w *world) { w.sendGrid.Delete(w.manage(byURL())) },
		near: func(w *world) { // It is in no list, and can be read.
			w.manage(byURL())
			w.sendGrid.Script(sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Status: 200, Body: "[]"})
		},
	},
	audit.DuplicateEntityID: {
		set: func(w *world) { w.manage(byURL()); w.add(entity, 90*day) },
		near: func(w *world) { // The other one has another entity id by now.
			edited(func(i *sendgrid.Integration) { i.EntityID = "urn:another" })(w)
			w.add(entity, 90*day)
		},
		instead: found{provision.Drifted},
	},
	provision.NoCertificate: {
		set:     expiring(),
		near:    func(w *world) { w.certify(w.add(entity), []byte("?")) },
		instead: found{audit.CertificateUnreadable},
	},
	audit.CertificatesExpired:        {set: expiring(-time.Hour, -9*day), near: expiring(-time.Hour, 90*day)},
	provision.CertificateExpiresSoon: {set: expiring(30*day-time.Second, 3*day), near: expiring(30 * day)},
	audit.CertificateMissing: {
		set:    func(w *world) { w.uncertify(w.manage(byURL()), 0) },
		beside: found{provision.Drifted, provision.NoCertificate},
		near: func(w *world) { // It has expired.
			w.idp.Certificates = append(w.idp.Certificates, certificate(2*day))
			id := w.manage(byURL())
			time.Sleep(2 * day)
			w.uncertify(id, 1)
		},
		instead: found{provision.Drifted},
	},
	audit.CertificateRetirable: {set: retired(7, nil), near: retired(6, nil)},
	audit.CertificateUnreadable: {
		set: func(w *world) {
			w.add(entity, 90*day)
			w.sendGrid.SetCertificateForm(func(string) string { return "?" })
		},
		near: func(w *world) {
			w.add(entity, 90*day)
			w.sendGrid.SetCertificateForm(func(text string) string { return strings.ReplaceAll(text, "\n", "") })
		},
	},
	audit.MetadataChanged: {
		set:  republished(func(p *idp) { p.SigninURL = "https://stranger.example/in" }),
		near: republished(func(p *idp) { p.SigninURL += "/2" }),
	},
	audit.MetadataUnavailable: {set: unread(3), near: unread(2)},
	audit.RequestUnfinished: {
		set:    unfinished,
		beside: found{provision.NoCertificate},
		near:   func(w *world) { unfinished(w); w.manage(byURL()) },
	},
	audit.CertificatesUnknown: {set: unaudited, near: func(w *world) { unaudited(w); w.audited() }},
	provision.IntegrationDisabled: {
		set: func(w *world) {
			w.sendGrid.Edit(w.add(entity, 90*day), func(i *sendgrid.Integration) { i.Enabled = false })
		},
		near: func(w *world) {
			fields := byURL()
			fields["enabled"] = false
			w.manage(fields)
		},
	},
	provision.IntegrationIncomplete: {
		set:  edited(func(i *sendgrid.Integration) { i.CompletedIntegration = new(bool) }),
		near: edited(func(i *sendgrid.Integration) { i.CompletedIntegration = new(true) }),
	},
}

// What a person should know is found, stored, and published once. What is only close to it is not found.
func TestFindings(t *testing.T) {
	t.Parallel()
	require.ElementsMatch(t, audit.Codes(), append(slices.Collect(maps.Keys(findings)), audit.PasswordTeammate))
	for code, tt := range findings {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w)
				want := slices.Sorted(slices.Values(append(tt.beside, code)))
				if code != audit.CertificatesUnknown { // It was found already.
					c := w.audited()
					require.Equal(t, want, codes(c.Findings))
					require.True(t, c.Has(code))
				}
				require.Equal(t, want, w.stored())
				require.Equal(t, want, w.bus.news())
				for _, f := range audit.Stored(w.entry(entity).Findings) {
					require.NotEmpty(t, f.Message)
					require.Equal(t, code != audit.DuplicateEntityID, f.IntegrationID != "")
				}
				if code != audit.CertificatesUnknown {
					require.Equal(t, want, codes(w.audited().Findings), "it is there as long as it lasts")
				}
				require.Empty(t, w.bus.news())
			})
		})
		t.Run("close to "+string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.near(w)
				require.ElementsMatch(t, tt.instead, codes(w.audited().Findings))
			})
		})
	}
}

// A connection whose certificates were never read has them as they are at its first audit. What was edited
// before is still found.
func TestTheFirstAuditTakesCertificatesAsTheyAre(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id, fields := w.add(entity, 90*day), byHand(entity)
		delete(fields, "public_certificate")
		fields["if_exists"] = "update"
		w.manage(fields)
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.Name = "Edited" })
		require.Equal(t, found{provision.Drifted}, codes(w.audited().Findings))
		w.certify(id, certificate(90*day))
		require.Equal(t, found{provision.Drifted, audit.UnknownCertificate}, codes(w.audited().Findings))
	})
}

// SAML metadata that was read in between was not unavailable for three days, even if nothing of it could be
// applied. What it supplied before stays.
func TestSAMLMetadataIsUnavailableWithoutAPause(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(*idp){
		"as before":  func(*idp) {},
		"of another": func(p *idp) { p.EntityID = "urn:another" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				unread(2)(w)
				before, failure := w.idp.Params, w.idp.err
				w.idp.err = nil
				read(w.idp)
				w.audited()
				w.idp.Params, w.idp.err = before, failure
				for range 3 {
					require.Empty(t, w.audited().Findings)
				}
				require.Equal(t, found{audit.MetadataUnavailable}, codes(w.audited().Findings))
				require.Len(t, w.sendGrid.Certificates(w.sendGrid.Integrations()[0].ID), 1)
			})
		})
	}
}

// A certificate that SAML metadata has lacked for a week may be deleted, unless people need it.
func TestWhatMayBeDeleted(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  func(*world)
		want found
	}{
		"for a week":                     {retired(7, nil), found{audit.CertificateRetirable}},
		"for less":                       {retired(6, nil), nil},
		"it came back":                   {retired(7, func(w *world, old []byte) { w.idp.Certificates = append(w.idp.Certificates, old) }), nil},
		"it came back, and left again":   {retired(6, cameBack), nil},
		"SAML metadata is not read now":  {retired(7, func(w *world, _ []byte) { w.idp.err = errBroken }), found{audit.CertificateRetirable}},
		"it has not been read since":     {retired(1, unreadFor(6)), found{audit.MetadataUnavailable}},
		"it is not there any more":       {retired(7, func(w *world, _ []byte) { w.uncertify(w.sendGrid.Integrations()[0].ID, 1) }), found{provision.Drifted}},
		"nothing else is there":          {retired(7, func(w *world, _ []byte) { w.uncertify(w.sendGrid.Integrations()[0].ID, 0) }), found{provision.Drifted, audit.CertificateMissing}},
		"nothing else is valid":          {retired(7, func(*world, []byte) { time.Sleep(400 * day) }), found{audit.CertificatesExpired}},
		"a request with another name":    {retired(7, renamed), found{audit.CertificateRetirable}},
		"a request in between":           {retired(3, func(w *world, old []byte) { renamed(w, old); auditedTimes(w, 4) }), found{audit.CertificateRetirable}},
		"a request that gives it itself": {retired(7, givesItself), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				tt.set(w)
				require.ElementsMatch(t, tt.want, codes(w.audited().Findings))
			})
		})
	}
}

// cameBack is SAML metadata that has a certificate again for a day.
func cameBack(w *world, old []byte) {
	w.idp.Certificates = append(w.idp.Certificates, old)
	w.audited()
	w.idp.Certificates = w.idp.Certificates[:1]
	auditedTimes(w, 6)
}

func auditedTimes(w *world, times int) {
	for range times {
		w.audited()
	}
}

// unreadFor lets SAML metadata be unreadable for so many audits.
func unreadFor(audits int) func(*world, []byte) {
	return func(w *world, _ []byte) {
		w.idp.err = errBroken
		auditedTimes(w, audits)
	}
}

// renamed sends another request for the connection, with the same SAML metadata.
func renamed(w *world, _ []byte) {
	fields := byURL()
	fields["name"], fields["if_exists"] = "Another", "update"
	require.NoError(w.t, w.request(fields))
	time.Sleep(time.Hour)
}

// givesItself sends a request that gives the certificates itself.
func givesItself(w *world, old []byte) {
	fields := byURL()
	fields["public_certificate"] = samltest.PEM(w.idp.Certificates[0]) + samltest.PEM(old)
	fields["if_exists"] = "update"
	require.NoError(w.t, w.request(fields))
	time.Sleep(time.Hour)
}

// The finding has the request that deletes the certificate. Sent, it ends the finding.
func TestTheRequestThatDeletesACertificate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var old string
		retired(7, func(_ *world, der []byte) { old = sha256(der) })(w)
		f := w.audited().Findings[0]
		require.Equal(t, audit.CertificateRetirable, f.Code)
		require.Contains(t, f.Message, `{"if_exists":"update","remove_certificates":["`+old+`"]}`)
		fields := byURL()
		require.NoError(t, json.Unmarshal([]byte(f.Message[strings.Index(f.Message, "{"):strings.Index(f.Message, "}")+1]), &fields))
		require.NoError(t, w.request(fields))
		time.Sleep(time.Hour)
		require.Len(t, w.sendGrid.Certificates(w.sendGrid.Integrations()[0].ID), 1)
		w.bus.notices = nil
		require.Empty(t, w.audited().Findings)
		require.Empty(t, w.bus.notices)
	})
}

// A duplicate names the integrations that share the entity id, the first few of many, and no other.
func TestDuplicatesAreNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		id := w.manage(byURL())
		var others []string
		for range 6 {
			others = append(others, w.add(entity, 90*day))
		}
		message := func() string { return w.audited().Findings[0].Message }
		require.Contains(t, message(), "7 integrations have this entity_id, so that login may fail: "+strings.Join(append([]string{id}, others[:4]...), ", ")+" and 2 more.")
		w.sendGrid.Edit(id, func(i *sendgrid.Integration) { i.EntityID = "urn:another" })
		i := slices.IndexFunc(w.audited().Findings, func(f audit.Finding) bool { return f.Code == audit.DuplicateEntityID })
		f := audit.Stored(w.entry(entity).Findings)[i]
		require.Contains(t, f.Message, "6 integrations")
		require.NotContains(t, f.Message, id)
	})
}
