package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/telemetry"
	"sendgrid-sso-integration/sendgrid"
)

// metricSource publishes metrics to one namespace, about resources of one type.
type metricSource struct {
	dimension string
	// resource is the type of what the dimension's value identifies, and attribute the
	// attribute that has this value; it is empty where a reference to the resource does.
	resource, attribute string
	metrics             []string
}

// awsMetrics is what AWS publishes, as far as it could be of use here.
var awsMetrics = map[string]metricSource{
	// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
	"AWS/Lambda": {dimension: "FunctionName", resource: "AWS::Serverless::Function", metrics: []string{
		"Invocations", "Errors", "DeadLetterErrors", "DestinationDeliveryFailures", "Throttles", "Duration",
		"ConcurrentExecutions", "AsyncEventsReceived", "AsyncEventAge", "AsyncEventsDropped",
	}},
	// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
	"AWS/SQS": {dimension: "QueueName", resource: "AWS::SQS::Queue", attribute: "QueueName", metrics: []string{
		"ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
		"ApproximateNumberOfMessagesVisible", "NumberOfEmptyReceives", "NumberOfMessagesDeleted",
		"NumberOfMessagesReceived", "NumberOfMessagesSent", "SentMessageSize",
	}},
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
	"AWS/ApiGateway": {dimension: "ApiId", resource: "AWS::Serverless::HttpApi", metrics: []string{
		"4xx", "5xx", "Count", "IntegrationLatency", "Latency", "DataProcessed",
	}},
}

// emitted has the function's code report everything that it can report, and returns the
// metrics of it, with the names of what a failure's log line has.
func emitted(t *testing.T) (namespace string, own metricSource, logged map[string]any) {
	t.Helper()
	var blobs, log bytes.Buffer
	metrics := &telemetry.Metrics{Out: &blobs, FunctionName: "sso"}
	ctx, recorder := telemetry.WithRecorder(t.Context())
	for _, op := range []sendgrid.Op{sendgrid.OpCreateIntegration, sendgrid.OpListIntegrations, sendgrid.OpGetIntegration} {
		telemetry.CountCall(ctx, sendgrid.Call{Op: op, Duration: time.Second, RateLimit: sendgrid.RateLimit{Limit: 2, Remaining: 1}})
	}
	var deliveries []*delivery.Delivery
	for _, code := range problem.Codes() {
		deliveries = append(deliveries, &delivery.Delivery{
			Trigger: "sqs", IDs: delivery.IDs{TraceID: "1", GatewayRequestID: "2", EventID: "3", MessageID: "4"},
			Failure: &problem.Error{Code: code}, Calls: recorder.Calls(),
		})
	}
	telemetry.Log(ctx, slog.New(slog.NewJSONHandler(&log, nil)), deliveries[0])
	require.NoError(t, json.Unmarshal(log.Bytes(), &logged))
	metrics.Write(deliveries)

	var blob struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	require.NoError(t, json.Unmarshal(blobs.Bytes(), &blob))
	require.Len(t, blob.AWS.CloudWatchMetrics, 1)
	directive := blob.AWS.CloudWatchMetrics[0]
	require.Len(t, directive.Dimensions, 1)
	require.Len(t, directive.Dimensions[0], 1)
	own = metricSource{dimension: directive.Dimensions[0][0], resource: "AWS::Serverless::Function"}
	for _, m := range directive.Metrics {
		own.metrics = append(own.metrics, m.Name)
	}
	return directive.Namespace, own, logged
}

// metricUse is a metric as an alarm or a graph names it.
type metricUse struct{ where, namespace, name, dimension, value, stat string }

func metricProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	namespace, own, _ := emitted(t)
	stat := regexp.MustCompile(`^(?:Sum|Average|Minimum|Maximum|SampleCount|p[1-9][0-9]?)$`)
	uses := slices.Concat(alarmUses(tpl), graphUses(readWidgets(t, tpl)))
	for _, use := range uses {
		wrong := func(format string, arguments ...any) {
			problems = append(problems, use.where+": "+fmt.Sprintf(format, arguments...))
		}
		source, ok := awsMetrics[use.namespace]
		if use.namespace == namespace {
			source, ok = own, true
		}
		if !ok {
			wrong("nobody publishes to the namespace %s", use.namespace)
			continue
		}
		if !slices.Contains(source.metrics, use.name) {
			wrong("%s has no metric %s", use.namespace, use.name)
		}
		if use.dimension != source.dimension {
			wrong("%s does not have the dimension %s", use.namespace, use.dimension)
		}
		id, attribute, _ := strings.Cut(strings.Trim(use.value, "${}"), ".")
		if tpl.kind(id) != source.resource || attribute != source.attribute {
			wrong("%s is no %s of an %s", use.value, source.dimension, source.resource)
		}
		if !stat.MatchString(use.stat) {
			wrong("there is nothing like the statistic %s", use.stat)
		}
	}
	return problems
}

func alarmUses(tpl template) (uses []metricUse) {
	tpl.each("AWS::CloudWatch::Alarm", func(id string, alarm map[string]any) {
		add := func(metric map[string]any, stat any) {
			for _, dimension := range items(metric["Dimensions"]) {
				uses = append(uses, metricUse{
					where: id, namespace: text(metric["Namespace"]), name: text(metric["MetricName"]),
					dimension: text(at(dimension, "Name")), value: text(at(dimension, "Value")), stat: text(stat),
				})
			}
		}
		add(alarm, alarm["Statistic"])
		for _, query := range items(alarm["Metrics"]) {
			add(object(at(query, "MetricStat", "Metric")), at(query, "MetricStat", "Stat"))
		}
	})
	return uses
}

// widget is a part of a dashboard.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
type widget struct {
	Type                string
	X, Y, Width, Height int
	Properties          struct {
		Title, Region, Stat, Query string
		Metrics                    [][]any
		Alarms                     []string
		Annotations                struct{ Horizontal []struct{ Value int } }
	}
}

func readWidgets(t *testing.T, tpl template) (all []widget) {
	t.Helper()
	tpl.each("AWS::CloudWatch::Dashboard", func(_ string, dashboard map[string]any) {
		var body struct{ Widgets []widget }
		require.NoError(t, json.Unmarshal([]byte(text(dashboard["DashboardBody"])), &body))
		all = append(all, body.Widgets...)
	})
	require.NotEmpty(t, all)
	return all
}

// search is the one form of a search expression that is used here.
var search = regexp.MustCompile(`^SEARCH\('\{([^,]+),([^}]+)\} (\w+)="([^"]+)" MetricName=\(("\w+"(?: OR "\w+")*)\)', '(\w+)'\)$`)

// graphUses returns the metrics of all graphs. In a graph, a dot stands for what the line
// above has in this place.
func graphUses(widgets []widget) (uses []metricUse) {
	for _, w := range widgets {
		above := make([]string, 4)
		for _, line := range w.Properties.Metrics {
			use := metricUse{where: w.Properties.Title, stat: w.Properties.Stat}
			options := object(line[len(line)-1])
			if own := options["stat"]; own != nil {
				use.stat = text(own)
			}
			if expression := options["expression"]; expression != nil {
				found := search.FindStringSubmatch(text(expression))
				if found == nil || found[2] != found[3] {
					use.namespace = text(expression)
					uses = append(uses, use)
					continue
				}
				use.namespace, use.dimension, use.value, use.stat = found[1], found[2], found[4], found[6]
				for name := range strings.SplitSeq(found[5], " OR ") {
					use.name = strings.Trim(name, `"`)
					uses = append(uses, use)
				}
				continue
			}
			for i := range above {
				if part := text(line[i]); part != "." {
					above[i] = part
				}
			}
			use.namespace, use.name, use.dimension, use.value = above[0], above[1], above[2], above[3]
			uses = append(uses, use)
		}
	}
	return uses
}

func dashboardProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	wrong := func(format string, arguments ...any) {
		problems = append(problems, fmt.Sprintf(format, arguments...))
	}
	namespace, own, logged := emitted(t)
	widgets := readWidgets(t, tpl)
	shown, alarms := map[string]bool{}, map[string]bool{}
	for _, use := range graphUses(widgets) {
		if use.namespace != namespace {
			continue
		}
		shown[use.name] = true
		code := problem.Code(use.name)
		retryable := (&problem.Error{Code: code}).Retryable()
		if code.Title() != "" && strings.HasPrefix(use.where, "Rejected") == retryable {
			wrong("%s is among those that %s", code, map[bool]string{true: "are to be mended first", false: "may be repeated"}[retryable])
		}
	}
	for i, w := range widgets {
		for _, alarm := range w.Properties.Alarms {
			alarms[alarm] = true
		}
		if w.Type != "alarm" && w.Properties.Region != "${AWS::Region}" {
			wrong("%s: no Region", w.Properties.Title)
		}
		if query := w.Properties.Query; query != "" {
			for name := range strings.SplitSeq(regexp.MustCompile(`fields ([^|]*\w)`).FindStringSubmatch(query)[1], ", ") {
				// Lambda's log handler adds the id of the invocation, and CloudWatch what begins with an @.
				if _, ok := logged[name]; !ok && name != "requestId" && name[0] != '@' {
					wrong("no line of a failed request has %s", name)
				}
			}
		}
		for _, other := range widgets[:i] {
			if w.X < other.X+other.Width && other.X < w.X+w.Width && w.Y < other.Y+other.Height && other.Y < w.Y+w.Height {
				wrong("%s and %s overlap", w.Properties.Title, other.Properties.Title)
			}
		}
	}
	for _, name := range own.metrics {
		if !shown[name] {
			wrong("%s is not on the dashboard", name)
		}
	}
	tpl.each("AWS::CloudWatch::Alarm", func(id string, _ map[string]any) {
		if !alarms["${"+id+".Arn}"] {
			wrong("%s is not on the dashboard", id)
		}
	})
	return problems
}

func alarmProblems(t *testing.T, tpl template) (problems []string) {
	t.Helper()
	_, runbook, _ := strings.Cut(string(read(t, "../../README.md")), "# Runbook\n")
	tpl.each("AWS::CloudWatch::Alarm", func(id string, alarm map[string]any) {
		wrong := func(problem string) { problems = append(problems, id+": "+problem) }
		if !strings.Contains(runbook, "`"+id+"`") {
			wrong("the runbook in the README does not say what to do")
		}
		if alarm["TreatMissingData"] == nil {
			wrong("what does missing data mean?")
		}
		if len(text(alarm["AlarmDescription"])) > 1024 {
			wrong("the description is longer than CloudWatch takes")
		}
		for _, actions := range []string{"AlarmActions", "OKActions"} {
			if got := fmt.Sprint(items(alarm[actions])); got != "[map[Ref:AlarmTopic] map[Ref:AlarmTopicArn]]" {
				wrong(actions + " are " + got)
			}
		}
		used := map[string]bool{}
		for _, query := range items(alarm["Metrics"]) {
			for _, id := range regexp.MustCompile(`\b[a-z]\w*`).FindAllString(fmt.Sprint(at(query, "Expression")), -1) {
				used[id] = true
			}
		}
		for _, query := range items(alarm["Metrics"]) {
			if name := text(at(query, "Id")); at(query, "MetricStat") != nil {
				if !used[name] {
					wrong(name + " is not used")
				}
				delete(used, name)
			}
		}
		delete(used, "nil") // The expression of a query that has none.
		for _, name := range slices.Sorted(maps.Keys(used)) {
			wrong("there is no " + name)
		}
	})
	return problems
}
