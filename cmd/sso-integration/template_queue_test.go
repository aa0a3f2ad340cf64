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

// wrongWaits returns the alarms of the event queue that an audit without a fault could set off. Its
// messages are delayed, and one that fails is received again after each visibility timeout.
func wrongWaits(_ *testing.T, tpl template) (wrong []string) {
	const (
		countedReceives = 3 // SQS does not count the age of a message that was received more often.
		auditTries      = 5 // An audit of a connection is not tried more often.
	)
	number := func(resource, property string) int {
		n, _ := at(tpl.value, "Resources", resource, "Properties", property).(int)
		return n
	}
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	visibility := seconds(number("IdpEventQueue", "VisibilityTimeout"))
	if visibility != 6*invocation.Timeout {
		wrong = append(wrong, fmt.Sprint("the visibility timeout is ", visibility))
	}
	if most := eventqueue.MaxSpread + countedReceives*visibility; seconds(number("IdpEventsWaitingAlarm", "Threshold")) <= most {
		wrong = append(wrong, fmt.Sprint("IdpEventsWaitingAlarm does not admit the age ", most))
	}
	inFlight := seconds(number("IdpEventsFailingAlarm", "DatapointsToAlarm") * number("IdpEventsFailingAlarm", "Period"))
	if most := eventqueue.MaxSpread + (auditTries-1)*visibility; inFlight <= most {
		wrong = append(wrong, fmt.Sprint("IdpEventsFailingAlarm does not admit messages in flight for ", most))
	}
	return wrong
}
