package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// story prints what happens as a list of checks.
type story struct {
	out      io.Writer
	handler  *handler.Handler
	sendGrid *sendgridtest.Server
	client   *http.Client

	chapters, checks, failed int
}

// chapter begins a part of the story.
func (s *story) chapter(title string) {
	s.chapters++
	fmt.Fprintf(s.out, "\n%d. %s\n", s.chapters, title)
}

// check prints what happened, and whether it is what has to happen.
func (s *story) check(ok bool, format string, args ...any) {
	mark := "✓"
	s.checks++
	if !ok {
		s.failed++
		mark = "✗"
	}
	fmt.Fprintf(s.out, "   %s %s\n", mark, fmt.Sprintf(format, args...))
}

// err returns an error if a check failed.
func (s *story) err() error {
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

// reply is what the function answers to an event.
type reply struct {
	provision.Result
	// verdict is the code of a failure, else the outcome.
	verdict string
	took    time.Duration
	err     error
}

// send has the function answer an event.
func (s *story) send(ctx context.Context, event []byte) reply {
	began := time.Now()
	a := invoke(ctx, s.handler, event)
	r := reply{took: time.Since(began), verdict: a.code(), err: a.err}
	if a.err == nil {
		r.err = json.Unmarshal(a.data, &r.Result)
		r.verdict = string(r.Outcome)
	}
	return r
}

// posts returns how many creates SendGrid has received.
func (s *story) posts() int { return s.sendGrid.Count(sendgrid.OpCreateIntegration) }

// integrationsOf returns SendGrid's integrations with an entity id.
func (s *story) integrationsOf(entityID string) []sendgrid.Integration {
	var found []sendgrid.Integration
	for _, i := range s.sendGrid.Integrations() {
		if i.EntityID == entityID {
			found = append(found, i)
		}
	}
	return found
}

// logsIn checks that an identity provider logs the person in.
func (s *story) logsIn(idp idp, i sendgrid.Integration, with string) {
	nameID, refusal, err := idp.logIn(s.client, i, person)
	if err = errors.Join(err, errorOf(refusal)); err != nil {
		s.check(false, "%s, signed with %s: %v", person, with, err)
		return
	}
	s.check(nameID == person, "SendGrid logs in %s, signed with %s", nameID, with)
}

// isRefused checks that SendGrid refuses what an identity provider signs.
func (s *story) isRefused(idp idp, i sendgrid.Integration, with string) {
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
