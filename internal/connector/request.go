package connector

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Request is the request that the SendGrid SSO integration function gets: of a connection, or of
// its end.
type Request struct {
	Name string `json:"name,omitempty"`
	// Enabled is nil for the end of a connection.
	Enabled         *bool             `json:"enabled,omitempty"`
	SAMLMetadata    string            `json:"saml_metadata,omitempty"`
	SAMLMetadataURL string            `json:"saml_metadata_url,omitempty"`
	IfExists        string            `json:"if_exists,omitempty"`
	State           string            `json:"state,omitempty"`
	Match           map[string]string `json:"match,omitempty"`
	Metadata        map[string]string `json:"metadata"`
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
