// Package status reports what is wrong, with the account and with the setup of the function. It is the first
// thing to run after a deployment, and the first to read when people cannot log in. It changes nothing, and
// returns a report even if nothing works.
package status

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

const (
	// timeLimit bounds each check. A report is complete a second later, even if checks hang.
	timeLimit = 8 * time.Second
	maxGrace  = time.Second
	// maxConnections bounds the connections of a report: those with the most findings come first.
	maxConnections = 1000
	// maxBytes bounds the JSON of them, of the teammates and of the findings. Lambda returns 6 MB at most, and in an HTTP
	// response, which has the report as a text, it is up to twice as long.
	maxBytes = 5 << 19
	// The bounds of what a report says about one connection, and about all.
	maxName     = 256
	maxEntityID = 1024
	maxFindings = 100
	maxIDs      = 20
)

// Report is the status of an account and of the function.
type Report struct {
	// OK reports whether every check is ok. Findings do not count: they are about connections.
	OK      bool   `json:"ok"`
	Version string `json:"version"`
	// Audited is when the last audit began, zero if there was none.
	Audited time.Time `json:"audited,omitzero"`
	Checks  []Result  `json:"checks"`
	// Connections are at most 1,000, those with findings first, and fewer if they are very large. Omitted is
	// how many are left out.
	Connections []audit.Connection `json:"connections"`
	Omitted     int                `json:"omitted,omitempty"`
	// Teammates are at most 1,000, those with findings first. It is nil if teammates are switched off.
	Teammates []Teammate `json:"teammates,omitzero"`
	// Findings are those about no connection, or about several integrations: the first hundred.
	Findings []Finding `json:"findings"`
}

// Finding is a finding that is not about one integration.
type Finding struct {
	Code provision.WarningCode `json:"code"`
	// IntegrationIDs are those of the first twenty; Message says how many there are.
	IntegrationIDs []string `json:"integration_ids"`
	Message        string   `json:"message"`
}

// Reporter makes reports. Its methods may be called concurrently.
type Reporter struct {
	Version string
	// Checks returns the checks in addition to those of the ledger and the audits. It is called for each report,
	// with its context.
	Checks func(context.Context) []Check
	// Integrations lists those of the account, and Entries all of the ledger.
	Integrations func(context.Context) ([]sendgrid.Integration, error)
	Entries      func(context.Context) iter.Seq2[protocol.Entry, error]
	// Teammates is nil if teammates are switched off. BreakGlass are the email addresses, in lower case, of those who
	// may log in with a password.
	Teammates  audit.Teammates
	BreakGlass []string
	// Durable reports whether the ledger outlives the process.
	Durable bool
}

// read is what could be read.
type read struct {
	integrations []sendgrid.Integration
	entries      map[string]protocol.Entry // By entity id.
	persons      []protocol.Entry          // Those of teammates.
	people       audit.People
	own          protocol.Entry // The audit's.
	// listed, scanned and peopleRead report which parts could be read.
	listed, scanned, peopleRead bool
}

// Report makes a report, within 10 s and before ctx ends.
func (r *Reporter) Report(ctx context.Context) *Report {
	limit, grace := timeLimit, maxGrace
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, time.Until(deadline))
		grace = min(maxGrace, left/4)
		limit = min(timeLimit, left-2*grace) // The second one is for the response.
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var found read
	var mu sync.Mutex // Guards found: a check that does not end may go on.
	checks := append(r.Checks(ctx), Check{nameLedger, func(ctx context.Context) (string, error) { return r.scan(ctx, &found, &mu) }}, r.checkTeammates(&found, &mu))
	list := Check{nameIntegrations, func(ctx context.Context) (string, error) {
		all, err := r.Integrations(ctx)
		if err != nil {
			return "", listProblem(err, "The integrations could not be listed, so connections that only SendGrid has are missing here. Run the status again; if it persists, check SendGrid's status page.")
		}
		mu.Lock()
		defer mu.Unlock()
		found.integrations, found.listed = all, true
		return "", nil
	}}
	results := runAll(ctx, limit, grace, append(checks, list))
	mu.Lock()
	seen := found
	mu.Unlock()
	if last := len(results) - 1; results[last].OK || explained(results[:last], results[last].Cause) {
		results = results[:last]
	}
	now := time.Now()
	results = append(results, seen.auditResult(now))
	report := &Report{Version: r.Version, Audited: seen.own.Audited, Checks: results, Connections: seen.connections(now), Findings: seen.findings()}
	if r.Teammates != nil {
		report.Teammates = seen.teammates(r.BreakGlass)
	}
	report.OK = !slices.ContainsFunc(results, func(c Result) bool { return !c.OK })
	report.bound()
	return report
}

