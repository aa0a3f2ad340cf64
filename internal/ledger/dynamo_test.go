package ledger_test

import (
	"context"
	"errors"
	"iter"
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
		"a refusal returns the item":  returning{server.Client()},
		"a refusal returns no item":   bare{server.Client()},
		"every response is lost once": repeating{server.Client()},
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
	_, err := client.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
		TableName: aws.String("ledger"), Key: map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: "k"}},
	})
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

// repeating is a DynamoDB of which the response to every write is lost, so that the SDK sends
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

// pages is a table whose scan has a page for each list of keys, and after them an error.
type pages struct {
	ledger.DynamoAPI
	keys  [][]string
	scans []*dynamodb.ScanInput
}

func (p *pages) Scan(_ context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	p.scans = append(p.scans, in)
	if len(p.scans) > len(p.keys) {
		return nil, errBroken
	}
	out := &dynamodb.ScanOutput{}
	for _, key := range p.keys[len(p.scans)-1] {
		item := map[string]types.AttributeValue{"key": &types.AttributeValueMemberS{Value: key}}
		out.Items, out.LastEvaluatedKey = append(out.Items, item), item
	}
	if out.LastEvaluatedKey == nil {
		out.LastEvaluatedKey = in.ExclusiveStartKey // A page may be empty, and not the last.
	}
	return out, nil
}

var errBroken = errors.New("broken")

// Pages are read as they are needed, each with a consistent read, and an error ends the reading.
func TestDynamoReadsAllByPages(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		most  int // entries to read
		keys  []string
		scans int
		fails bool
	}{
		"part of a page":             {1, []string{"a"}, 1, false},
		"a page":                     {2, []string{"a", "b"}, 1, false},
		"part of the third page":     {3, []string{"a", "b", "c"}, 3, false},
		"an error after all of them": {99, []string{"a", "b", "c", "d"}, 4, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			table := &pages{keys: [][]string{{"a", "b"}, {}, {"c", "d"}}}
			var keys []string
			var failed error
			for e, err := range (&ledger.Dynamo{API: table, Table: "the-table"}).All(t.Context()) {
				require.NoError(t, failed, "nothing comes after an error")
				if failed = err; err != nil {
					require.Zero(t, e)
					continue
				}
				if keys = append(keys, e.Key); len(keys) == tt.most {
					break
				}
			}
			require.Equal(t, tt.keys, keys)
			require.Len(t, table.scans, tt.scans)
			if tt.fails {
				require.ErrorIs(t, failed, errBroken)
				require.ErrorContains(t, failed, "the-table")
			} else {
				require.NoError(t, failed)
			}
			for _, in := range table.scans {
				require.Equal(t, "the-table", aws.ToString(in.TableName))
				require.True(t, aws.ToBool(in.ConsistentRead))
			}
			require.Empty(t, table.scans[0].ExclusiveStartKey)
			if tt.scans > 1 {
				require.Equal(t, &types.AttributeValueMemberS{Value: "b"}, table.scans[1].ExclusiveStartKey["key"])
			}
		})
	}
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
			next, stop := iter.Pull2(l.All(t.Context()))
			defer stop()
			_, allErr, _ := next()
			for _, err := range []error{getErr, putErr, allErr} {
				require.ErrorContains(t, err, "the-table")
				require.ErrorContains(t, err, code)
			}
		})
	}
}
