// Package refusal says why SendGrid refuses a SAML response, and what to do about it. It is for a person
// at a laptop: no Lambda function has it.
package refusal

import (
	"cmp"
	"slices"
	"time"

	"github.com/beevik/etree"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// Question is a response, and what it is judged by.
type Question struct {
	// Pasted is the response, in any form that Read accepts.
	Pasted []byte
	// Integration and Certificates are the connection that the person logs in by.
	Integration  sendgrid.Integration
	Certificates []sendgrid.Certificate
	// Account are all integrations of the account, and Owner finds the one that has a certificate. Both
	// are nil where only the one connection is known. Owner returns nil if there is none; the error
	// means that not all could be read.
	Account []sendgrid.Integration
	Owner   func(sha256 string) (*sendgrid.Integration, error)
	// At is the time at which the response was used. If it is zero, the response is judged at the time
	// when it was issued, and the certificates now as well.
	At time.Time
	// Now is the time of the laptop.
	Now time.Time
}

// Verdict is the explanation of a response.
type Verdict struct {
	// At is the time at which the response is judged.
	At time.Time
	// Reasons are why it is refused. There are none if it is right.
	Reasons []Reason
	// NameID is the person whom it logs in, and Notes what a person should look at. Both are empty if
	// it is refused.
	NameID string
	Notes  []string
}

// inquiry collects the reasons.
type inquiry struct {
	Question
	xml      []byte
	form     form
	document *etree.Document
	// at and latest are the first and the last time at which a certificate has to be valid.
	at, latest time.Time
	stored     []stored
	reasons    []Reason
}

func (q *inquiry) find(code Code, wrong, do string) {
	q.reasons = append(q.reasons, Reason{Code: code, Wrong: wrong, Do: do})
}

// Explain judges a response. All reasons that apply are reported, and where there is none, the judge of
// the simulator has accepted the response.
func Explain(asked Question) Verdict {
	q := &inquiry{Question: asked, document: etree.NewDocument()}
	q.read()
	q.setTimes()
	q.disabled()
	if q.xml != nil {
		for _, check := range []func(){q.status, q.content, q.issuer, q.recipient, q.audience} {
			check()
		}
	}
	q.certificates()
	if q.form.assertion() != nil {
		q.times()
		q.person()
	}
	slices.SortStableFunc(q.reasons, func(a, b Reason) int { return cmp.Compare(rank(a.Code), rank(b.Code)) })
	v := Verdict{At: q.at, Reasons: q.reasons}
	if len(v.Reasons) == 0 {
		v.NameID, v.Reasons = q.judge()
	}
	if len(v.Reasons) == 0 {
		v.Notes = q.notes()
	}
	return v
}

func rank(c Code) int { return slices.Index(Codes(), c) }

// judge asks the judge of the simulator.
func (q *inquiry) judge() (nameID string, refused []Reason) {
	nameID, err := sendgridtest.Judge(q.Integration, q.trusted(), q.xml, q.at)
	if err != nil {
		return "", []Reason{{
			Refused,
			"The simulator of SendGrid refuses the response: " + quote(err.Error()) + ".",
			"Check the template of the identity provider's application against its documentation; if SendGrid accepts such responses, report it to this project, without the response.",
		}}
	}
	return nameID, nil
}
