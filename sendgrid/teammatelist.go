package sendgrid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

const (
	// teammatesPage is the largest page that SendGrid documents.
	teammatesPage = 500
	// teammatesOverlap is how many rows of a page the next one has again: where somebody is deleted meanwhile, all
	// who come later move up, and nobody must be left out.
	teammatesOverlap = 50
	// maxTeammates bounds a list; SendGrid's plans have up to 1,000.
	maxTeammates = 10_000
)

var (
	errNoTeammates = errors.New("the response has no list of teammates")
	// errRepeats: without an end, the list is not known to be complete.
	errRepeats  = errors.New("the list does not end: a page repeats another")
	errTooLarge = errors.New("the list has more entries than anybody needs")
)

// key is equal for two rows about the same teammate.
func (t Teammate) key() string { return strings.ToLower(t.Username + " " + t.Email) }

// ListTeammates returns all teammates of the account, each once: SSO and password teammates, and
// the owner. It has none whose invitation is pending. It reads page by page; a page that cannot
// be read makes all of it fail.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/retrieve-all-teammates
func (c *Client) ListTeammates(ctx context.Context) ([]Teammate, error) {
	all, known := []Teammate{}, map[string]bool{}
	for offset := 0; offset < maxTeammates; {
		var page teammatePage
		if err := c.do(ctx, OpListTeammates, fmt.Sprintf("%s?limit=%d&offset=%d", teammatesPath, teammatesPage, offset), nil, &page); err != nil {
			return nil, err
		}
		before := len(all)
		for _, t := range page {
			if key := t.key(); !known[key] || !t.identified() {
				known[key] = true
				all = append(all, t)
			}
		}
		if len(page) < teammatesPage {
			return all, nil
		}
		if len(all) == before {
			return nil, unfinished(OpListTeammates, errRepeats)
		}
		offset += len(page) - teammatesOverlap
	}
	return nil, unfinished(OpListTeammates, errTooLarge)
}

// PendingTeammate is somebody who is invited to be a teammate with a password, and has not accepted yet.
// The token of the invitation is left out: whoever has it may accept.
type PendingTeammate struct {
	Email   string
	IsAdmin bool
}

// UnmarshalJSON reads an invitation as object describes it.
func (p *PendingTeammate) UnmarshalJSON(data []byte) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	*p = PendingTeammate{Email: o.text("email", maxIDBytes), IsAdmin: o.is("is_admin")}
	return nil
}

// identified reports whether SendGrid sent who is invited.
func (p PendingTeammate) identified() bool { return p.Email != "" }

// ListPendingTeammates returns all invitations that are pending, which SendGrid lists without pages.
//
// https://www.twilio.com/docs/sendgrid/api-reference/teammates/retrieve-all-pending-teammates
func (c *Client) ListPendingTeammates(ctx context.Context) ([]PendingTeammate, error) {
	var all pendingList
	if err := c.do(ctx, OpListPending, teammatesPath+"/pending", nil, &all); err != nil {
		return nil, err
	}
	return all, nil
}

// unfinished is the error of a list that was read, but is not known to be complete. Like a
// response that cannot be read, it is of the class Unavailable.
func unfinished(op Op, err error) *Error {
	return &Error{Op: op, StatusCode: http.StatusOK, Sent: true, Err: err}
}

// teammatePage is the response to a list. The document's schema calls the rows "result", as SendGrid
// does, and its example calls them "results".
type teammatePage []Teammate

func (p *teammatePage) UnmarshalJSON(data []byte) error {
	return parseResult(data, (*[]Teammate)(p), Teammate.identified)
}

// pendingList is the response to a list of invitations.
type pendingList []PendingTeammate

func (p *pendingList) UnmarshalJSON(data []byte) error {
	return parseResult(data, (*[]PendingTeammate)(p), PendingTeammate.identified)
}

// parseResult reads the rows of a list that has an object around it.
func parseResult[T any](data []byte, list *[]T, identified func(T) bool) error {
	o, err := parseObject(data)
	if err != nil {
		return err
	}
	rows, listed := o["result"]
	if !listed {
		rows, listed = o["results"]
	}
	if !listed {
		return errNoTeammates
	}
	return parseList(rows, list, identified, errNoTeammate)
}
