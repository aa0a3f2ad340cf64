package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	main "sendgrid-sso-integration/cmd/idp-connector"
	"sendgrid-sso-integration/internal/connector"
	oktaadapter "sendgrid-sso-integration/internal/connector/okta"
	"sendgrid-sso-integration/internal/entra"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/telemetry/emf"
	"sendgrid-sso-integration/sendgrid"
)

// at returns the value under a path of names, or nil. CloudFormation's functions are their
// arguments: both "!Ref X" and "!GetAtt X" are "X".
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

func texts(v any) (all []string) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, item := range list {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// TestTemplate checks what no linter can know: that the template and the code agree.
func TestTemplate(t *testing.T) {
	t.Parallel()
	var template map[string]any
	require.NoError(t, yaml.Unmarshal(read(t, "../../idp-connector/template.yaml"), &template))
	resources, ok := template["Resources"].(map[string]any)
	require.True(t, ok)

	variables, ok := at(resources, "IdPConnectorFunction", "Properties", "Environment", "Variables").(map[string]any)
	require.True(t, ok)
	endpoints := []string{"AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_EVENTBRIDGE", "AWS_ENDPOINT_URL_STS"}
	require.ElementsMatch(t, append(endpoints, main.EnvironmentNames()...), slices.Collect(maps.Keys(variables)))

	require.Equal(t, int(invocation.ConnectorTimeout.Seconds()), at(resources, "IdPConnectorFunction", "Properties", "Timeout"))
	eventTypes, ok := at(resources, "ApplicationChangedRule", "Properties", "EventPattern", "detail", "eventType").([]any)
	require.True(t, ok)
	for i, eventType := range eventTypes {
		if branches, conditional := eventType.([]any); conditional {
			require.Equal(t, "HasTeammates", branches[0])
			eventTypes[i] = branches[1]
		}
	}
	require.ElementsMatch(t, oktaadapter.LogEventTypes(), texts(eventTypes))
	require.ElementsMatch(t, sendgrid.Personas(), texts(at(template, "Parameters", "TeammatePersona", "AllowedValues")))
	require.ElementsMatch(t, connector.ResultTypes(), texts(at(resources, "ResultRule", "Properties", "EventPattern", "detail-type")))

	// An event whose announcement Okta does not show yet is read more than once before it is
	// taken as it is, and the queue does not give it up before that.
	queue, ok := at(resources, "EventQueue", "Properties").(map[string]any)
	require.True(t, ok)
	pause, receives, lag := at(queue, "VisibilityTimeout").(int), at(queue, "RedrivePolicy", "maxReceiveCount").(int), int(connector.LagPeriod.Seconds())
	require.Less(t, pause, lag)
	require.Greater(t, pause*(receives-1), lag)
	require.Greater(t, at(queue, "MessageRetentionPeriod").(int), lag)

	// Lambda makes the calls to SQS and to the log with the role of the function.
	byLambda := strings.Fields("sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes logs:CreateLogStream logs:PutLogEvents")
	policies, ok := at(resources, "IdPConnectorFunctionRole", "Properties", "Policies").([]any)
	require.True(t, ok)
	statements, ok := at(policies[0], "PolicyDocument", "Statement").([]any)
	require.True(t, ok)
	var allowed []string
	for _, statement := range statements {
		if branches, conditional := statement.([]any); conditional {
			statement = branches[1]
		}
		allowed = append(allowed, texts(at(statement, "Action"))...)
		if at(statement, "Action") == "sts:GetWebIdentityToken" {
			require.Equal(t, entra.Audience, at(statement, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience"))
			continue // It has no resources.
		}
		require.NotContains(t, texts(at(statement, "Resource")), "*")
	}
	slices.Sort(allowed)
	require.ElementsMatch(t, append(byLambda, calledActions(t)...), slices.Compact(allowed))

	outputs, ok := template["Outputs"].(map[string]any)
	require.True(t, ok)
	requireAlarms(t, resources, outputs)
	require.Regexp(t, `\nParameters:\n  AlarmEmail:`, string(read(t, "../../idp-connector/template.yaml")), "the guided deployment asks for it first")
}

// requireAlarms checks that each alarm notifies somebody, reads metrics that are reported, and says which stack it is
// about and which command is the first.
func requireAlarms(t *testing.T, resources, outputs map[string]any) {
	t.Helper()
	alarms := 0
	for id, resource := range resources {
		if at(resource, "Type") != "AWS::CloudWatch::Alarm" {
			continue
		}
		alarms++
		require.Equal(t, []string{"AlarmTopic"}, texts(at(resource, "Properties", "AlarmActions")), "%s notifies somebody", id)
		text := fmt.Sprint(at(resource, "Properties", "AlarmDescription"))
		require.Contains(t, text, "${AWS::StackName}", id)
		commands := regexp.MustCompile(`\w+Command\b`).FindAllString(text, -1)
		require.NotEmpty(t, commands, id)
		for _, command := range commands {
			require.Contains(t, outputs, command, id)
		}
		if at(resource, "Properties", "Namespace") == emf.Namespace {
			metrics := append(connector.Codes(), connector.MetricApplicationsFailing)
			require.Contains(t, metrics, connector.Code(fmt.Sprint(at(resource, "Properties", "MetricName"))), id)
		}
	}
	require.Equal(t, 5, alarms)
}

// calledActions returns the actions of AWS that the connector calls when it gets every sample of an
// event.
func calledActions(t *testing.T) []string {
	t.Helper()
	w := newWorld(t).withEntra(t)
	w.okta.Put(application(t), metadata(t))
	aws := &lambdatest.AWS{Services: map[string]http.Handler{"secretsmanager": w.secrets, "events": w.bus, "sts": w.sts}}
	for name := range w.env {
		if strings.HasPrefix(name, "AWS_ENDPOINT_URL_") {
			delete(w.env, name)
		}
	}
	w.env["AWS_ENDPOINT_URL"] = lambdatest.Serve(t, aws)
	f := w.start(t)
	samples, err := filepath.Glob("../../events/okta/*.json")
	require.NoError(t, err)
	for _, file := range append(samples, "../../events/entra/result-event.json") {
		require.NotEmpty(t, f.Invoke(read(t, file), timeout).Body, file)
	}
	require.NotEmpty(t, w.bus.Taken())
	return aws.Actions()
}
