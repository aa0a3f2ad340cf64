package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	main "sendgrid-sso-integration/cmd/sso-integration"
	"sendgrid-sso-integration/internal/invocation"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/publish"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/internal/telemetry/emf"
)

const (
	templateFile  = "../../template.yaml"
	dashboardFile = "../../dashboard.yaml"
)

// templateChecks return where the template differs from the code, which no linter can know.
var templateChecks = map[string]func(*testing.T, template) []string{
	"every reference resolves":                       unresolved,
	"the environment is the one that the code reads": wrongVariables,
	"the permissions are those that the code needs":  wrongPermissions,
	"the metrics are those that the code reports":    wrongMetrics,
	"eight alarms, each for a person":                wrongAlarms,
	"the dashboard is deployed with all it shows":    wrongDashboard,
	"the function's own events are no requests":      loops,
	"few parameters, each with a label and a group":  wrongParameters,
	"the timeout is the one that the code divides":   wrongTimeout,
	"the queues are those that the code sends to":    wrongQueues,
	"an audit sets off no alarm of the queue":        wrongWaits,
	"two days without an audit set off an alarm":     wrongHeartbeat,
	"an unknown outcome is an alarm until it is not": wrongUnknown,
	"the status is for callers with credentials":     wrongStatus,
	"webhooks alone have open routes":                wrongAuthorizers,
	"what cannot be made again outlives the stack":   wrongRetention,
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	tpl := parseTemplate(t, string(read(t, templateFile)), calledActions(t))
	for name, check := range templateChecks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, check(t, tpl))
		})
	}
}

