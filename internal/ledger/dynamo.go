package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"sendgrid-sso-integration/internal/provision"
)

// DynamoAPI is what is used of dynamodb.Client. The function's role allows these four
// actions and no others.
type DynamoAPI interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// Dynamo is a ledger in a DynamoDB table, shared by all processes that use the table. The
// table has the string key "key", and "expires" as its TTL attribute; an entry that
// DynamoDB has not swept yet counts as gone all the same.
type Dynamo struct {
	API   DynamoAPI
	Table string
}

// takeTries bounds how often Take tries again because the entry changed under its hands.
const takeTries = 5

// The condition of Take: there is no entry, or it has expired, or nobody holds it and it
// does not remember the request.
const takeCondition = "attribute_not_exists(#key) OR #expires < :now_seconds OR " +
	"(#lease <= :now AND (attribute_not_exists(#fingerprint) OR #fingerprint = :nothing OR #fingerprint <> :fingerprint))"

// Take implements provision.Ledger.
func (d *Dynamo) Take(ctx context.Context, claim provision.Entry, now time.Time) (provision.Entry, bool, error) {
	for range takeTries {
		old, taken, err := d.tryTake(ctx, claim, now)
		switch {
		case err != nil:
			return provision.Entry{}, false, fmt.Errorf("take the entry in table %s: %w", d.Table, err)
		case taken:
			remembered := remember(old, now)
			claim.Fingerprint, claim.IntegrationID = remembered.Fingerprint, remembered.IntegrationID
			return claim, true, nil
		case refuses(old, claim, now):
			return old, false, nil
		}
	}
	return provision.Entry{}, false, fmt.Errorf("take the entry in table %s: it changed %d times meanwhile", d.Table, takeTries)
}

// tryTake makes the conditional write. It returns the entry as it was before, if the
// write happened, else as it is.
func (d *Dynamo) tryTake(ctx context.Context, claim provision.Entry, now time.Time) (old provision.Entry, taken bool, err error) {
	item := encode(claim)
	out, err := d.API.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:           aws.String(d.Table),
		Key:                 key(claim.Key),
		UpdateExpression:    aws.String("SET #owner = :owner, #state = :state, #lease = :lease, #expires = :expires, #entity_id = :entity_id"),
		ConditionExpression: aws.String(takeCondition),
		ExpressionAttributeNames: map[string]string{
			"#key": attrKey, "#owner": attrOwner, "#state": attrState, "#lease": attrLease,
			"#expires": attrExpires, "#entity_id": attrEntityID, "#fingerprint": attrFingerprint,
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":owner": item[attrOwner], ":state": item[attrState], ":lease": item[attrLease],
			":expires": item[attrExpires], ":entity_id": item[attrEntityID], ":fingerprint": item[attrFingerprint],
			":nothing": text(""), ":now": millis(now), ":now_seconds": seconds(now),
		},
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case err == nil:
		return decode(out.Attributes), true, nil
	case !errors.As(err, &refused):
		return provision.Entry{}, false, err
	}
	if len(refused.Item) == 0 { // Not every endpoint returns it.
		if refused.Item, err = d.get(ctx, claim.Key); err != nil {
			return provision.Entry{}, false, err
		}
	}
	current := decode(refused.Item)
	// The write happened and its answer was lost, so that the SDK repeated it.
	return current, current.Owner == claim.Owner, nil
}

// remember returns what an entry remembers, which is nothing once it has expired, in whole
// seconds as in the condition of Take. An attempt that dies right after it took an expired
// entry revives what that remembered; the next one asks SendGrid whether it is still so.
func remember(e provision.Entry, now time.Time) provision.Entry {
	if e.Expires.Unix() < now.Unix() {
		return provision.Entry{}
	}
	return e
}

// refuses tells whether an entry is a reason not to take it. One that was freed between
// the write and the look at it is none.
func refuses(e, claim provision.Entry, now time.Time) bool {
	e = remember(e, now)
	return e.Lease.After(now) || e.Fingerprint != "" && e.Fingerprint == claim.Fingerprint
}

func (d *Dynamo) get(ctx context.Context, k string) (map[string]types.AttributeValue, error) {
	out, err := d.API.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(d.Table), Key: key(k), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}

// Update implements provision.Ledger.
func (d *Dynamo) Update(ctx context.Context, e provision.Entry) (bool, error) {
	_, err := d.API.PutItem(ctx, &dynamodb.PutItemInput{
		TableName:                 aws.String(d.Table),
		Item:                      encode(e),
		ConditionExpression:       aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": text(e.Owner)},
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case errors.As(err, &refused):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("update the entry in table %s: %w", d.Table, err)
	}
	return true, nil
}

// Delete implements provision.Ledger.
func (d *Dynamo) Delete(ctx context.Context, k, owner string) error {
	_, err := d.API.DeleteItem(ctx, &dynamodb.DeleteItemInput{
		TableName:                 aws.String(d.Table),
		Key:                       key(k),
		ConditionExpression:       aws.String("#owner = :owner"),
		ExpressionAttributeNames:  map[string]string{"#owner": attrOwner},
		ExpressionAttributeValues: map[string]types.AttributeValue{":owner": text(owner)},
	})
	var refused *types.ConditionalCheckFailedException
	if err != nil && !errors.As(err, &refused) {
		return fmt.Errorf("delete the entry in table %s: %w", d.Table, err)
	}
	return nil
}
