package handler_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"sync"
	"testing"

	"sendgrid-sso-integration/internal/problem"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/auth"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// triggers name every kind of event, with one that carries goodRequest.
var triggers = map[string][]byte{
	"http-api":    gateways["HTTP API"](request{body: goodRequest}),
	"rest-api":    gateways["REST API"](request{body: goodRequest}),
	"eventbridge": functions["EventBridge"](goodRequest),
	"direct":      functions["direct"](goodRequest),
}

// correlated lists by which ids of its own a kind of event is known in the log.
var correlated = map[string][]string{"http-api": {"gateway_request_id"}, "eventbridge": {"event_id"}}

func TestOneLineForEachInvocation(t *testing.T) {
	t.Parallel()
	calls := func(ctx context.Context, r provision.Request) (*provision.Result, error) {
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpListIntegrations})
		telemetry.CountCall(ctx, sendgrid.Call{Op: sendgrid.OpCreateIntegration})
		result, err := created(ctx, r)
		result.Adopted = r.Enabled
		return result, err
	}
	for trigger, payload := range triggers {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			d := newDoor(calls)
			_, err := d.invoke(t, payload)
			require.NoError(t, err)
			line := d.log.line(t)
			require.ElementsMatch(t, append(correlated[trigger],
				"time", "level", "msg", "trigger", "entity_id", "integration_id", "outcome", "adopted", "duration_ms", "upstream_calls", "cold_start",
			), slices.Collect(maps.Keys(line)))
			require.Equal(t, "INFO", line["level"])
			require.Equal(t, "request answered", line["msg"])
			require.Equal(t, trigger, line["trigger"])
			require.Equal(t, "urn:idp:1", line["entity_id"])
			require.Equal(t, "id/1", line["integration_id"])
			require.Equal(t, "created", line["outcome"])
			require.Equal(t, true, line["adopted"])
			require.EqualValues(t, 2, line["upstream_calls"])
			require.GreaterOrEqual(t, line["duration_ms"], 0.0)
			require.Equal(t, true, line["cold_start"])

			d.Provisioner = fails(failure(problem.Conflict))
			_, _ = d.invoke(t, payload) // What it answers is another test's concern.
			lines := d.log.lines(t)
			require.Len(t, lines, 2)
			require.ElementsMatch(t, append(correlated[trigger],
				"time", "level", "msg", "trigger", "entity_id", "outcome", "code", "error", "duration_ms", "upstream_calls", "cold_start",
			), slices.Collect(maps.Keys(lines[1])))
			require.Equal(t, false, lines[1]["cold_start"])
			require.EqualValues(t, 0, lines[1]["upstream_calls"])
			require.Equal(t, "urn:idp:1", lines[1]["entity_id"])
		})
	}
}

// An entity id that was not found good is not logged.
func TestLineOfARefusalHasNoEntityID(t *testing.T) {
	t.Parallel()
	d := newDoor(nil)
	_, err := d.invoke(t, []byte(`{"name":"x","entity_id":"urn:idp:1"}`))
	require.Error(t, err)
	require.Empty(t, d.log.line(t)["entity_id"])
}

func TestColdStartIsTrueOnce(t *testing.T) {
	t.Parallel()
	const events = 20
	d := newDoor(created)
	var running sync.WaitGroup
	for range events {
		running.Go(func() { _, _ = d.Invoke(t.Context(), []byte(goodRequest)) })
	}
	running.Wait()
	lines := d.log.lines(t)
	require.Len(t, lines, events)
	cold := slices.DeleteFunc(lines, func(line map[string]any) bool { return line["cold_start"] == false })
	require.Len(t, cold, 1)
}

