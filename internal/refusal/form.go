package refusal

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/crewjam/saml"
)

// form is the part of a response that is shown to people.
type form struct {
	XMLName      xml.Name
	Destination  string           `xml:"Destination,attr"`
	IssueInstant saml.RelaxedTime `xml:"IssueInstant,attr"`
	Issuer       *string          `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	Status       status           `xml:"urn:oasis:names:tc:SAML:2.0:protocol Status"`
	Signatures   []signature      `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	Assertions   []assertion      `xml:"urn:oasis:names:tc:SAML:2.0:assertion Assertion"`
	Encrypted    []struct{}       `xml:"urn:oasis:names:tc:SAML:2.0:assertion EncryptedAssertion"`
}

type status struct {
	Code struct {
		Value string `xml:"Value,attr"`
		Inner struct {
			Value string `xml:"Value,attr"`
		} `xml:"StatusCode"`
	} `xml:"StatusCode"`
	Message string `xml:"StatusMessage"`
}

type signature struct {
	Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
}

type assertion struct {
	IssueInstant  saml.RelaxedTime `xml:"IssueInstant,attr"`
	Issuer        string           `xml:"urn:oasis:names:tc:SAML:2.0:assertion Issuer"`
	Signatures    []signature      `xml:"http://www.w3.org/2000/09/xmldsig# Signature"`
	NameID        *string          `xml:"Subject>NameID"`
	Confirmations []confirmation   `xml:"Subject>SubjectConfirmation"`
	Conditions    *conditions      `xml:"Conditions"`
}

type confirmation struct {
	Data *struct {
		Recipient    string           `xml:"Recipient,attr"`
		NotOnOrAfter saml.RelaxedTime `xml:"NotOnOrAfter,attr"`
	} `xml:"SubjectConfirmationData"`
}

type conditions struct {
	NotBefore    saml.RelaxedTime `xml:"NotBefore,attr"`
	NotOnOrAfter saml.RelaxedTime `xml:"NotOnOrAfter,attr"`
	Restrictions []struct {
		Audiences []string `xml:"Audience"`
	} `xml:"AudienceRestriction"`
}

// assertion returns the assertion that the checks are about, or nil.
func (f *form) assertion() *assertion {
	if len(f.Assertions) == 0 {
		return nil
	}
	return &f.Assertions[0]
}

func (f *form) succeeded() bool { return f.Status.Code.Value == saml.StatusSuccess }

// read reads what was pasted. If it is no response, there is nothing more to say about it.
func (q *inquiry) read() {
	const again = `Copy the value of the form field SAMLResponse again, into a file: a terminal cuts lines off.`
	document, err := Read(q.Pasted)
	if err == nil {
		err = q.parse(document)
	}
	switch {
	case err != nil:
		q.form = form{}
		q.find(NotReadable, "The text is no SAML response: "+err.Error()+".", again)
	case q.form.XMLName.Local != "Response":
		name := q.form.XMLName.Local
		q.form = form{}
		do := again
		if strings.HasSuffix(name, "Request") {
			do = "Copy SAMLResponse, which the browser posts to SendGrid, and not SAMLRequest, which SendGrid sends before."
		}
		q.find(NotAResponse, "The XML is no SAML response: its root element is "+quote(name)+".", do)
	default:
		q.xml = document
	}
}

func (q *inquiry) parse(document []byte) error {
	if err := xml.Unmarshal(document, &q.form); err != nil {
		return fmt.Errorf("its XML cannot be read, %s", quote(err.Error()))
	}
	if err := q.document.ReadFromBytes(document); err != nil {
		return fmt.Errorf("its XML cannot be read, %s", quote(err.Error()))
	}
	return nil
}
