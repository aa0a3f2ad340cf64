package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
)

// checklist prints what happens as a list of checks.
type checklist struct {
	*simulation
	metadata *published
	out      io.Writer
	client   *http.Client

	sections, checks, failed int
}

// newChecklist returns a checklist that has not begun, and ends with ctx.
func newChecklist(ctx context.Context, out io.Writer, logger *slog.Logger) (*checklist, error) {
	metadata, err := newPublished(demoIDP)
	if err != nil {
		return nil, err
	}
	sim, err := simulated(ctx, emptySimulator, metadata, `{"bearer": "nobody-uses-it-in-the-demo"}`, logger)
	if err != nil {
		return nil, err
	}
	return &checklist{simulation: sim, metadata: metadata, out: out, client: &http.Client{Timeout: invocation.Timeout}}, nil
}

// section begins a section of the checklist.
func (s *checklist) section(title string) {
	s.sections++
	fmt.Fprintf(s.out, "\n%d. %s\n", s.sections, title)
}

// check prints what happened, and whether it is what has to happen.
func (s *checklist) check(ok bool, format string, args ...any) {
	mark := "✓"
	s.checks++
	if !ok {
		s.failed++
		mark = "✗"
	}
	fmt.Fprintf(s.out, "   %s %s\n", mark, fmt.Sprintf(format, args...))
}

// err returns an error if a check failed.
func (s *checklist) err() error {
	if s.failed > 0 {
		return fmt.Errorf("%d of %d checks failed", s.failed, s.checks)
	}
	return nil
}

// event returns the EventBridge event with a request.
func event(id string, request []byte) ([]byte, error) {
	return json.Marshal(map[string]any{
		"version": "0", "id": id, "source": "com.example.idp", "detail-type": "IdP Application Created",
		"time": time.Now().UTC().Format(time.RFC3339Nano), "detail": json.RawMessage(request),
	})
}

// reply is the function's response to an event.
type reply struct {
	provision.Result
	// verdict is the code of a failure, else the outcome.
	verdict string
	took    time.Duration
	err     error
}

// send has the function handle an event.
func (s *checklist) send(ctx context.Context, event []byte) reply {
	began := time.Now()
	a := invoke(ctx, s.handler, event)
	r := reply{took: time.Since(began), verdict: a.code(), err: a.err}
	if a.err == nil {
		r.err = json.Unmarshal(a.data, &r.Result)
		r.verdict = string(r.Outcome)
	}
	return r
}

// audit has the schedule start an audit, and returns what it found about the connection of an entity id.
func (s *checklist) audit(ctx context.Context, entityID string) (audit.Connection, error) {
	retry.Sleep(ctx, simulatedSettling) // An audit leaves alone what was written a moment ago.
	a := invoke(ctx, s.handler, []byte(scheduled))
	if a.err != nil {
		return audit.Connection{}, a.err
	}
	var report audit.Report
	if err := json.Unmarshal(a.data, &report); err != nil {
		return audit.Connection{}, err
	}
	for _, c := range report.Connections {
		if c.EntityID == entityID {
			return c, nil
		}
	}
	return audit.Connection{}, fmt.Errorf("the audit did not reach the connection of %s: %s", entityID, a.text())
}

// changesIn returns what an audit found changed, for people.
func changesIn(c audit.Connection) string {
	var texts []string
	for _, f := range c.Findings {
		for _, change := range f.Changes {
			texts = append(texts, fmt.Sprintf("%s was %v and is %v", change.Field, change.From, change.To))
		}
	}
	return strings.Join(texts, ", ")
}

// posts returns how many creates SendGrid has received.
func (s *checklist) posts() int { return s.sendGrid.Count(sendgrid.OpCreateIntegration) }

// integrationsOf returns SendGrid's integrations with an entity id.
func (s *checklist) integrationsOf(entityID string) []sendgrid.Integration {
	var found []sendgrid.Integration
	for _, i := range s.sendGrid.Integrations() {
		if i.EntityID == entityID {
			found = append(found, i)
		}
	}
	return found
}

// checkLogIn checks that an identity provider logs the person in.
func (s *checklist) checkLogIn(idp idp, i sendgrid.Integration, with string) {
	nameID, refusal, err := idp.logIn(s.client, i, person)
	if err = errors.Join(err, errorOf(refusal)); err != nil {
		s.check(false, "%s, signed with %s: %v", person, with, err)
		return
	}
	s.check(nameID == person, "SendGrid logs in %s, signed with %s", nameID, with)
}

// checkRefusal checks that SendGrid refuses what an identity provider signs.
func (s *checklist) checkRefusal(idp idp, i sendgrid.Integration, with string) {
	nameID, refusal, err := idp.logIn(s.client, i, person)
	if err != nil || refusal == "" {
		s.check(false, "%s, signed with %s: logged in as %q, error %v", person, with, nameID, err)
		return
	}
	first, _, _ := strings.Cut(refusal, "\n") // There is a reason for each certificate.
	reason := first[strings.LastIndex(first, ": ")+1:]
	s.check(nameID == "", "SendGrid refuses %s, signed with %s: %s", person, with, strings.TrimSpace(reason))
}

func errorOf(refusal string) error {
	if refusal == "" {
		return nil
	}
	return errors.New(refusal)
}