// TestTemplateMistakesAreFound makes one mistake at a time, which the checks have to find.
func TestTemplateMistakesAreFound(t *testing.T) {
	t.Parallel()
	source := string(read(t, templateFile))
	called := allowedActions(parseTemplate(t, source, nil)) // TestTemplate compares them with those that are called.
	for name, tt := range map[string]struct{ old, new, want string }{
		"reference":          {"LEDGER_TABLE: !Ref LedgerTable", "LEDGER_TABLE: !Ref Ledger", "Ledger does not exist"},
		"substitution":       {"'${SSOIntegrationFunctionLogGroup}'", "'${FunctionLogGroup}'", "FunctionLogGroup does not exist"},
		"condition":          {"Condition: PublishesResults", "Condition: PublishesResult", "PublishesResult does not exist"},
		"missing variable":   {"EVENT_BUS_NAME: !Ref ResultEventBusName", "X: 1", "EVENT_BUS_NAME is read, but not declared"},
		"missing permission": {"- dynamodb:PutItem", "- dynamodb:Query", "dynamodb:PutItem is called, but not allowed"},
		"needless":           {"- dynamodb:GetItem", "- dynamodb:*", "dynamodb:* is allowed, but not called"},
		"every resource":     {"Resource: !GetAtt LedgerTable.Arn", `Resource: "*"`, "dynamodb:GetItem is allowed everywhere"},
		"any source":         {"events:source: sendgrid.sso", "events:source: com.example", "events:PutEvents is allowed with any source"},
		"alarm's namespace":  {" Namespace: SendGridSSO", " Namespace: SendGrid", "SendGrid SendGridUnauthorized"},
		"dimension":          {"[{Name: FunctionName,", "[{Name: Function,", "Function}"},
		"alarm's metric":     {"MetricName: UnknownOutcomes", "MetricName: Unknown", "SendGridSSO Unknown"},
		"unread metric":      {"MetricName: Attempts", "MetricName: Failed", "nobody reads Attempts"},
		"unused metric":      {"FILL(secret, 0) / 2", "FILL(forbidden, 0) / 2", "CredentialRefusedAlarm does not use secret"},
		"two results":        {"ReturnData: false", "ReturnData: true", "CredentialRefusedAlarm has ReturnData true of unauthorized"},
		"unknown metric":     {"visible + inflight", "visible + flying", "IdpEventsWaitingAlarm uses flying"},
		"no instructions":    {"People cannot log in to SendGrid with an enabled SSO integration of the stack ${AWS::StackName}, or cannot within 30", "Soon nobody can log in, within 30", "CertificateExpiringAlarm does not name the stack"},
		"unknown output":     {"Run the output ShowDeadLettersCommand,", "Run the output DeadLettersCommand.", "DeadLettersAlarm names DeadLettersCommand"},
		"deaf alarm":         {"      TreatMissingData: ignore\n      AlarmActions: [!Ref AlarmTopic]", "      TreatMissingData: ignore\n      AlarmActions: []", "OutcomeUnknownAlarm has AlarmActions []"},
		"ninth alarm":        {"  AlarmTopic:\n", "  OneMoreAlarm:\n    Type: AWS::CloudWatch::Alarm\n\n  AlarmTopic:\n", "there are 9 alarms"},
		"forgotten alarm":    {"            - !GetAtt DeadLettersAlarm.Arn\n", "", "DeadLettersAlarm is not on the dashboard"},
		"forgotten id":       {" 'HttpApiId=${HttpApi}' ", " ", "DashboardCommand lacks HttpApiId"},
		"unknown until when": {"TreatMissingData: ignore", "TreatMissingData: notBreaching", "OutcomeUnknownAlarm has TreatMissingData notBreaching"},
		"unknown too long":   {"      Period: 300\n", "      Period: 86400\n", "OutcomeUnknownAlarm has Period 86400"},
		"no label":           {"      AlarmEmail: {default: Email address for alarms}\n", "", "AlarmEmail has no label"},
		"no group":           {"Parameters: [AlarmEmail]", "Parameters: []", "AlarmEmail is in no group"},
		"asked later":        {"Parameters:\n  AlarmEmail:", "Parameters:\n  Another:\n    Type: String\n  AlarmEmail:", "the first parameter is Another"},
		"timeout":            {"      Timeout: 28", "      Timeout: 29", "the timeout is 29"},
		"forbidden queue":    {"Resource: !GetAtt IdpEventQueue.Arn\n              # The function", "Resource: !GetAtt LedgerTable.Arn\n              # The function", "IdpEventQueue.Arn is named, but"},
		"needless queue":     {"DEAD_LETTER_QUEUE_URL: !Ref IdpEventDeadLetterQueue", "DEAD_LETTER_QUEUE_URL: !Ref IdpEventQueue", "IdpEventDeadLetterQueue.Arn may be sent to, but"},
		"another queue":      {"EVENT_QUEUE_URL: !Ref IdpEventQueue", "EVENT_QUEUE_URL: !Ref IdpEventDeadLetterQueue", "EVENT_QUEUE_URL is not IdpEventQueue.Arn"},
		"uncounted":          {"                  - sqs:SendMessage\n                  - sqs:GetQueueAttributes\n", "                  - sqs:SendMessage\n", "IdpEventDeadLetterQueue.Arn is named, but the role does not let the function count"},
		"open status":        {"Path: /sso/status\n", "Path: /sso/status\n            Auth:\n              Authorizer: NONE\n", "GET /sso/status has the authorizer NONE"},
		"open teammates":     {"Path: /sso/teammates\n", "Path: /sso/teammates\n            Auth:\n              Authorizer: NONE\n", "that /sso/teammates is open is true"},
		"closed webhook":     {"Path: /webhooks/sso/teammates\n            PayloadFormatVersion: \"2.0\"\n            Auth:\n              Authorizer: NONE\n", "Path: /webhooks/sso/teammates\n", "that /webhooks/sso/teammates is open is false"},
		"no status":          {"Path: /sso/status\n", "Path: /sso/state\n", "no route GET /sso/status"},
		"status is last":     {"Outputs:\n  StatusCommand:", "Outputs:\n  First:\n    Value: x\n  StatusCommand:", "the first output is not StatusCommand"},
		"visibility":         {"VisibilityTimeout: 168", "VisibilityTimeout: 300", "the visibility timeout is 5m0s"},
		"alarm too early":    {"DatapointsToAlarm: 30", "DatapointsToAlarm: 25", "IdpEventsWaitingAlarm does not admit messages that are there for 26m12s"},
		"lost secret":        {"Condition: CreatesWebhookSecret\n    DeletionPolicy: RetainExceptOnCreate", "Condition: CreatesWebhookSecret\n    DeletionPolicy: Delete", "SendGridSSOWebhookSecret has DeletionPolicy Delete"},
		"another secret":     {"  SendGridSSOWebhookSecret:\n", "  WebhookBearerSecret:\n", "SendGridSSOWebhookSecret has Type <nil>"},
		"no heartbeat":       {"FILL(audits, 0) < 1 OR ", "", "FindingsAlarm has the expression IF(FILL(findings, 0) >= 1, 1, 0)"},
		"slow heartbeat":     {"Period: 172800\n            Stat: Sum", "Period: 259200\n            Stat: Sum", "AuditsCompleted of FindingsAlarm has Period 259200"},
		"own source":         {"(?!sendgrid[.]sso$)", "", "IdpEventSources admits sendgrid.sso"},
		"own events":         {"            trigger:\n", "            cause:\n", "cause is not in the origin of a result"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mutant := strings.Replace(source, tt.old, tt.new, 1)
			require.Positive(t, strings.Count(source, tt.old), "occurrences of %q", tt.old)
			tpl := parseTemplate(t, mutant, called)
			var found []string
			for _, check := range templateChecks {
				found = append(found, check(t, tpl)...)
			}
			require.Contains(t, strings.Join(found, "\n"), tt.want)
		})
	}
}

