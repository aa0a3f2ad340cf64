package handler_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/audit"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/status"
)

// goodReport is a report of the status.
func goodReport() reports {
	return reports{
		OK: true, Version: "1.2.3",
		Checks:      []status.Result{{Name: "api_key", OK: true, Message: "It is."}},
		Connections: []audit.Connection{{EntityID: "urn:idp:1", Name: "Okta", State: audit.Managed, Findings: []audit.Finding{}}},
		Findings:    []status.Finding{},
	}
}

// newStatusFixture returns a handler that must not provision anything.
func newStatusFixture() fixture {
	f := newFixture(nil)
	f.Reporter = goodReport()
	f.Verifier = verify(accept)
	return f
}

// Whoever the gateway or AWS authenticated gets the report.
func TestStatus(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(goodReport())
	require.NoError(t, err)
	for name, gateway := range gateways {
		for _, path := range []string{statusRoute, statusRoute + "/", "/stage" + statusRoute} {
			a := newStatusFixture().call(t, gateway(httpCall{method: http.MethodGet, path: path}))
			require.Equal(t, http.StatusOK, a.StatusCode, "%s: %s", name, path)
			require.JSONEq(t, string(text), a.Body)
		}
	}
	data, err := newStatusFixture().invoke(t, []byte(`{"status": {}}`))
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(data))
}

// A webhook secret does not read the status, on whatever path.
func TestStatusNeedsAnIdentity(t *testing.T) {
	t.Parallel()
	for name, gateway := range gateways {
		for _, path := range []string{statusRoute, "/webhooks" + statusRoute} {
			a := newStatusFixture().call(t, gateway(httpCall{method: http.MethodGet, path: path, unknown: true, header: with(webhookHeaders["bearer"])}))
			require.Equal(t, "Unauthenticated", a.problem(t).Code, "%s: %s", name, path)
			require.Contains(t, a.problem(t).Detail, "A webhook secret does not read the status")
		}
	}
}

// The document has the report, also one with everything in it, and an example.
func TestOpenAPIStatus(t *testing.T) {
	t.Parallel()
	c := newContract(t)
	get := httpCall{method: http.MethodGet, path: statusRoute}
	require.NoError(t, c.checkRequest(t, statusRoute, get))
	f := newStatusFixture()
	require.Equal(t, http.StatusOK, c.call(t, f, statusRoute, get).StatusCode)
	full, days := goodReport(), -3
	full.Audited, full.Omitted = time.Now(), 2
	full.Connections[0] = audit.Connection{
		EntityID: "urn:idp:1", IntegrationID: "id/1", State: audit.Ended, DaysLeft: &days, Audited: time.Now(),
		Findings: []audit.Finding{{Code: provision.Drifted, IntegrationID: "id/1", Message: "It drifted.", Changes: []problem.Change{{Field: "enabled", From: true, To: false}}}},
	}
	full.Connections = append(full.Connections, audit.Connection{EntityID: "urn:idp:2", Findings: []audit.Finding{}}) // The ledger could not be read.
	full.Findings = []status.Finding{{Code: audit.DuplicateEntityID, IntegrationIDs: []string{"id/1", "id/2"}, Message: "Two."}}
	f.Reporter = full
	c.call(t, f, statusRoute, get)

	get.unknown, get.header = true, with(webhookHeaders["bearer"])
	require.Equal(t, http.StatusUnauthorized, c.call(t, f, statusRoute, get).StatusCode)
	f.Reporter = nil // It panics.
	require.Equal(t, http.StatusInternalServerError, c.call(t, f, statusRoute, httpCall{method: http.MethodGet, path: statusRoute}).StatusCode)

	example := mustEncode(c.Paths.Value(statusRoute).Get.Responses.Status(http.StatusOK).Value.Content["application/json"].Example)
	var report status.Report
	strictly(t, example, &report)
	require.NoError(t, c.checkAnswer(t, statusRoute, httpCall{method: http.MethodGet}, answer{
		StatusCode: http.StatusOK, Headers: map[string]string{"Content-Type": "application/json"}, Body: string(example),
	}))
}

// What only resembles the question for the status is a request.
func TestNoStatus(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{"status": null}`, `{"status": []}`, `{"status": {}, "name": "Okta"}`, `{"Status": {}}`} {
		require.Equal(t, "InvalidRequest", newStatusFixture().code(t, []byte(payload)), payload)
	}
	for _, r := range []httpCall{{method: http.MethodGet, path: signedRoute}, {method: http.MethodPut, path: statusRoute}} {
		require.Equal(t, "MethodNotAllowed", newStatusFixture().call(t, gateways["HTTP API"](r)).problem(t).Code)
	}
	require.Equal(t, "InvalidJSON", newStatusFixture().call(t, gateways["HTTP API"](httpCall{path: statusRoute, body: strings.Repeat(" ", 3)})).problem(t).Code)
}
