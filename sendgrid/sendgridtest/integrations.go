package sendgridtest

import (
	"net/http"
	"time"

	"sendgrid-sso-integration/sendgrid"
)

func (s *Server) createIntegration(c *call) response {
	in, problems := decodeIntegration(c.body)
	if len(problems) > 0 {
		return jsonResponse(http.StatusBadRequest, problems)
	}
	return jsonResponse(http.StatusOK, show(s.add(c.account, in), false))
}

func (s *Server) listIntegrations(c *call) response {
	shown := []any{}
	for _, each := range s.integrations {
		if i, exists := each.before(s.listLag); exists && each.account == c.account {
			shown = append(shown, show(i, c.si))
		}
	}
	return jsonResponse(http.StatusOK, shown)
}

func (s *Server) getIntegration(c *call) response {
	for _, each := range s.integrations {
		if i, exists := each.before(s.getLag); exists && each.account == c.account && i.ID == c.id {
			return jsonResponse(http.StatusOK, show(i, c.si))
		}
	}
	return refusal(http.StatusNotFound, "the integration does not exist")
}

// updateIntegration replaces the required fields, and sets completed_integration to what is
// sent: a false that a client sends without need takes back that it is set up.
func (s *Server) updateIntegration(c *call) response {
	found := s.find(c.id)
	if found == nil || found.account != c.account {
		return refusal(http.StatusNotFound, "the integration does not exist")
	}
	in, problems := decodeIntegration(c.body)
	if len(problems) > 0 {
		return jsonResponse(http.StatusBadRequest, problems)
	}
	i, _ := found.now()
	i.Name, i.Enabled, i.SigninURL, i.SignoutURL, i.EntityID = in.Name, in.Enabled, in.SigninURL, in.SignoutURL, in.EntityID
	if in.CompletedIntegration != nil {
		i.CompletedIntegration = in.CompletedIntegration
	}
	i.LastUpdated = timestamp(time.Now())
	found.set(i)
	return jsonResponse(http.StatusOK, show(i, c.si))
}

func (s *Server) deleteIntegration(c *call) response {
	found := s.find(c.id)
	if found == nil || found.account != c.account {
		return refusal(http.StatusNotFound, "the integration does not exist")
	}
	found.delete()
	return response{status: http.StatusNoContent}
}

// decodeIntegration reads the body of a create or an update request.
func decodeIntegration(body []byte) (sendgrid.IntegrationRequest, []problem) {
	var in sendgrid.IntegrationRequest
	d := newDecoder(body)
	d.require("name", &in.Name)
	d.require("enabled", &in.Enabled)
	d.require("signin_url", &in.SigninURL)
	d.require("signout_url", &in.SignoutURL)
	d.require("entity_id", &in.EntityID)
	var completed bool
	if d.accept("completed_integration", &completed) {
		in.CompletedIntegration = &completed
	}
	return in, d.problems
}