// template is template.yaml, as text and as values, in which CloudFormation's functions are
// their arguments: both "!Ref X" and "!GetAtt X" are "X".
type template struct {
	source string
	value  map[string]any
	// called are the actions of AWS that the function calls.
	called []string
}

func parseTemplate(t *testing.T, source string, called []string) template {
	t.Helper()
	tpl := template{source: source, called: called}
	require.NoError(t, yaml.Unmarshal([]byte(source), &tpl.value))
	return tpl
}

// at returns the value under a path of names, or nil.
func at(v any, path ...string) any {
	for _, name := range path {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}

// walk visits every object in v.
func walk(v any, visit func(object map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		visit(v)
		for _, member := range v {
			walk(member, visit)
		}
	case []any:
		for _, item := range v {
			walk(item, visit)
		}
	}
}

// items returns the texts of a list, or of a single value.
func items(v any) (texts []string) {
	values, ok := v.([]any)
	if !ok {
		return []string{fmt.Sprint(v)}
	}
	for _, value := range values {
		texts = append(texts, fmt.Sprint(value))
	}
	return texts
}

func keys(v any) []string {
	m, _ := v.(map[string]any)
	return slices.Sorted(maps.Keys(m))
}

// except returns the names that are not among the others, with a remark.
func except(names, others []string, remark string) (wrong []string) {
	for _, name := range names {
		if !slices.Contains(others, name) {
			wrong = append(wrong, name+remark)
		}
	}
	return wrong
}

func unresolved(_ *testing.T, tpl template) (wrong []string) {
	named := func(pattern string) (names []string) {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(tpl.source, -1) {
			names = append(names, match[1])
		}
		return names
	}
	ids := slices.Concat(keys(at(tpl.value, "Parameters")), keys(at(tpl.value, "Resources")), []string{"AWS"})
	substitutions := slices.Concat(ids, named(`(?m)^(?: +- | {10,})(\w+): `)) // and the variables of a !Sub
	return slices.Concat(
		except(named(`!(?:Ref|GetAtt) "?(\w+)`), ids, " does not exist"),
		except(named(`\$\{(\w+)`), substitutions, " does not exist"),
		except(named(`(?:\bCondition: |!Condition |!If \[|!If\s+- )(\w+)`), keys(at(tpl.value, "Conditions")), " does not exist"),
	)
}

func wrongVariables(t *testing.T, tpl template) (wrong []string) {
	t.Helper()
	// The SDK reads the endpoints of the services that the function calls.
	names := append(main.EnvironmentNames(), "TEAMMATES", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_EVENTBRIDGE", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_SQS")
	var local map[string]map[string]string
	readJSON(t, "../../events/local.env.json", &local) // SAM drops variables that are not declared.
	declared := keys(at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties", "Environment", "Variables"))
	return slices.Concat(
		except(declared, names, " is declared, but not read"),
		except(names, declared, " is read, but not declared"),
		except(slices.Collect(maps.Keys(local["SSOIntegrationFunction"])), declared, " is set locally, but not declared"),
	)
}

// statements returns the statements of the function's role.
func statements(tpl template) (all []map[string]any) {
	walk(at(tpl.value, "Resources", "SSOIntegrationFunctionRole", "Properties", "Policies"), func(o map[string]any) {
		if o["Sid"] != nil {
			all = append(all, o)
		}
	})
	return all
}

// allowedActions returns the actions that the function's role allows.
func allowedActions(tpl template) (actions []string) {
	for _, statement := range statements(tpl) {
		actions = append(actions, items(statement["Action"])...)
	}
	return actions
}

func wrongPermissions(_ *testing.T, tpl template) (wrong []string) {
	// Lambda, and Secrets Manager for a key of the account, make these calls with the function's role.
	called := append(strings.Fields(`sqs:ReceiveMessage sqs:DeleteMessage sqs:GetQueueAttributes kms:Decrypt
		logs:CreateLogStream logs:PutLogEvents xray:PutTraceSegments xray:PutTelemetryRecords`), tpl.called...)
	for _, statement := range statements(tpl) {
		action := items(statement["Action"])[0]
		if statement["Resource"] == "*" && !strings.HasPrefix(action, "xray:") {
			wrong = append(wrong, action+" is allowed everywhere")
		}
		if action == "events:PutEvents" && at(statement, "Condition", "ForAllValues:StringEquals", "events:source") != publish.Source {
			wrong = append(wrong, action+" is allowed with any source")
		}
	}
	allowed := allowedActions(tpl)
	return slices.Concat(wrong, except(allowed, called, " is allowed, but not called"), except(called, allowed, " is called, but not allowed"))
}

// reportedMetrics returns the names of the metrics that the code reports.
func reportedMetrics() []string {
	reported := []string{
		telemetry.MetricAttempts, telemetry.MetricCreated, telemetry.MetricUpdated, telemetry.MetricUnchanged, telemetry.MetricSuperseded, telemetry.MetricDisabled, telemetry.MetricDeleted,
		telemetry.MetricRejected, telemetry.MetricFailed, telemetry.MetricUnknownOutcomes, telemetry.MetricSendGridLatency, telemetry.MetricRateLimitRemaining,
		telemetry.MetricAuditsCompleted, telemetry.MetricAuditedIntegrations, telemetry.MetricFailedIntegrations, telemetry.MetricFindings,
		telemetry.MetricCertificateFindings, telemetry.MetricCertificateDaysLeft,
	}
	for _, code := range problem.Codes() {
		reported = append(reported, string(code))
	}
	return reported
}

// metricUse is one use of a metric, by an alarm or on the dashboard.
type metricUse struct{ namespace, name, dimension, value string }

// alarmMetrics returns the metrics of the template's alarms.
func alarmMetrics(tpl template) (uses []metricUse) {
	walk(at(tpl.value, "Resources"), func(o map[string]any) {
		if dimensions, ok := o["Dimensions"].([]any); ok && o["Namespace"] != nil {
			uses = append(uses, metricUse{items(o["Namespace"])[0], items(o["MetricName"])[0], items(at(dimensions[0], "Name"))[0], items(at(dimensions[0], "Value"))[0]})
		}
	})
	return uses
}

// dashboardMetrics returns the metrics on the dashboard.
func dashboardMetrics(t *testing.T) (uses []metricUse) {
	t.Helper()
	body := items(at(parseTemplate(t, string(read(t, dashboardFile)), nil).value, "Resources", "Dashboard", "Properties", "DashboardBody"))[0]
	require.True(t, json.Valid([]byte(body)), "the dashboard is JSON")
	above := make([]string, 4)
	for _, line := range regexp.MustCompile(`\["([^"]+)", "([^"]+)", "([^"]+)", "([^"]+)"`).FindAllStringSubmatch(body, -1) {
		for i, part := range line[1:] {
			if part != "." { // A dot repeats the line above.
				above[i] = part
			}
		}
		uses = append(uses, metricUse{above[0], above[1], above[2], strings.Trim(above[3], "${}")})
	}
	return uses
}

// wrongMetrics returns the metrics that are read and that nobody reports, and those that are reported and nobody
// reads. The dashboard searches the codes.
func wrongMetrics(t *testing.T, tpl template) (wrong []string) {
	t.Helper()
	reported, read := reportedMetrics(), []string{}
	for _, use := range slices.Concat(alarmMetrics(tpl), dashboardMetrics(t)) {
		byFunction := slices.Contains(reported, use.name) && use.dimension == emf.Dimension && slices.Contains([]string{"SSOIntegrationFunction", "FunctionName"}, use.value)
		if (use.namespace != emf.Namespace || !byFunction) && !strings.HasPrefix(use.namespace, "AWS/") {
			wrong = append(wrong, strings.Join([]string{"nobody reports", use.namespace, use.name, "{" + use.dimension + "}", use.value}, " "))
		}
		read = append(read, use.name)
	}
	for _, name := range reported {
		if !slices.Contains(read, name) && !slices.Contains(problem.Codes(), problem.Code(name)) {
			wrong = append(wrong, "nobody reads "+name)
		}
	}
	return wrong
}

// alarms returns the ids of the template's alarms.
func alarms(tpl template) (ids []string) {
	for _, id := range keys(at(tpl.value, "Resources")) {
		if at(tpl.value, "Resources", id, "Type") == "AWS::CloudWatch::Alarm" {
			ids = append(ids, id)
		}
	}
	return ids
}

// wrongAlarms returns what keeps an alarm from telling a person what to do: more alarms than a person reads, one that
// notifies nobody or says neither which stack nor which command, and an expression that does not use each of its
// metrics.
func wrongAlarms(_ *testing.T, tpl template) (wrong []string) {
	if n := len(alarms(tpl)); n > 8 {
		wrong = append(wrong, fmt.Sprintf("there are %d alarms", n))
	}
	outputs := keys(at(tpl.value, "Outputs"))
	for _, id := range alarms(tpl) {
		properties := at(tpl.value, "Resources", id, "Properties")
		for _, property := range []string{"AlarmActions", "OKActions"} {
			if actions := at(properties, property); fmt.Sprint(actions) != "[AlarmTopic]" {
				wrong = append(wrong, fmt.Sprint(id, " has ", property, " ", actions))
			}
		}
		text := fmt.Sprint(at(properties, "AlarmDescription"))
		if !strings.Contains(text, "${AWS::StackName}") {
			wrong = append(wrong, id+" does not name the stack")
		}
		named := regexp.MustCompile(`\w+Command\b`).FindAllString(text, -1)
		if len(named) == 0 {
			wrong = append(wrong, id+" names no command")
		}
		for _, name := range except(named, outputs, "") {
			wrong = append(wrong, id+" names "+name+", which is no output")
		}
		wrong = slices.Concat(wrong, wrongExpression(id, properties))
	}
	return wrong
}

// wrongExpression compares the metrics of an alarm with its expression, which is the first of them.
func wrongExpression(id string, properties any) (wrong []string) {
	metrics, _ := at(properties, "Metrics").([]any)
	if len(metrics) == 0 {
		return nil
	}
	var ids []string
	for i, each := range metrics {
		if at(each, "ReturnData") != (i == 0) {
			wrong = append(wrong, fmt.Sprint(id, " has ReturnData ", at(each, "ReturnData"), " of ", at(each, "Id")))
		}
		if i > 0 {
			ids = append(ids, fmt.Sprint(at(each, "Id")))
		}
	}
	used := regexp.MustCompile(`\b[a-z]+\b`).FindAllString(fmt.Sprint(at(metrics[0], "Expression")), -1)
	for _, name := range except(ids, used, "") {
		wrong = append(wrong, id+" does not use "+name)
	}
	for _, name := range except(used, ids, "") {
		wrong = append(wrong, id+" uses "+name+", which is none of its metrics")
	}
	return wrong
}

// wrongDashboard returns what the command that deploys the dashboard lacks.
func wrongDashboard(t *testing.T, tpl template) (wrong []string) {
	t.Helper()
	command := fmt.Sprint(at(tpl.value, "Outputs", "DashboardCommand", "Value"))
	for _, id := range alarms(tpl) {
		if !strings.Contains(command, id+".Arn") {
			wrong = append(wrong, id+" is not on the dashboard")
		}
	}
	for _, name := range keys(at(parseTemplate(t, string(read(t, dashboardFile)), nil).value, "Parameters")) {
		if !strings.Contains(command, "'"+name+"=") {
			wrong = append(wrong, "DashboardCommand lacks "+name)
		}
	}
	return wrong
}

// loops checks both ways in which the template keeps results from becoming requests: the
// parameter refuses their source, and the rule skips events with a field that all of them have.
func loops(t *testing.T, tpl template) (wrong []string) {
	t.Helper()
	pattern := fmt.Sprint(at(tpl.value, "Parameters", "IdpEventSources", "AllowedPattern"))
	refused := regexp.MustCompile(`^\^\(\?!(.*?)\)`).FindStringSubmatch(pattern) // Go has no lookahead.
	if refused == nil || !regexp.MustCompile("^"+refused[1]).MatchString(publish.Source) {
		wrong = append(wrong, "IdpEventSources admits "+publish.Source)
	}
	var result map[string]any
	readJSON(t, "../../events/results/created.json", &result)
	skipped := keys(at(tpl.value, "Resources", "IdpApplicationCreatedRule", "Properties", "EventPattern", "detail", "origin"))
	return append(wrong, except(skipped, keys(at(result, "detail", "origin")), " is not in the origin of a result")...)
}

func wrongTimeout(_ *testing.T, tpl template) (wrong []string) {
	if timeout := at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties", "Timeout"); timeout != int(invocation.Timeout.Seconds()) {
		wrong = append(wrong, fmt.Sprint("the timeout is ", timeout))
	}
	return wrong
}

// wrongStatus returns what keeps people from the status, or lets others read it. Its command is the first
// output, because it is the first thing to run.
func wrongStatus(_ *testing.T, tpl template) (wrong []string) {
	if !strings.Contains(tpl.source, "\nOutputs:\n  StatusCommand:\n") {
		wrong = append(wrong, "the first output is not StatusCommand")
	}
	found := false
	for _, event := range keys(at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties", "Events")) {
		route := at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties", "Events", event, "Properties")
		if at(route, "Method") != "GET" || at(route, "Path") != "/sso/status" {
			continue
		}
		found = true
		if authorizer := at(route, "Auth", "Authorizer"); authorizer != nil { // Else it is the API's default, IAM.
			wrong = append(wrong, fmt.Sprint("GET /sso/status has the authorizer ", authorizer))
		}
	}
	if !found {
		wrong = append(wrong, "there is no route GET /sso/status")
	}
	return wrong
}

// wrongRetention returns what would be lost with the stack, or with a deployment that replaces it. The logical
// ids are those of version 1.0, so that an upgrade keeps them too.
func wrongRetention(_ *testing.T, tpl template) (wrong []string) {
	for id, kind := range map[string]string{
		"LedgerTable": "AWS::DynamoDB::Table", "SSOIntegrationFunctionLogGroup": "AWS::Logs::LogGroup",
		"SendGridApiKeySecret": "AWS::SecretsManager::Secret", "SendGridSSOWebhookSecret": "AWS::SecretsManager::Secret",
	} {
		for attribute, want := range map[string]string{"Type": kind, "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"} {
			if got := at(tpl.value, "Resources", id, attribute); got != want {
				wrong = append(wrong, fmt.Sprint(id, " has ", attribute, " ", got))
			}
		}
	}
	return wrong
}

// wrongHeartbeat returns what keeps the alarm from noticing that no audit was completed for two days. The
// metric is not reported then, so that the expression has to fill it.
func wrongHeartbeat(_ *testing.T, tpl template) (wrong []string) {
	properties := at(tpl.value, "Resources", "FindingsAlarm", "Properties")
	metrics, _ := at(properties, "Metrics").([]any)
	if expression := at(metrics[0], "Expression"); expression != "IF(FILL(audits, 0) < 1 OR FILL(findings, 0) >= 1, 1, 0)" {
		wrong = append(wrong, fmt.Sprint("FindingsAlarm has the expression ", expression))
	}
	for _, each := range metrics[1:] {
		name, period, stat := at(each, "MetricStat", "Metric", "MetricName"), at(each, "MetricStat", "Period"), at(each, "MetricStat", "Stat")
		if period != 48*60*60 {
			wrong = append(wrong, fmt.Sprint(name, " of FindingsAlarm has Period ", period))
		}
		if want := map[any]string{telemetry.MetricAuditsCompleted: "Sum", telemetry.MetricFindings: "Maximum"}[name]; stat != want {
			wrong = append(wrong, fmt.Sprint(name, " of FindingsAlarm has Stat ", stat))
		}
	}
	return append(wrong, unequal(tpl, "FindingsAlarm", map[string]any{
		"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1, "TreatMissingData": "breaching",
	})...)
}

// wrongUnknown returns what would end the alarm before an audit has found that every outcome is known, or keep it on
// after that.
func wrongUnknown(_ *testing.T, tpl template) []string {
	return unequal(tpl, "OutcomeUnknownAlarm", map[string]any{
		"MetricName": telemetry.MetricUnknownOutcomes, "Statistic": "Maximum", "ComparisonOperator": "GreaterThanOrEqualToThreshold", "Threshold": 1,
		"Period": 300, "EvaluationPeriods": 1, "TreatMissingData": "ignore",
	})
}

// unequal returns the properties of a resource that are not as they should be.
func unequal(tpl template, id string, properties map[string]any) (wrong []string) {
	for property, want := range properties {
		if got := at(tpl.value, "Resources", id, "Properties", property); got != want {
			wrong = append(wrong, fmt.Sprint(id, " has ", property, " ", got))
		}
	}
	return wrong
}

// wrongAuthorizers returns the routes that are open, but not for webhooks, whose callers the function authenticates.
func wrongAuthorizers(_ *testing.T, tpl template) (wrong []string) {
	walk(at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties", "Events"), func(event map[string]any) {
		path, isRoute := at(event, "Properties", "Path").(string)
		isOpen := at(event, "Properties", "Auth", "Authorizer") == "NONE"
		if isRoute && isOpen != strings.HasPrefix(path, "/webhooks/") {
			wrong = append(wrong, fmt.Sprintf("that %s is open is %t", path, isOpen))
		}
	})
	return wrong
}

// wrongParameters returns the parameters beyond sixteen, more than which nobody reads, and
// those that the console would show without a label or in no group. The guided deployment asks for the
// address of the alarms first: without it nobody is told anything.
func wrongParameters(_ *testing.T, tpl template) (wrong []string) {
	parameters := keys(at(tpl.value, "Parameters"))
	wrong = append(wrong, parameters[min(16, len(parameters)):]...)
	_, rest, _ := strings.Cut(tpl.source, "\nParameters:\n  ")
	if first, _, _ := strings.Cut(rest, ":"); first != "AlarmEmail" {
		wrong = append(wrong, "the first parameter is "+first)
	}
	console := at(tpl.value, "Metadata", "AWS::CloudFormation::Interface")
	var grouped []string
	walk(at(console, "ParameterGroups"), func(group map[string]any) {
		if group["Parameters"] != nil {
			grouped = append(grouped, items(group["Parameters"])...)
		}
	})
	labelled := keys(at(console, "ParameterLabels"))
	return slices.Concat(wrong,
		except(parameters, labelled, " has no label"), except(parameters, grouped, " is in no group"),
		except(slices.Concat(labelled, grouped), parameters, " is no parameter"))
}
