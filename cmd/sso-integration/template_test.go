package main_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

const templateFile = "../../template.yaml"

// template is template.yaml, with the short forms of CloudFormation's functions spelt out.
type template map[string]any

// templateChecks are what the template is held against. Each lists what is wrong with it.
var templateChecks = map[string]func(*testing.T, template) []string{
	"what is referred to exists":                         referenceProblems,
	"the parameters are grouped and labelled":            parameterProblems,
	"the environment is the one that the function reads": environmentProblems,
	"the role may do no more than needed":                roleProblems,
	"the times fit each other":                           timeProblems,
	"the function's own events do not come back":         loopProblems,
	"the routes are the documented ones":                 routeProblems,
	"what is built and run locally is what is declared":  localProblems,
	"the metrics are published":                          metricProblems,
	"the dashboard is complete":                          dashboardProblems,
	"the alarms are complete":                            alarmProblems,
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	source := string(read(t, templateFile))
	for name, check := range templateChecks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, check(t, parseTemplate(t, source)))
		})
	}
}

// TestTemplateMistakesAreFound makes mistakes in the template, one at a time.
func TestTemplateMistakesAreFound(t *testing.T) {
	t.Parallel()
	source := string(read(t, templateFile))
	for _, mistake := range []struct{ old, new, problem string }{
		{"!GetAtt LedgerTable.Arn", "!GetAtt LedgerTabel.Arn", "LedgerTabel"},
		{"LEDGER_TABLE: !Ref LedgerTable", "LEDGER_TABLE: !Ref Ledger", "Ledger does not exist"},
		{"${SSOIntegrationFunctionLogGroup}' --region", "${FunctionLogGroup}' --region", "FunctionLogGroup does not exist"},
		{"Condition: PublishesResults", "Condition: PublishesResult", "PublishesResult does not exist"},
		{"!If [ReservesConcurrency,", "!If [ReserveConcurrency,", "ReserveConcurrency does not exist"},
		{"Parameters: [ResultEventBusName]", "Parameters: []", "ResultEventBusName is in no group"},
		{"      LogLevel:\n        default: Log level\n", "", "LogLevel has no label"},
		{"AllowedValues: [DEBUG, INFO]", "AllowedValues: [DEBUG, INFO, WARN]", "WARN"},
		{"LEDGER_TABLE: ", "LEDGER_TABEL: ", "LEDGER_TABEL is declared, but not read"},
		{"EVENT_BUS_NAME: !Ref ResultEventBusName", "X: 1", "EVENT_BUS_NAME is read, but not declared"},
		{"AWS_ENDPOINT_URL_EVENTBRIDGE", "AWS_ENDPOINT_URL_EVENTS", "AWS_ENDPOINT_URL_EVENTBRIDGE is read, but not declared"},
		{"Resource: !GetAtt LedgerTable.Arn", `Resource: "*"`, "KeepTheLedger"},
		{"- dynamodb:GetItem", "- dynamodb:*", "dynamodb:*"},
		{"- xray:PutTelemetryRecords", "- kms:Decrypt", "WriteTraces"},
		{"events:source: sendgrid.sso", "events:source: sendgrid.other", "PublishTheResults"},
		{"VisibilityTimeout: 168", "VisibilityTimeout: 167", "six times"},
		{"Timeout: 28", "Timeout: 30", "API Gateway"},
		{"Threshold: 25200", "Threshold: 27000", "90 %"},
		{`"value": 25200`, `"value": 25201`, "the graph says 25201"},
		{"MessageRetentionPeriod: 1209600", "MessageRetentionPeriod: 345600", "dead letters"},
		{"(?!sendgrid[.]sso$)", "", "IdpEventSources"},
		{"(?!sendgrid[.]sso$)", "(?!sendgrid[.]sso2$)", "IdpEventSources"},
		{"            trigger:\n              - exists: false", "            cause:\n              - exists: false", "origin.cause"},
		{"            trigger:\n              - exists: false", "            trigger:\n              - exists: true", "nothing in the pattern"},
		{"Path: /sso/integrations", "Path: /sso/integration", "/sso/integration"},
		{"            Method: GET\n", "            Method: HEAD\n", "get /webhooks/sso/integrations"},
		{"BuildMethod: makefile", "BuildMethod: go1.x", "go1.x"},
		{"Namespace: SendGridSSO", "Namespace: SendGrid", "the namespace SendGrid"},
		{"MetricName: SendGridUnauthorized", "MetricName: SendGridUnauthorised", "SendGridUnauthorised"},
		{"- Name: FunctionName", "- Name: Function", "the dimension Function"},
		{"MetricName: 5xx", "MetricName: 5XXError", "5XXError"},
		{"Value: !GetAtt IdpEventQueue.QueueName", "Value: !Ref IdpEventQueue", "${IdpEventQueue}"},
		{"MetricName: Throttles", "MetricName: Throttle", "Throttle"},
		{"100 * failed", "100 * fails", "fails"},
		{"+ unchanged + failed", "+ failed", "unchanged is not used"},
		{`[".", "Held", `, `[".", "Hold", `, "Hold"},
		{`"ApiId", "${HttpApi}"`, `"ApiId", "${IdpEventQueue}"`, "${IdpEventQueue}"},
		{`\"InvalidJSON\" OR `, ``, "InvalidJSON is not on the dashboard"},
		{`\"InvalidJSON\" OR `, `\"InvalidJson\" OR `, "InvalidJson"},
		{`\"InProgress\" OR `, `\"InProgress\" OR \"Conflict\" OR `, "Conflict is among those that may be repeated"},
		{"'Sum')", "'Total')", "the statistic Total"},
		{`"stat": "p99"`, `"stat": "p999"`, "the statistic p999"},
		{"\"${DeadLettersAlarm.Arn}\",\n", "", "DeadLettersAlarm is not on the dashboard"},
		{"entity_id, error,", "entityId, error,", "entityId"},
		{`"x": 8, "y": 7, "width": 8`, `"x": 8, "y": 7, "width": 9`, "overlap"},
		{"  OutcomesHeldAlarm:\n", "  OutcomesUnknownAlarm:\n", "OutcomesUnknownAlarm: the runbook"},
		{"      TreatMissingData: notBreaching\n", "", "missing data"},
		{"      OKActions:\n", "      InsufficientDataActions:\n", "OKActions"},
	} {
		t.Run(mistake.new, func(t *testing.T) {
			t.Parallel()
			wrong := strings.Replace(source, mistake.old, mistake.new, 1)
			require.NotEqual(t, source, wrong)
			tpl := parseTemplate(t, wrong)
			var problems []string
			for _, check := range templateChecks {
				problems = append(problems, check(t, tpl)...)
			}
			require.Contains(t, strings.Join(problems, "\n"), mistake.problem)
		})
	}
}

