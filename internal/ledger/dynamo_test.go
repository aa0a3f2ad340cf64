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
	"sendgrid-sso-integration/internal/ledger/dynamotest"
	"sendgrid-sso-integration/internal/protocol"
)

func TestDynamo(t *testing.T) {
	t.Parallel()
	server := dynalite.Start(t)
	server.CreateTable(t, "ledger")
	for name, api := range map[string]ledger.DynamoAPI{
		"a refusal returns the item": returning{server.Client()},
		"a refusal returns no item":  bare{server.Client()},
		"every answer is lost once":  repeating{server.Client()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testLedger(t, &ledger.Dynamo{API: api, Table: "ledger"})
		})
	}
}

// The double that measurements use is as good as dynalite.
func TestDynamoDouble(t *testing.T) {
	t.Parallel()
	client := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(dynamotest.Start(t)),
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	testLedger(t, &ledger.Dynamo{API: client, Table: "ledger"})
	testLedger(t, &ledger.Dynamo{API: bare{client}, Table: "ledger"})
	_, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("ledger")})
	require.ErrorContains(t, err, "UnknownOperationException")
}

// returning is a DynamoDB whose refusals return the item, as the real one's do.
type returning struct{ ledger.DynamoAPI }

func (r returning) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := r.DynamoAPI.PutItem(ctx, in, opts...)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) && len(refused.Item) == 0 {
		got, getErr := r.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: in.TableName, Key: map[string]types.AttributeValue{"key": in.Item["key"]}, ConsistentRead: aws.Bool(true),
		})
		if getErr != nil {
			return nil, getErr
		}
		refused.Item = got.Item
	}
	return out, err
}

// bare is a DynamoDB whose refusals return nothing, as older ones do.
type bare struct{ ledger.DynamoAPI }

func (b bare) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	out, err := b.DynamoAPI.PutItem(ctx, in, opts...)
	var refused *types.ConditionalCheckFailedException
	if errors.As(err, &refused) {
		refused.Item = nil
	}
	return out, err
}

// repeating is a DynamoDB of which the answer to every write is lost, so that the SDK sends
// it again. The second one must not be taken for another attempt's.
type repeating struct{ ledger.DynamoAPI }

func (r repeating) PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if _, err := r.DynamoAPI.PutItem(ctx, in, opts...); err != nil {
		return nil, err
	}
	return r.DynamoAPI.PutItem(ctx, in, opts...)
}

// An entry of an earlier version has no revision. It is replaced, not stumbled over.
func TestDynamoReplacesAnEntryWithoutARevision(t *testing.T) {
	t.Parallel()
	server := dynalite.Start(t)
	server.CreateTable(t, "ledger")
	_, err := server.Client().PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("ledger"),
		Item: map[string]types.AttributeValue{
			"key": &types.AttributeValueMemberS{Value: "k"}, "state": &types.AttributeValueMemberN{Value: "1"},
		},
	})
	require.NoError(t, err)
	l := &ledger.Dynamo{API: server.Client(), Table: "ledger"}
	_, stored, err := l.Put(t.Context(), protocol.Entry{Key: "k", Revision: 1, Expires: time.Now()})
	require.NoError(t, err)
	require.True(t, stored)
}

// A table that cannot be used is an error that names it.
func TestDynamoNamesTheTableInErrors(t *testing.T) {
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
			_, getErr := l.Get(t.Context(), "k")
			_, stored, putErr := l.Put(t.Context(), protocol.Entry{Key: "k", Revision: 1})
			require.False(t, stored)
			for _, err := range []error{getErr, putErr} {
				require.ErrorContains(t, err, "the-table")
				require.ErrorContains(t, err, code)
			}
		})
	}
}
