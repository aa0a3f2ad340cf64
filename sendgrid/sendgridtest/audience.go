package sendgridtest

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
)

// checkAudiences refuses an assertion that is not for an audience. Of the audiences in one
// restriction any may be it (saml-core, 2.5.1.4); the library reads only the last.
func checkAudiences(response []byte, audience string) error {
	var form struct {
		Restrictions []struct {
			Audiences []string `xml:"Audience"`
		} `xml:"Assertion>Conditions>AudienceRestriction"`
	}
	if err := xml.Unmarshal(response, &form); err != nil { //nolint:gosec // encoding/xml expands no entities.
		return fmt.Errorf("the response cannot be read: %w", err)
	}
	for _, restriction := range form.Restrictions {
		isAudience := func(text string) bool { return strings.TrimSpace(text) == audience }
		if !slices.ContainsFunc(restriction.Audiences, isAudience) {
			return fmt.Errorf("the audience is %q", strings.Join(restriction.Audiences, " "))
		}
	}
	return nil
}