// explained reports whether a check of the key already explains why the integrations cannot be listed.
func explained(results []Result, cause error) bool {
	isOK := func(name string) bool {
		return !slices.ContainsFunc(results, func(c Result) bool { return c.Name == name && !c.OK })
	}
	isForbidden := cause != nil && provision.Classify(cause).Code == problem.SendGridForbidden
	return !isOK(nameAPIKey) || isForbidden && !isOK(nameScopes)
}

// restore is the remedy for a ledger that somebody deleted.
const restore = "restore it from its backup: an empty table forgets every connection"

// scan reads the ledger.
func (r *Reporter) scan(ctx context.Context, found *read, mu *sync.Mutex) (string, error) {
	entries, own := map[string]protocol.Entry{}, protocol.Entry{}
	var persons []protocol.Entry
	managed, now := 0, time.Now()
	for e, err := range r.Entries(ctx) {
		switch {
		case err != nil:
			unread := unreadable("table", "LEDGER_TABLE", "dynamodb:Scan", restore, err)
			unread.Message += " Until then, connections have only what SendGrid shows."
			return "", unread
		case e.Key == audit.LedgerKey:
			own = e
		case e.Teammate != "" && !e.Expires.Before(now):
			persons = append(persons, e)
		case e.EntityID != "" && !e.Expires.Before(now):
			entries[e.EntityID] = e
			if e.Managed() {
				managed++
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	found.entries, found.persons, found.own, found.scanned = entries, persons, own, true
	if !r.Durable {
		return "LEDGER_TABLE is not set: the ledger is in memory, and forgets everything when the process ends.", nil
	}
	return fmt.Sprintf("The ledger can be read. Connections whose request it keeps: %d.", managed), nil
}

const (
	// maxSilence is how long ago the last audit may have begun.
	maxSilence = 48 * time.Hour
	// maxAudit is how long an audit takes to reach every connection, with its retries.
	maxAudit = time.Hour
)

// auditResult reports when the last audit began, and whether it has reached every connection.
func (f read) auditResult(now time.Time) Result {
	result := Result{Name: nameAudit}
	began, late := f.own.Audited, 0
	for _, e := range f.entries {
		// The next audit covers what became managed since.
		if kept, managed := request.ParseKept(e.Kept); managed && kept.At.Before(began) && e.Audited.Before(began) {
			late++
		}
	}
	switch {
	case !f.scanned:
		result.Message = "It is not known when the last audit began, because the ledger could not be read."
	case began.IsZero():
		result.OK, result.Message = true, "No audit has run yet; one runs every day. The output AuditCommand starts one now."
	case now.Sub(began) > maxSilence:
		result.Message = fmt.Sprintf("The last audit began on %s, more than 48 hours ago. Look for \"audit failed\" in the function's log, and start one with the output AuditCommand.", began.UTC().Format(time.RFC3339))
	case late > 0 && now.Sub(began) > maxAudit:
		result.Message = fmt.Sprintf("Connections that the audit of %s has not reached: %d. Look for \"audit failed\" in the function's log; the next audit begins with them.", began.UTC().Format(time.RFC3339), late)
	default:
		result.OK, result.Message = true, fmt.Sprintf("The last audit began on %s.", began.UTC().Format(time.RFC3339))
	}
	return result
}

// connections returns what is known about each connection: what the last audit found, and what the list
// of the integrations shows. As in an audit, the integration of a connection is the one that the ledger records, or else the
// first with the entity id.
func (f read) connections(now time.Time) []audit.Connection {
	byID, byEntity := map[string]sendgrid.Integration{}, map[string]sendgrid.Integration{}
	for _, i := range slices.Backward(f.integrations) {
		byID[i.ID], byEntity[i.EntityID] = i, i
	}
	delete(byID, "") // Its setup was begun in SendGrid's UI, and not finished.
	delete(byEntity, "")
	entities := slices.Collect(maps.Keys(byEntity))
	for entity, e := range f.entries {
		if _, listed := byEntity[entity]; !listed && audit.StateOf(e) != audit.Unmanaged {
			entities = append(entities, entity)
		}
	}
	all := make([]audit.Connection, 0, len(entities))
	for _, entity := range entities {
		e := f.entries[entity]
		c := describe(e, now)
		c.EntityID = cut.Bytes(entity, maxEntityID)
		i, there := byID[e.IntegrationID]
		if !there {
			i, there = byEntity[entity]
		}
		switch {
		case there:
			c.Name, c.IntegrationID, c.Enabled = cut.Bytes(i.Name, maxName), i.ID, i.Enabled
		case f.listed: // SendGrid has none.
			c.IntegrationID, c.Enabled = "", false
		}
		if !f.scanned {
			c.State = ""
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b audit.Connection) int {
		return cmp.Or(cmp.Compare(len(b.Findings), len(a.Findings)), strings.Compare(a.EntityID, b.EntityID))
	})
	return all
}

// describe returns what an entry records of its connection.
func describe(e protocol.Entry, now time.Time) audit.Connection {
	c := audit.Connection{IntegrationID: e.IntegrationID, State: audit.StateOf(e), Audited: e.Audited, Findings: audit.Stored(e.Findings)}
	if kept, managed := request.ParseKept(e.Kept); managed {
		c.Name, c.Enabled = cut.Bytes(kept.Name, maxName), kept.Enabled && !e.IsEnded()
	}
	if last := audit.LastExpiry(e.Findings); !last.IsZero() {
		c.DaysLeft = provision.DaysLeft([]provision.Certificate{{NotAfter: last}}, now)
	}
	return c
}

// findings returns the findings of the list that are not about one integration.
func (f read) findings() []Finding {
	found := []Finding{}
	sharing := map[string][]sendgrid.Integration{}
	for _, i := range f.integrations {
		sharing[i.EntityID] = append(sharing[i.EntityID], i)
	}
	find := func(code provision.WarningCode, about []sendgrid.Integration, message string) {
		ids := []string{}
		for _, i := range about[:min(len(about), maxIDs)] {
			if i.ID != "" { // Else its setup was only begun in SendGrid's UI.
				ids = append(ids, i.ID)
			}
		}
		found = append(found, Finding{code, ids, message})
	}
	for _, entity := range slices.Sorted(maps.Keys(sharing)) { // The empty one first.
		all := sharing[entity]
		switch {
		case len(found) == maxFindings:
			return found
		case entity == "":
			find(provision.IntegrationIncomplete, all, fmt.Sprintf("Integrations without entity_id: %d. Nobody can log in with them. Finish their setup in SendGrid's SSO settings, or delete them.", len(all)))
		case len(all) > 1:
			find(audit.DuplicateEntityID, all, fmt.Sprintf("%d integrations have the entity_id %s, so that login may fail. Delete all but one in SendGrid's SSO settings.", len(all), cut.Bytes(entity, maxEntityID)))
		}
	}
	return found
}

// bound leaves out connections beyond the limits.
func (r *Report) bound() {
	size := jsonSize(r.Findings) + jsonSize(r.Teammates)
	for at, c := range r.Connections {
		if size += jsonSize(c); at == maxConnections || size > maxBytes {
			r.Omitted, r.Connections = len(r.Connections)-at, r.Connections[:at]
			return
		}
	}
}

// jsonSize returns how long the JSON of a value is, with a comma.
func jsonSize(value any) int {
	text, _ := json.Marshal(value) // Texts, numbers and times always encode.
	return len(text) + 1
}
