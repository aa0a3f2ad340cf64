package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sendgrid-sso-integration/internal/protocol"
)

// DynamoAPI is what is used of dynamodb.Client. The function's role permits these three
// actions and no others.
type DynamoAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
}

// Dynamo is a ledger in a DynamoDB table, shared by all processes that use the table. The
// table has the string key "key", and "expires" as its TTL attribute.
type Dynamo struct {
	API   DynamoAPI
	Table string
}

// Get implements provision.Ledger.
func (d *Dynamo) Get(ctx context.Context, key string) (protocol.Entry, error) {
	out, err := d.API.GetItem(ctx, &dynamodb.GetItemInput{
		TableName:      aws.String(d.Table),
		Key:            map[string]types.AttributeValue{attrKey: text(key)},
		ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return protocol.Entry{}, fmt.Errorf("read the entry in table %s: %w", d.Table, err)
	}
	return decode(out.Item), nil
}

// Put implements provision.Ledger.
func (d *Dynamo) Put(ctx context.Context, e protocol.Entry) (current protocol.Entry, stored bool, err error) {
	in := &dynamodb.PutItemInput{
		TableName:                           aws.String(d.Table),
		Item:                                encode(e),
		ExpressionAttributeNames:            map[string]string{"#revision": attrRevision},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if e.Revision == 1 {
		in.ConditionExpression = aws.String("attribute_not_exists(#revision)")
	} else {
		in.ConditionExpression = aws.String("#revision = :before")
		in.ExpressionAttributeValues = map[string]types.AttributeValue{":before": number(e.Revision - 1)}
	}
	_, err = d.API.PutItem(ctx, in)
	var refused *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return e, true, nil
	case !errors.As(err, &refused):
		return protocol.Entry{}, false, fmt.Errorf("write the entry in table %s: %w", d.Table, err)
	case len(refused.Item) > 0:
		current = decode(refused.Item)
	default: // There is no entry, or the endpoint does not return it.
		if current, err = d.Get(ctx, e.Key); err != nil {
			return protocol.Entry{}, false, err
		}
	}
	return current, sameWrite(current, e), nil
}

// All reads every entry, also those that have expired, as Get does. The entries have no order. An
// error ends the reading, and comes with the zero entry. Pages are read as they are needed; what
// is written meanwhile may be missing.
func (d *Dynamo) All(ctx context.Context) iter.Seq2[protocol.Entry, error] {
	return func(yield func(protocol.Entry, error) bool) {
		pages := dynamodb.NewScanPaginator(d.API, &dynamodb.ScanInput{TableName: aws.String(d.Table), ConsistentRead: aws.Bool(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(protocol.Entry{}, fmt.Errorf("read the entries in table %s: %w", d.Table, err))
				return
			}
			for _, item := range page.Items {
				if !yield(decode(item), nil) {
					return
				}
			}
		}
	}
}
