package saml

import (
	"fmt"
	"slices"
	"strings"
)

const (
	protocol = "urn:oasis:names:tc:SAML:2.0:protocol"
	// maxNamed bounds how many entity ids an error repeats.
	maxNamed = 5
)

// candidate is an entity with an IDPSSODescriptor of SAML 2.0.
type candidate struct {
	entityID     string
	entity, role *element
	// others are more IDPSSODescriptors of the same entity.
	others []*element
	// validity are the elements whose validUntil counts: the role, the entity and the groups
	// around it.
	validity []*element
}

// collect returns the SAML 2.0 IdPs of an entity, or of a group and the groups in it. The outer
// parameter has the groups around it.
func collect(e *element, outer []*element) []candidate {
	outer = append(slices.Clip(outer), e)
	var found []candidate
	for _, child := range e.children {
		if e.name == "EntitiesDescriptor" {
			found = append(found, collect(child, outer)...)
		}
	}
	roles := slices.DeleteFunc(e.find("IDPSSODescriptor"), func(role *element) bool {
		return !slices.Contains(strings.Fields(role.attr("protocolSupportEnumeration")), protocol)
	})
	if len(roles) > 0 {
		found = append(found, candidate{e.attr("entityID"), e, roles[0], roles[1:], append(slices.Clip(outer), roles[0])})
	}
	return found
}

// choose returns the IdP that entityID names, or the only one if entityID is empty.
func choose(found []candidate, entityID string) (candidate, error) {
	if len(found) == 0 {
		return candidate{}, &Error{Message: "describes no SAML 2.0 identity provider (IDPSSODescriptor); " +
			"send the metadata of the identity provider, not that of SendGrid or another service provider"}
	}
	chosen := slices.DeleteFunc(slices.Clone(found), func(c candidate) bool { return entityID != "" && c.entityID != entityID })
	if only := found[0].entityID; len(found) == 1 && (only == "" || isTemplate(only)) {
		chosen = found // There is no name to compare.
	}
	another := func(c candidate) bool { return c.entityID != chosen[0].entityID }
	switch {
	case len(chosen) == 0:
		return candidate{}, &Error{Another: true, Message: "does not describe the identity provider that entity_id names, but " + names(found)}
	case len(chosen) > 1 && !slices.ContainsFunc(chosen, another):
		return candidate{}, &Error{Message: fmt.Sprintf("describes the identity provider %s more than once, %s and %s; leave only one of them, %s",
			names(chosen[:1]), chosen[0].entity.at, chosen[1].entity.at, orValues)}
	case len(chosen) > 1:
		return candidate{}, &Error{Message: "describes more than one identity provider; name one of them in entity_id: " + names(found)}
	}
	c := chosen[0]
	switch {
	case isTemplate(c.entityID):
		return candidate{}, &Error{Message: fmt.Sprintf("has an entityID that is a template for all tenants (%s); send the metadata of your own tenant", names(chosen))}
	case len(c.others) > 0:
		return candidate{}, &Error{Message: fmt.Sprintf("has more than one IDPSSODescriptor, %s and %s, in the entity %s, and nothing says which one is in use; leave only that one, %s",
			c.role.at, c.others[0].at, names(chosen), orValues)}
	}
	return c, nil
}

// names lists the entity ids of candidates for an error.
func names(found []candidate) string {
	var quoted []string
	for _, c := range found[:min(len(found), maxNamed)] {
		quoted = append(quoted, fmt.Sprintf("%q", clip(c.entityID, maxQuoted)))
	}
	list := strings.Join(quoted, ", ")
	if more := len(found) - maxNamed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// checkEntityID returns an error if the entity id of an IdP is not valid.
func (c candidate) checkEntityID() error {
	problem, advice := EntityIDProblem(c.entityID), "change it at the identity provider, "+orValues
	switch {
	case problem == "":
		return nil
	case c.entityID == "":
		problem, advice = "is missing or empty", "send entity_id in addition"
	}
	return &Error{Message: fmt.Sprintf("has an %s %s whose entityID %s; %s", c.entity.name, c.entity.at, problem, advice)}
}

// isTemplate reports whether an entity id has a placeholder, such as {tenantid} in the
// metadata that Entra publishes for every tenant. It contains the certificates of all tenants.
func isTemplate(id string) bool { return strings.Contains(id, "{") && strings.Contains(id, "}") }
