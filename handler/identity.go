package handler

import (
	"encoding/json"
	"slices"

	"sendgrid-sso-integration/internal/problem"
)

// identifies tells whether a gateway's word on the caller says anything: null, an empty
// text and an object or array of nothing else are no identity.
func identifies(raw json.RawMessage) bool {
	var value any
	return raw != nil && json.Unmarshal(raw, &value) == nil && says(value)
}

func says(value any) bool {
	switch v := value.(type) {
	case string:
		return v != ""
	case bool:
		return v
	case float64:
		return true
	case []any:
		return slices.ContainsFunc(v, says)
	case map[string]any:
		for _, member := range v {
			if says(member) {
				return true
			}
		}
	}
	return false
}

func malformed(err error) error {
	return &problem.Error{
		Code: problem.InvalidJSON, Err: err,
		Message: "The event looks like one of AWS, but has fields of other types; send it as AWS does.",
	}
}
