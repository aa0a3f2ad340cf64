package main_test

import (
	"fmt"
	"testing"
	"time"

	"sendgrid-sso-integration/internal/eventqueue"
	"sendgrid-sso-integration/internal/invocation"
)

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
