package sendgrid

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
)

const (
	// maxResponseBytes bounds what is read of a successful response. An integration takes
	// less than 10 KiB, so this leaves room for several hundred of them.
	maxResponseBytes = 4 << 20
	// maxPEMBytes bounds a certificate; one takes less than 4 KiB.
	maxPEMBytes = 16 << 10
	// maxTextBytes, maxURLBytes, maxIDBytes and maxNumberBytes bound the fields of a response.
	// They are no less than what this service sends, and an integration whose fields are all
	// as long as possible takes less than 120 KiB of JSON, however much of it is escaped: it
	// fits into an event on EventBridge (256 KB) together with the request.
	maxTextBytes   = 4096
	maxURLBytes    = 2048
	maxIDBytes     = 256
	maxNumberBytes = 32
	// maxSeconds is the year 9999, beyond which no certificate can be valid.
	maxSeconds = 253402300799
)

// readResponse reads the body of a successful response into out. Where out is nil, the status is
// all that counts.
func readResponse(r io.Reader, out any) error {
	body, err := io.ReadAll(io.LimitReader(r, maxResponseBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the response: %w", err)
	case len(body) > maxResponseBytes:
		return fmt.Errorf("the response is larger than %d bytes", maxResponseBytes)
	}
	if out == nil {
		return nil
	}
	decode := func() error { return json.Unmarshal(body, out) }
	if own, ok := out.(json.Unmarshaler); ok { // json.Unmarshal would check the syntax twice.
		decode = func() error { return own.UnmarshalJSON(body) }
	}
	if err := decode(); err != nil {
		return fmt.Errorf("the response is not the documented JSON: %w", err)
	}
	return nil
}

// object is a JSON object of a response. Its fields are read one by one: a field that is
// missing, null, of another type or longer than its bound reads as empty, so that one
// strange value makes neither the object nor the list around it unreadable. A text that is
// too long is not cut, because half a URL is a wrong URL.
type object map[string]json.RawMessage

func parseObject(data []byte) (object, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errors.New("null is not an object")
	}
	return o, nil
}

// parseList reads a JSON array of objects into list. Rows may lack anything, but a list in
// which no row is identified is a list of something else.
func parseList[T any](data []byte, list *[]T, identified func(T) bool, otherwise error) error {
	if err := json.Unmarshal(data, list); err != nil {
		return err
	}
	if len(*list) > 0 && !slices.ContainsFunc(*list, identified) {
		return otherwise
	}
	return nil
}

func (o object) text(name string, limit int) string {
	text := parseText(o[name])
	if len(text) > limit {
		return ""
	}
	return text
}

// id reads an id, which SendGrid writes as a text or as a number.
func (o object) id(name string) string {
	if number := o.number(name); number != "" {
		return number.String()
	}
	return o.text(name, maxIDBytes)
}

func (o object) number(name string) json.Number {
	raw := o[name]
	var number json.Number
	// A json.Number reads quoted digits, too.
	if len(raw) == 0 || len(raw) > maxNumberBytes || raw[0] == '"' || json.Unmarshal(raw, &number) != nil {
		return ""
	}
	return number
}

// seconds reads a number of seconds, 0 where there is none.
func (o object) seconds(name string) int64 {
	number, err := o.number(name).Float64()
	if err != nil || math.Abs(number) > maxSeconds {
		return 0
	}
	return int64(number)
}

func (o object) flag(name string) *bool {
	var flag *bool
	if json.Unmarshal(o[name], &flag) != nil {
		return nil
	}
	return flag
}

// is reports whether a field is literally true.
func (o object) is(name string) bool {
	flag := o.flag(name)
	return flag != nil && *flag
}

// list returns the elements of an array, nil where there is none.
func (o object) list(name string) []json.RawMessage {
	var rows []json.RawMessage
	if json.Unmarshal(o[name], &rows) != nil {
		return nil
	}
	return rows
}

// texts reads an array of texts, without those that are empty, too long or no texts.
func (o object) texts(name string, limit int) []string {
	var texts []string
	for _, raw := range o.list(name) {
		if text := parseText(raw); text != "" && len(text) <= limit {
			texts = append(texts, text)
		}
	}
	return texts
}
