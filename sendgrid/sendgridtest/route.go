package sendgridtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"sendgrid-sso-integration/sendgrid"
)

// route is a path with its methods. One segment of the path may be an id.
type route struct {
	path string
	ops  map[string]sendgrid.Op
}

// ssoPrefix begins the paths of the SSO API. The errors of the others have an object around them.
const ssoPrefix = "/v3/sso/"

var routes = []route{
	{"/v3/scopes", map[string]sendgrid.Op{http.MethodGet: sendgrid.OpListScopes}},
	{"/v3/sso/integrations", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpListIntegrations, http.MethodPost: sendgrid.OpCreateIntegration,
	}},
	{"/v3/sso/integrations/{id}", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpGetIntegration, http.MethodPatch: sendgrid.OpUpdateIntegration, http.MethodDelete: sendgrid.OpDeleteIntegration,
	}},
	{"/v3/sso/integrations/{id}/certificates", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpListCertificates,
	}},
	{"/v3/sso/certificates", map[string]sendgrid.Op{
		http.MethodPost: sendgrid.OpCreateCertificate,
	}},
	{"/v3/sso/certificates/{id}", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpGetCertificate, http.MethodPatch: sendgrid.OpUpdateCertificate, http.MethodDelete: sendgrid.OpDeleteCertificate,
	}},
	{"/v3/sso/teammates", map[string]sendgrid.Op{
		http.MethodPost: sendgrid.OpCreateTeammate,
	}},
	{"/v3/sso/teammates/{id}", map[string]sendgrid.Op{
		http.MethodPatch: sendgrid.OpUpdateTeammate,
	}},
	{"/v3/teammates", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpListTeammates,
	}},
	{"/v3/teammates/pending", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpListPending,
	}},
	{"/v3/teammates/{id}", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpGetTeammate, http.MethodDelete: sendgrid.OpDeleteTeammate,
	}},
	{"/v3/teammates/{id}/subuser_access", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpListSubuserAccess,
	}},
	{"/v3/subusers", map[string]sendgrid.Op{
		http.MethodGet: sendgrid.OpFindSubuser,
	}},
}

// operations are what the server does for each operation of the client.
var operations = map[sendgrid.Op]func(*Server, *call) response{
	sendgrid.OpListScopes:        (*Server).listScopes,
	sendgrid.OpCreateIntegration: (*Server).createIntegration,
	sendgrid.OpListIntegrations:  (*Server).listIntegrations,
	sendgrid.OpGetIntegration:    (*Server).getIntegration,
	sendgrid.OpUpdateIntegration: (*Server).updateIntegration,
	sendgrid.OpDeleteIntegration: (*Server).deleteIntegration,
	sendgrid.OpCreateCertificate: (*Server).createCertificate,
	sendgrid.OpListCertificates:  (*Server).listCertificates,
	sendgrid.OpGetCertificate:    (*Server).getCertificate,
	sendgrid.OpUpdateCertificate: (*Server).updateCertificate,
	sendgrid.OpDeleteCertificate: (*Server).deleteCertificate,
	sendgrid.OpCreateTeammate:    (*Server).createTeammate,
	sendgrid.OpUpdateTeammate:    (*Server).updateTeammate,
	sendgrid.OpListTeammates:     (*Server).listTeammates,
	sendgrid.OpListPending:       (*Server).listPending,
	sendgrid.OpGetTeammate:       (*Server).getTeammate,
	sendgrid.OpDeleteTeammate:    (*Server).deleteTeammate,
	sendgrid.OpListSubuserAccess: (*Server).listSubuserAccess,
	sendgrid.OpFindSubuser:       (*Server).findSubusers,
}

// match returns the id in an escaped path, and whether the path is the route's.
func (r route) match(path string) (id string, ok bool) {
	segments, given := strings.Split(r.path, "/"), strings.Split(path, "/")
	if len(segments) != len(given) {
		return "", false
	}
	for i, segment := range segments {
		if segment == "{id}" {
			var err error
			if id, err = url.PathUnescape(given[i]); err != nil || id == "" {
				return "", false
			}
		} else if segment != given[i] {
			return "", false
		}
	}
	return id, true
}

// allow names the methods of the route.
func (r route) allow() string {
	methods := []string{}
	for method := range r.ops {
		methods = append(methods, method)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// route finds the operation that a request is for.
func (c *call) route(method, path string) {
	for _, r := range routes {
		if id, ok := r.match(path); ok {
			c.allow, c.id, c.op = r.allow(), id, r.ops[method]
			c.wrapsErrors = !strings.HasPrefix(r.path, ssoPrefix)
			return
		}
	}
}
