package publish_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/publish"
)

func anOutcome() *delivery.Delivery { return success(protocol.OutcomeCreated, fullRequest()) }

// refusing is a bus that refuses the entry so many times, and counts the calls.
func refusing(code string, times int) (bus fakeBus, calls *int) {
	calls = new(int)
	return func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		if *calls++; *calls > times {
			return &eventbridge.PutEventsOutput{}, nil
		}
		return &eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{
			{ErrorCode: aws.String(code), ErrorMessage: aws.String("Rate exceeded.")},
		}}, nil
	}, calls
}

// What the bus refuses for a moment is sent again, at most five times, with growing waits.
func TestRetry(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		code  string
		times int
		limit time.Duration
		calls int
		most  time.Duration
		err   string
	}{
		"internal":         {"InternalFailure", 2, time.Minute, 3, 302 * ms, ""},
		"throttled":        {"ThrottlingException", 2, time.Minute, 3, 302 * ms, ""},
		"unavailable":      {"ServiceUnavailable", 2, time.Minute, 3, 302 * ms, ""},
		"no code":          {"", 2, time.Minute, 3, 302 * ms, ""},
		"always":           {"ThrottlingException", 99, time.Minute, 6, 3105 * ms, "the entry was not taken: ThrottlingException: Rate exceeded."},
		"longer than time": {"ThrottlingException", 99, time.Millisecond, 1, 0, "the time ended"},
		"denied":           {"AccessDeniedException", 1, time.Minute, 1, 0, "AccessDeniedException"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bus, calls := refusing(tt.code, tt.times)
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				start := time.Now()
				err := (&publish.Publisher{API: bus, Bus: "results"}).Publish(ctx, anOutcome())
				require.LessOrEqual(t, time.Since(start), tt.most)
				if tt.err == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, tt.err)
				}
				require.Equal(t, tt.calls, *calls)
			})
		})
	}
}

// A call that fails has been repeated by the SDK already.
func TestFailedCallIsNotRetried(t *testing.T) {
	t.Parallel()
	broken, calls := errors.New("the connection is broken"), 0
	bus := fakeBus(func(*eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		calls++
		return nil, broken
	})
	require.ErrorIs(t, (&publish.Publisher{API: bus, Bus: "results"}).Publish(t.Context(), anOutcome()), broken)
	require.Equal(t, 1, calls)
}

// EventBridge refuses a long trace header; the event is published without it.
func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "", trace: trace, strings.Repeat("x", 500): strings.Repeat("x", 500), strings.Repeat("x", 501): "",
	} {
		d := anOutcome()
		d.TraceHeader = header
		require.Equal(t, want, aws.ToString(entryOf(t, d).TraceHeader))
	}
}

// describer is an event bus made of a function.
type describer func(name string) error

func (d describer) DescribeEventBus(_ context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	return &eventbridge.DescribeEventBusOutput{Name: in.Name}, d(aws.ToString(in.Name))
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	missing := &types.ResourceNotFoundException{Message: aws.String("Event bus results does not exist.")}
	api := describer(func(name string) error {
		if name != "results" {
			return missing
		}
		return nil
	})
	require.NoError(t, publish.Describe(t.Context(), api, "results"))
	err := publish.Describe(t.Context(), api, "result")
	require.ErrorIs(t, err, missing)
	require.ErrorContains(t, err, "describe the event bus result: ")
}
