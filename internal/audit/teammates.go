package audit

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// Teammates is the part of sendgrid.Client that shows who may use the account.
type Teammates interface {
	ListTeammates(context.Context) ([]sendgrid.Teammate, error)
	ListPendingTeammates(context.Context) ([]sendgrid.PendingTeammate, error)
}

const (
	// teammatesTimeout bounds the audit of the teammates. Without a queue, it takes from the time of the
	// connections.
	teammatesTimeout = 10 * time.Second
	// maxTeammateFindings bounds what an audit publishes and stores about teammates. A status has all of them.
	maxTeammateFindings = 100
)

// People are the teammates of an account. The audit and the status find the same about them.
type People struct {
	Listed  []sendgrid.Teammate
	Pending []sendgrid.PendingTeammate
	// AsOf is when reading them began.
	AsOf time.Time
}

// ReadPeople reads the teammates of the account. It fails unless both lists can be read.
func ReadPeople(ctx context.Context, api Teammates) (p People, err error) {
	p.AsOf = time.Now()
	if p.Listed, err = api.ListTeammates(ctx); err != nil {
		return People{}, err
	}
	if p.Pending, err = api.ListPendingTeammates(ctx); err != nil {
		return People{}, err
	}
	return p, nil
}

// Administrators returns how many administer the account and log in by SSO.
func (p People) Administrators() (n int) {
	for _, t := range p.Listed {
		if t.SSO() && t.IsAdmin {
			n++
		}
	}
	return n
}

// EmailOf returns what names a teammate: the email address in lower case or, without one, the username.
func EmailOf(t sendgrid.Teammate) string { return strings.ToLower(cmp.Or(t.Email, t.Username)) }

// Findings returns what a person should know about the teammates: first about those that the ledger manages,
// whose entries have to be read after the lists. breakGlass are the email addresses, in lower case, of those who
// may log in with a password.
func (p People) Findings(entries []protocol.Entry, breakGlass []string) []Finding {
	return append(p.undeclared(entries), p.withPassword(breakGlass)...)
}

// undeclared reports the managed teammates that are not what was declared. It skips a teammate on whom a request
// works, or whose last write SendGrid may not show.
func (p People) undeclared(entries []protocol.Entry) (findings []Finding) {
	listed, complete := map[string]sendgrid.Teammate{}, true
	for _, t := range p.Listed {
		if name := strings.ToLower(t.Username); listed[name].Email == "" { // Another's email address counts more.
			listed[name] = t
		}
		listed[EmailOf(t)] = t
		complete = complete && EmailOf(t) != ""
	}
	byEmail := slices.SortedFunc(slices.Values(entries), func(a, b protocol.Entry) int { return strings.Compare(a.Teammate, b.Teammate) })
	for _, e := range byEmail {
		kept, managed := request.ParseKeptTeammate(e.Kept)
		if !managed || !e.Audits() || e.Deleting != "" || e.Availability(p.AsOf) != protocol.Available || e.Settling(p.AsOf) > 0 {
			continue
		}
		find := func(code provision.WarningCode, message string, changes ...problem.Change) {
			findings = append(findings, Finding{Code: code, Email: e.Teammate, Message: e.Teammate + " " + message, Changes: changes, Kept: &kept})
		}
		t, there := listed[strings.ToLower(e.Teammate)]
		declared := kept.Teammate.IsAdmin
		switch {
		case !there && complete:
			find(provision.Missing, "was deleted in SendGrid. To create this teammate again, send the request with if_exists: restore; to have it stay deleted, send state: absent.")
		case there && t.IsAdmin && !declared:
			find(provision.Drifted, "was made an administrator in SendGrid. Find out who did that, and send the request with if_exists: restore; to keep it, send a request with is_admin: true and if_exists: update.",
				problem.Change{Field: "is_admin", From: false, To: true})
		case there && !t.IsAdmin && declared:
			find(provision.Drifted, "is no administrator any more in SendGrid. To make it one again, send the request with if_exists: restore; to keep that, send a request with what this teammate may do and if_exists: update.",
				problem.Change{Field: "is_admin", From: true, To: false})
		}
	}
	return findings
}

// withPassword reports those who can log in without SSO, or will.
func (p People) withPassword(breakGlass []string) (findings []Finding) {
	found := map[string]bool{"": true} // An empty name is nobody's.
	find := func(email, is string) {
		found[email] = true
		findings = append(findings, Finding{Code: PasswordTeammate, Email: email, Message: is + "; if the password is meant for emergencies, add the address to BREAK_GLASS_TEAMMATES, which is the parameter Teammates of the stack."})
	}
	meant := func(name string) bool { return slices.Contains(breakGlass, strings.ToLower(name)) }
	for _, t := range p.Listed {
		const instead = ". Remove this teammate in SendGrid's settings, and send a request for the same address"
		switch email := EmailOf(t); {
		case t.SSO(), found[email], meant(t.Email), meant(t.Username):
		case t.UserType == sendgrid.UserTypeOwner:
			find(email, email+" owns the account and can log in without SSO. Let SSO administrators do the daily work")
		case t.IsSSO == nil:
			find(email, "SendGrid does not say that "+email+" logs in by SSO, so there may be a password"+instead)
		default:
			find(email, email+" can log in without SSO"+instead)
		}
	}
	for _, invited := range p.Pending {
		if email := strings.ToLower(invited.Email); !found[email] && !meant(email) {
			find(email, email+" is invited, and will log in without SSO. Delete the invitation in SendGrid's settings, and send a request for the same address")
		}
	}
	slices.SortStableFunc(findings, func(a, b Finding) int { return strings.Compare(a.Email, b.Email) })
	return findings
}

// TeammatesReport is how the audit of the teammates went. Its findings are those of the account.
type TeammatesReport struct {
	// Total counts the teammates, Pending the invitations, and Omitted the findings that are left out.
	Total   int `json:"total"`
	Pending int `json:"pending"`
	Omitted int `json:"omitted,omitempty"`
	// Failure says why they could not be audited, empty if they were. What was found before still stands then.
	Failure string `json:"failure,omitempty"`
}

// auditTeammates audits the teammates, if they are switched on. A failure is part of the report: it keeps no
// connection from being audited.
func (a *Auditor) auditTeammates(ctx context.Context, report *Report) {
	if a.Teammates == nil {
		return
	}
	report.Teammates = &TeammatesReport{}
	ctx, cancel := context.WithTimeout(ctx, teammatesTimeout)
	defer cancel()
	people, err := repeated(ctx, func(ctx context.Context) (People, error) { return ReadPeople(ctx, a.Teammates) })
	var entries []protocol.Entry
	if err == nil {
		entries, err = a.teammateEntries(ctx)
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "the teammates could not be audited", slog.Any("error", err))
		report.Teammates.Failure = fmt.Sprintf("The teammates could not be audited. %s The next audit tries again.", problem.From(err).Message)
		return
	}
	findings := people.Findings(entries, a.BreakGlass)
	kept := min(len(findings), maxTeammateFindings)
	report.Teammates.Total, report.Teammates.Pending, report.Teammates.Omitted = len(people.Listed), len(people.Pending), len(findings)-kept
	report.Findings = append(report.Findings, findings[:kept]...)
}

// teammateEntries returns the entries of teammates.
func (a *Auditor) teammateEntries(ctx context.Context) (entries []protocol.Entry, err error) {
	for e, err := range a.Ledger.All(ctx) {
		if err != nil {
			return nil, ledgerUnavailable(err)
		}
		if e.Teammate != "" {
			entries = append(entries, e)
		}
	}
	return entries, nil
}
