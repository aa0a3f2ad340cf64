package audit

import (
	"fmt"
	"slices"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
)

// judgeEnded reports why a connection that was ended is enabled again, or cannot be deleted.
func (c *Connection) judgeEnded(found provision.Audited) {
	if len(found.Integrations) == 0 {
		return
	}
	i := found.Integrations[0]
	c.Name, c.IntegrationID, c.Enabled = cut.Bytes(i.Name, maxName), i.ID, i.Enabled
	edits := slices.Clone(found.Drift)
	if i.Enabled && len(edits) == 0 { // It is not the one that was ended.
		edits = append(edits, problem.Change{Field: "enabled", From: false, To: true})
	}
	if i.EntityID != found.EntityID {
		edits = append(edits, problem.Change{Field: "entity_id", From: found.EntityID, To: i.EntityID})
	}
	switch {
	case i.Enabled:
		c.find(provision.Drifted, i.ID, "The connection was ended, and somebody enabled its integration in SendGrid since. It is not deleted. If people are meant to log in, send the request with if_exists: restore; "+
			"if not, send state: absent again.", edits...)
	case len(edits) > 0:
		c.find(provision.Drifted, i.ID, "The connection was ended, and somebody gave its integration another entity_id in SendGrid since. It is not deleted. If nobody uses it, delete it in SendGrid's SSO settings.", edits...)
	}
	if sharing := sharing(found); len(sharing) > 1 {
		c.find(DuplicateEntityID, "", fmt.Sprintf("%d integrations have this entity_id, so nothing is deleted: %s. The connection was ended; delete them in SendGrid's SSO settings.", len(sharing), ids(sharing)))
	}
}