// What a panic was about is for the log, with the stack; the caller learns where to look.
func TestPanic(t *testing.T) {
	t.Parallel()
	boom := func(context.Context, provision.Request) (*provision.Result, error) { panic(errors.New("boom-5417")) }
	for trigger, payload := range triggers {
		t.Run(trigger, func(t *testing.T) {
			t.Parallel()
			d := newDoor(boom)
			data, err := d.invoke(t, payload)
			if trigger == "http-api" || trigger == "rest-api" {
				require.NoError(t, err)
				a := readAnswer(t, data)
				require.Equal(t, http.StatusInternalServerError, a.StatusCode)
				require.Equal(t, "Internal", a.problem(t).Code)
				require.NotContains(t, a.Body, "boom-5417")
				require.NotContains(t, a.Body, "goroutine")
			} else {
				failure := functionError(t, data, err)
				require.Equal(t, "Internal", failure.Type)
				require.NotContains(t, failure.Message, "boom-5417")
				require.NotContains(t, failure.Message, "goroutine")
			}
			line := d.log.line(t)
			require.Equal(t, "ERROR", line["level"])
			require.Contains(t, line["error"], "boom-5417")
			require.Contains(t, line["error"], "log_test.go", "the stack shows where")

			// The next event is not affected.
			d.Provisioner = ensure(created)
			_, err = d.invoke(t, payload)
			require.NoError(t, err)
		})
	}
}

func TestPanicInTheVerifier(t *testing.T) {
	t.Parallel()
	for gateway, event := range gateways {
		t.Run(gateway, func(t *testing.T) {
			t.Parallel()
			d := newDoor(nil)
			d.Verifier = verify(nil)
			a := d.call(t, event(request{body: goodRequest, unknown: true}))
			require.Equal(t, "Internal", a.problem(t).Code)
			require.Contains(t, d.log.line(t)["error"], "panic")
		})
	}
}

// TestLineHasNothingOfTheRequest marks every part of a request but the entity id and what
// is there to be found in the log, the metadata.
func TestLineHasNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	const marker = "Marker5417"
	marked := map[string]string{
		"success":         `{"name":"Marker5417","enabled":true,"signin_url":"https://Marker5417.example.com/","signout_url":"https://Marker5417.example.com/","entity_id":"urn:1","metadata":{"ticket":"OPS-1"}}`,
		"broken rules":    `{"name":"Marker5417\u0000","enabled":"Marker5417","signin_url":"http://Marker5417","signout_url":"https://u:Marker5417@x","entity_id":" Marker5417","metadata":{"x":{"y":"Marker5417"}}}`,
		"more of them":    `{"name":["Marker5417"],"enabled":{"a":"Marker5417"},"signin_url":"https://[Marker5417","signout_url":"%Marker5417","entity_id":5417,"metadata":"Marker5417"}`,
		"unknown field":   `{"name":"x","color":"Marker5417"}`,
		"no JSON":         `Marker5417`,
		"cut off":         `{"name":"Marker5417`,
		"bad escape":      `{"name":"\Marker5417"}`,
		"another after":   `{} Marker5417`,
		"text":            `"Marker5417"`,
		"no UTF-8":        "Marker5417\xff",
		"field name null": `{"name":nullMarker5417}`,
	}
	refusing := func(context.Context, http.Header, []byte) error { return &auth.CredentialsError{Reason: "it is wrong"} }
	for gateway, event := range gateways {
		for name, body := range marked {
			t.Run(gateway+"/"+name, func(t *testing.T) {
				t.Parallel()
				header := http.Header{
					"content-type": {"application/json"}, "authorization": {"Bearer " + marker}, "x-" + marker: {marker}, "cookie": {marker},
				}
				d := newDoor(created)
				d.Verifier = verify(refusing)
				d.call(t, event(request{body: body, header: header, base64: true}))
				d.call(t, event(request{body: body, header: header, unknown: true, base64: true}))
				d.call(t, event(request{body: body, header: header, method: marker, base64: true}))
				header["content-type"] = []string{marker}
				d.call(t, event(request{body: body, header: header, base64: true}))
				require.Len(t, d.log.lines(t), 4)
				require.NotContains(t, d.log.String(), marker)
			})
		}
	}
	for name, body := range marked {
		t.Run("direct/"+name, func(t *testing.T) {
			t.Parallel()
			d := newDoor(created)
			_, err := d.invoke(t, []byte(body))
			require.NotContains(t, d.log.String(), marker)
			if err != nil {
				require.NotContains(t, err.Error(), marker)
			}
		})
	}
}
