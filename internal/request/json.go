package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"sendgrid-sso-integration/internal/cut"
)

// maxNameShown bounds how much of a name from the request is repeated in a message.
const maxNameShown = 64

// member is a name and its value in a JSON object. A map would hide names given twice.
type member struct {
	name  string
	value json.RawMessage
}

// parseObject returns the members of a JSON object, and of one that is malformed those before
// the fault.
func parseObject(data []byte) (members []member, ok bool) {
	dec := json.NewDecoder(bytes.NewReader(data))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, false
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return members, false
		}
		m := member{name: name.(string)} // The decoder yields nothing else as a name.
		if dec.Decode(&m.value) != nil {
			return members, false
		}
		members = append(members, m)
	}
	if _, err := dec.Token(); err != nil {
		return members, false
	}
	_, err := dec.Token()
	return members, errors.Is(err, io.EOF)
}

// readString reads a JSON string into text, and returns what is wrong with the type.
func readString(value json.RawMessage, text *string) string {
	if json.Unmarshal(value, text) != nil {
		return "must be a string, not " + kind(value)
	}
	return ""
}

// readNonEmpty reads a JSON string that has to have something in it.
func readNonEmpty(value json.RawMessage, text *string) string {
	wrong := readString(value, text)
	if wrong == "" && *text == "" {
		return "must not be empty"
	}
	return wrong
}

// readBool reads a JSON boolean.
func readBool(value json.RawMessage, flag *bool) string {
	if json.Unmarshal(value, flag) != nil {
		return "must be true or false, not " + kind(value)
	}
	return ""
}

// readStringMap reads a JSON object of strings, in which no name may be there twice.
func readStringMap(value json.RawMessage, into *map[string]string) string {
	members, ok := parseObject(value)
	if !ok {
		return "must be an object of strings, not " + kind(value)
	}
	*into = make(map[string]string, len(members))
	for _, m := range members {
		var text string
		if string(m.value) == "null" || json.Unmarshal(m.value, &text) != nil {
			return fmt.Sprintf("must be an object of strings; the value of %q is %s", cut.Runes(m.name, maxNameShown), kind(m.value))
		}
		if _, twice := (*into)[m.name]; twice {
			return fmt.Sprintf("must have each key only once; %q is there twice", cut.Runes(m.name, maxNameShown))
		}
		(*into)[m.name] = text
	}
	return ""
}

// kind names the JSON type of a value, for a message.
func kind(value []byte) string {
	switch {
	case len(value) == 0:
		return "nothing"
	case value[0] == '"':
		return "a string"
	case value[0] == '{':
		return "an object"
	case value[0] == '[':
		return "an array"
	case value[0] == 't', value[0] == 'f':
		return "a boolean"
	case value[0] == 'n':
		return "null"
	default:
		return "a number"
	}
}

func readIfExists(value json.RawMessage, r *Request, _ time.Time) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	switch text {
	case "conflict":
		r.IfExists = ReportConflict
	case string(UpdateExisting), string(Restore):
		r.IfExists = IfExists(text)
	default:
		return `must be "conflict", "update" or "restore"`
	}
	return ""
}
