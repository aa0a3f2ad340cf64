package connector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/connector"
)

// eventBridge responds to a call as told.
type eventBridge func() (*eventbridge.PutEventsOutput, error)

func (e eventBridge) PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	return e()
}

func TestEventBusErrors(t *testing.T) {
	t.Parallel()
	code := "InternalFailure"
	for name, tt := range map[string]struct {
		out  *eventbridge.PutEventsOutput
		err  error
		want string
	}{
		"call failed":    {nil, errors.New("no network"), "no network"},
		"entry refused":  {&eventbridge.PutEventsOutput{FailedEntryCount: 1, Entries: []types.PutEventsResultEntry{{ErrorCode: &code}}}, nil, "InternalFailure"},
		"no reason sent": {&eventbridge.PutEventsOutput{FailedEntryCount: 1}, nil, "the event was not taken"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bus := connector.EventBus{Name: "b", API: eventBridge(func() (*eventbridge.PutEventsOutput, error) { return tt.out, tt.err })}
			err := bus.Put(t.Context(), time.Now(), []byte("{}"))
			var failure *connector.Error
			require.ErrorAs(t, err, &failure)
			require.Equal(t, connector.EventBusUnavailable, failure.Code)
			require.ErrorContains(t, err, tt.want)
		})
	}
}
