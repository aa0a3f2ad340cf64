package main_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/invocation"
)

// wrongQueues compares the queues to which the role lets the function send, and whose messages it may count,
// with those that the environment names. The queue of the audit's messages has to be the one that invokes the function.
func wrongQueues(_ *testing.T, tpl template) (wrong []string) {
	function := at(tpl.value, "Resources", "SSOIntegrationFunction", "Properties")
	variables := at(function, "Environment", "Variables")
	var named, allowed, counted []string
	for _, name := range keys(variables) {
		if strings.HasSuffix(name, "_QUEUE_URL") {
			named = append(named, fmt.Sprint(at(variables, name))+".Arn")
		}
	}
	for _, statement := range statements(tpl) {
		if slices.Contains(items(statement["Action"]), "sqs:SendMessage") {
			allowed = append(allowed, items(statement["Resource"])...)
		}
		if slices.Contains(items(statement["Action"]), "sqs:GetQueueAttributes") {
			counted = append(counted, items(statement["Resource"])...)
		}
	}
	if queue := at(function, "Events", "IdpEvents", "Properties", "Queue"); queue != fmt.Sprint(at(variables, "EVENT_QUEUE_URL"))+".Arn" {
		wrong = append(wrong, fmt.Sprint("EVENT_QUEUE_URL is not ", queue, ", which invokes the function"))
	}
	return slices.Concat(wrong,
		except(named, allowed, " is named, but the role does not let the function send to it"),
		except(named, counted, " is named, but the role does not let the function count its messages"),
		except(allowed, named, " may be sent to, but is not named"))
}

// wrongWaits reports whether an audit without a fault could set off the alarm of the event queue. Its messages are
// delayed, and one that fails is received again after each visibility timeout.
func wrongWaits(_ *testing.T, tpl template) (wrong []string) {
	const auditTries = 5 // An audit of a connection is not tried more often.
	seconds := func(v any) time.Duration {
		n, _ := v.(int)
		return time.Duration(n) * time.Second
	}
	visibility := seconds(at(tpl.value, "Resources", "IdpEventQueue", "Properties", "VisibilityTimeout"))
	if visibility != 6*invocation.Timeout {
		wrong = append(wrong, fmt.Sprint("the visibility timeout is ", visibility))
	}
	alarm := at(tpl.value, "Resources", "IdpEventsWaitingAlarm", "Properties")
	points, _ := at(alarm, "DatapointsToAlarm").(int)
	metrics, _ := at(alarm, "Metrics").([]any)
	for _, each := range metrics[1:] {
		there := time.Duration(points) * seconds(at(each, "MetricStat", "Period"))
		if most := eventqueue.MaxSpread + (auditTries-1)*visibility; there <= most {
			wrong = append(wrong, fmt.Sprint("IdpEventsWaitingAlarm does not admit messages that are there for ", most))
		}
	}
	return wrong
}