func parseTemplate(t *testing.T, source string) template {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(source), &document))
	tpl, ok := plain(&document).(map[string]any)
	require.True(t, ok)
	return tpl
}

// plain returns a node as the JSON that it stands for.
func plain(n *yaml.Node) (value any) {
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plain(n.Content[i+1])
		}
		value = object
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = plain(item)
		}
		value = list
	default:
		value = n.Value
		if strings.HasPrefix(n.Tag, "!!") {
			_ = n.Decode(&value)
		}
	}
	function, short := strings.CutPrefix(n.Tag, "!")
	switch {
	case !short, strings.HasPrefix(n.Tag, "!!"):
		return value
	case function == "Ref", function == "Condition":
		return map[string]any{function: value}
	default:
		return map[string]any{"Fn::" + function: value}
	}
}

// at returns what is found under a path of names, or nil.
func at(v any, path ...string) any {
	for _, name := range path {
		switch object := v.(type) {
		case template:
			v = object[name]
		case map[string]any:
			v = object[name]
		default:
			return nil
		}
	}
	return v
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// items returns a list, or a single value as a list of one. Of a choice it returns both.
func items(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		var all []any
		for _, item := range v {
			if choice, ok := at(item, "Fn::If").([]any); ok {
				all = append(all, items(choice[1:])...)
			} else if at(item, "Ref") != "AWS::NoValue" {
				all = append(all, item)
			}
		}
		return all
	default:
		return items([]any{v})
	}
}

// each yields the resources of a type, in the order of their names.
func (tpl template) each(kind string, yield func(id string, properties map[string]any)) {
	resources := object(tpl["Resources"])
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		if at(resources[id], "Type") == kind {
			yield(id, object(at(resources[id], "Properties")))
		}
	}
}

func (tpl template) kind(id string) string {
	kind, _ := at(tpl, "Resources", id, "Type").(string)
	return kind
}

// walk visits every object in v.
func walk(v any, path string, visit func(path string, object map[string]any)) {
	switch v := v.(type) {
	case template:
		walk(map[string]any(v), path, visit)
	case map[string]any:
		visit(path, v)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			walk(v[name], path+"/"+name, visit)
		}
	case []any:
		for i, item := range v {
			walk(item, fmt.Sprint(path, "/", i), visit)
		}
	}
}

var placeholder = regexp.MustCompile(`\$\{([^}]*)\}`)

// text returns what a value comes to, with a placeholder for what only AWS knows: "${Id}"
// for a reference and "${Id.Attribute}" for an attribute.
func text(v any) string {
	switch {
	case at(v, "Ref") != nil:
		return fmt.Sprintf("${%s}", at(v, "Ref"))
	case at(v, "Fn::GetAtt") != nil:
		return fmt.Sprintf("${%s}", at(v, "Fn::GetAtt"))
	case at(v, "Fn::Sub") == nil:
		return fmt.Sprint(v)
	}
	body, variables := substitution(at(v, "Fn::Sub"))
	return placeholder.ReplaceAllStringFunc(body, func(match string) string {
		name := match[2 : len(match)-1]
		if value, ok := variables[name]; ok {
			return text(value)
		}
		return "${" + strings.TrimPrefix(name, "!") + "}"
	})
}

// substitution returns the argument of Fn::Sub.
func substitution(v any) (body string, variables map[string]any) {
	if pair, ok := v.([]any); ok {
		return fmt.Sprint(pair[0]), object(pair[1])
	}
	return fmt.Sprint(v), nil
}
