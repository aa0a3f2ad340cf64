package ledger_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/internal/provision"
)

func TestDynamo(t *testing.T) {
	t.Parallel()
	server := dynalite.Start(t)
	server.CreateTable(t, "ledger")
	for name, api := range map[string]ledger.DynamoAPI{
		"a refusal carries the item": carrying{server.Client()},
		"a refusal carries no item":  bare{server.Client()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLedger(t, func(*testing.T) provision.Ledger { return &ledger.Dynamo{API: api, Table: "ledger"} })
		})
	}
}

// The SDK sends a write again whose answer was lost. It then meets its own first write,
// which must not pass for somebody else's.
func TestDynamoRecognisesItsOwnWrites(t *testing.T) {
	t.Parallel()
	server := dynalite.Start(t)
	server.CreateTable(t, "ledger")
	l := &ledger.Dynamo{API: forgetful{server.Client()}, Table: "ledger"}
	now := time.Now().Truncate(time.Second)
	claim := provision.Entry{
		Key: "k", Owner: "a", State: provision.Held, Lease: now.Add(time.Minute),
		Fingerprint: "f", Expires: now.Add(time.Hour),
	}
	entry, taken, err := l.Take(t.Context(), claim, now)
	require.NoError(t, err)
	require.True(t, taken)
	require.Empty(t, entry.Fingerprint, "it is not remembered yet")

	entry.State = provision.Creating
	owned, err := l.Update(t.Context(), entry)
	require.NoError(t, err)
	require.True(t, owned)

	claim.Owner = "b"
	_, taken, err = l.Take(t.Context(), claim, now)
	require.NoError(t, err)
	require.False(t, taken)
}

// carrying is a DynamoDB whose refusals carry the item, as the real one's do.
type carrying struct{ ledger.DynamoAPI }

func (c carrying) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := c.DynamoAPI.UpdateItem(ctx, in, opts...)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) && len(refused.Item) == 0 {
		got, getErr := c.GetItem(ctx, &dynamodb.GetItemInput{TableName: in.TableName, Key: in.Key, ConsistentRead: aws.Bool(true)})
		if getErr != nil {
			return nil, getErr
		}
		refused.Item = got.Item
	}
	return out, err
}

// bare is a DynamoDB whose refusals carry nothing, as older ones do.
type bare struct{ ledger.DynamoAPI }

func (b bare) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out, err := b.DynamoAPI.UpdateItem(ctx, in, opts...)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		refused.Item = nil
	}
	return out, err
}

// forgetful is a DynamoDB of which the answer to every write is lost, so that the SDK
// sends it again.
type forgetful struct{ ledger.DynamoAPI }

func (f forgetful) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	if _, err := f.DynamoAPI.UpdateItem(ctx, in, opts...); err != nil {
		return nil, err
	}
	return f.DynamoAPI.UpdateItem(ctx, in, opts...)
}

func (f forgetful) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := f.DynamoAPI.PutItem(ctx, in, opts...); err != nil {
		return nil, err
	}
	return f.DynamoAPI.PutItem(ctx, in, opts...)
}

// A table that cannot be used is an error that names it, and nothing else.
func TestDynamoSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{
		"ResourceNotFoundException":              http.StatusBadRequest,
		"ProvisionedThroughputExceededException": http.StatusBadRequest,
		"AccessDeniedException":                  http.StatusBadRequest,
		"InternalServerError":                    http.StatusInternalServerError,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"no"}`))
			}))
			t.Cleanup(server.Close)
			l := &ledger.Dynamo{Table: "the-table", API: dynamodb.New(dynamodb.Options{
				Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
			})}
			_, taken, takeErr := l.Take(t.Context(), provision.Entry{Key: "k", Owner: "o"}, time.Now())
			require.False(t, taken)
			owned, updateErr := l.Update(t.Context(), provision.Entry{Key: "k", Owner: "o"})
			require.False(t, owned)
			for _, err := range []error{takeErr, updateErr, l.Delete(t.Context(), "k", "o")} {
				require.ErrorContains(t, err, "the-table")
				require.ErrorContains(t, err, code)
			}
		})
	}
}

// An entry that is given back between the refused write and the look at it is tried again.
func TestDynamoTakesWhatWasJustGivenBack(t *testing.T) {
	t.Parallel()
	now := time.Now()
	calls := 0
	l := &ledger.Dynamo{Table: "t", API: fakeDynamo{
		update: func(*dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
			if calls++; calls == 1 {
				return nil, &types.ConditionalCheckFailedException{}
			}
			return &dynamodb.UpdateItemOutput{}, nil
		},
		get: func(*dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error) { return &dynamodb.GetItemOutput{}, nil },
	}}
	_, taken, err := l.Take(t.Context(), provision.Entry{Key: "k", Owner: "o"}, now)
	require.NoError(t, err)
	require.True(t, taken)
	require.Equal(t, 2, calls)
}

// fakeDynamo is a DynamoDB of which the functions that are not set may not be called.
type fakeDynamo struct {
	ledger.DynamoAPI
	update func(*dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error)
	get    func(*dynamodb.GetItemInput) (*dynamodb.GetItemOutput, error)
}

func (f fakeDynamo) UpdateItem(_ context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return f.update(in)
}

func (f fakeDynamo) GetItem(_ context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return f.get(in)
}
