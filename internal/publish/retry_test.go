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

	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/publish"
)

// refused is what the bus answers where it does not take the one entry.
func refused(code string) *eventbridge.PutEventsOutput {
	return &eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{
		{ErrorCode: aws.String(code), ErrorMessage: aws.String("Rate exceeded.")},
	}}
}

// answers returns a bus that gives these answers, the last of them for good, and counts.
func answers(all ...*eventbridge.PutEventsOutput) (bus *fakeBus, calls *int) {
	calls = new(int)
	return &fakeBus{putEvents: func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		*calls++
		return all[min(*calls, len(all))-1], nil
	}}, calls
}

func anEvent() publish.Event { return success(provision.OutcomeCreated, fullRequest()) }

// within runs f in a bubble and returns how long it took by the bubble's clock.
func within(t *testing.T, limit time.Duration, f func(context.Context) error) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		start := time.Now()
		err = f(ctx)
		took = time.Since(start)
	})
	return took, err
}

func TestTransientRefusalIsRetried(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"InternalFailure", "InternalException", "ThrottlingException", "ServiceUnavailable", ""} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bus, calls := answers(refused(code), refused(code), &eventbridge.PutEventsOutput{})
			took, err := within(t, time.Minute, func(ctx context.Context) error {
				return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
			})
			require.NoError(t, err)
			require.Equal(t, 3, *calls)
			require.GreaterOrEqual(t, took, 75*time.Millisecond)
			require.LessOrEqual(t, took, 225*time.Millisecond)
		})
	}
}

func TestRefusalWithoutEntriesIsRetried(t *testing.T) {
	t.Parallel()
	bus, calls := answers(&eventbridge.PutEventsOutput{FailedEntryCount: 1}, &eventbridge.PutEventsOutput{})
	_, err := within(t, time.Minute, func(ctx context.Context) error {
		return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
	})
	require.NoError(t, err)
	require.Equal(t, 2, *calls)
}

// The entry is the same at every try.
func TestRetryRepeatsTheEntry(t *testing.T) {
	t.Parallel()
	var seen []types.PutEventsRequestEntry
	bus := &fakeBus{putEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		seen = append(seen, in.Entries...)
		if len(seen) < 3 {
			return refused("InternalFailure"), nil
		}
		return &eventbridge.PutEventsOutput{}, nil
	}}
	_, err := within(t, time.Minute, func(ctx context.Context) error {
		return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), trace)
	})
	require.NoError(t, err)
	require.Len(t, seen, 3)
	require.Equal(t, seen[0], seen[1])
	require.Equal(t, seen[0], seen[2])
}

// A bus that stays throttled is given up, also where there is time.
func TestRetryEnds(t *testing.T) {
	t.Parallel()
	bus, calls := answers(refused("ThrottlingException"))
	took, err := within(t, time.Minute, func(ctx context.Context) error {
		return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
	})
	require.EqualError(t, err, "publish to the event bus sso-results: the entry was not taken: ThrottlingException: Rate exceeded.")
	require.Equal(t, 6, *calls)
	require.GreaterOrEqual(t, took, 775*time.Millisecond)
	require.LessOrEqual(t, took, 2400*time.Millisecond)
}

func TestFinalRefusalIsNotRetried(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"AccessDeniedException", "InvalidAccountIdException", "InvalidArgument", "MalformedDetail", "RedactionFailure",
		"NotAuthorizedForSourceException", "NotAuthorizedForDetailTypeException",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			bus, calls := answers(refused(code))
			took, err := within(t, time.Minute, func(ctx context.Context) error {
				return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
			})
			require.EqualError(t, err, "publish to the event bus sso-results: the entry was not taken: "+code+": Rate exceeded.")
			require.Equal(t, 1, *calls)
			require.Zero(t, took)
		})
	}
}

// What fails as a call has been repeated by the SDK already.
func TestFailedCallIsNotRetried(t *testing.T) {
	t.Parallel()
	broken, calls := errors.New("the connection is broken"), 0
	bus := &fakeBus{putEvents: func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		calls++
		return nil, broken
	}}
	err := (&publish.Publisher{API: bus, Bus: busName}).Publish(t.Context(), anEvent(), "")
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "publish to the event bus sso-results: ")
	require.Equal(t, 1, calls)
}

func TestDeadlineEndsTheWaiting(t *testing.T) {
	t.Parallel()
	const limit = 200 * time.Millisecond
	bus, calls := answers(refused("ThrottlingException"))
	took, err := within(t, limit, func(ctx context.Context) error {
		return (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
	})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "ThrottlingException", "the reason is not lost")
	require.Equal(t, limit, took)
	require.GreaterOrEqual(t, *calls, 2)
	require.LessOrEqual(t, *calls, 3)
}

func TestCancellingEndsTheWaiting(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	bus := &fakeBus{putEvents: func(context.Context, *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
		cancel()
		return refused("InternalFailure"), nil
	}}
	err := (&publish.Publisher{API: bus, Bus: busName}).Publish(ctx, anEvent(), "")
	require.ErrorIs(t, err, context.Canceled)
}

// A trace header that EventBridge would refuse must not keep the event from being published.
func TestTraceHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		header string
		want   *string
	}{
		{"", nil},
		{trace, aws.String(trace)},
		{strings.Repeat("x", 500), aws.String(strings.Repeat("x", 500))},
		{strings.Repeat("x", 501), nil},
	} {
		var got *string
		bus := &fakeBus{putEvents: func(_ context.Context, in *eventbridge.PutEventsInput) (*eventbridge.PutEventsOutput, error) {
			got = in.Entries[0].TraceHeader
			return &eventbridge.PutEventsOutput{}, nil
		}}
		require.NoError(t, (&publish.Publisher{API: bus, Bus: busName}).Publish(t.Context(), anEvent(), tt.header))
		require.Equal(t, tt.want, got)
	}
}
