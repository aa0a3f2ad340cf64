package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Request is the request that the SendGrid SSO integration function gets: of a connection, of its
// end, or of a teammate.
type Request struct {
	Name string `json:"name,omitempty"`
	// Enabled is nil for what is no connection that should exist.
	Enabled         *bool             `json:"enabled,omitempty"`
	SAMLMetadata    string            `json:"saml_metadata,omitempty"`
	SAMLMetadataURL string            `json:"saml_metadata_url,omitempty"`
	IfExists        string            `json:"if_exists,omitempty"`
	State           string            `json:"state,omitempty"`
	Match           map[string]string `json:"match,omitempty"`
	Teammate        *Teammate         `json:"teammate,omitempty"`
	Metadata        map[string]string `json:"metadata"`
}

// Teammate is a person who is to log in. Its request never has IfExists: it creates the teammate,
// and changes none that exists.
type Teammate struct {
	Email     string `json:"email"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Persona   string `json:"persona"`
}

// IfExistsUpdate applies a request that differs from the one before.
const IfExistsUpdate = "update"

// StateAbsent ends the connection that Match names.
const StateAbsent = "absent"

// maxDetailBytes leaves room in an event's 256 KiB for its other fields.
const maxDetailBytes = 250 << 10

// encode encodes a request as the detail of an event. XML has many of the characters that
// encoding/json escapes for HTML, with six bytes each.
func (r *Request) encode() ([]byte, error) {
	var detail bytes.Buffer
	encoder := json.NewEncoder(&detail)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	if detail.Len() > maxDetailBytes {
		return nil, &Error{
			Code:    MetadataTooLarge,
			Message: "The SAML metadata of the application does not fit into an event. Remove signing certificates that are not used any more.",
		}
	}
	return bytes.TrimSuffix(detail.Bytes(), []byte("\n")), nil
}
