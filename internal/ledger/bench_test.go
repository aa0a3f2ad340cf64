package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/protocol"
)

// lastItem is a DynamoDB that returns the item it was given last.
type lastItem struct {
	ledger.DynamoAPI
	dynamodb.GetItemOutput
}

func (l *lastItem) PutItem(_ context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	l.Item = in.Item
	return &dynamodb.PutItemOutput{}, nil
}

func (l *lastItem) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return &l.GetItemOutput, nil
}

// BenchmarkDynamo writes and reads an entry without the network: it measures how entries are
// encoded and decoded.
func BenchmarkDynamo(b *testing.B) {
	l := &ledger.Dynamo{API: &lastItem{}, Table: "ledger"}
	now := time.Now()
	e := protocol.Entry{
		Key: "k", EntityID: "urn:idp", Revision: 2, Owner: "owner", State: protocol.Creating, Lease: now, Fingerprint: "fingerprint",
		Outcome: protocol.OutcomeCreated, Deliveries: []string{"message:1", "event:1"}, Applied: protocol.Order{Sent: now}, Expires: now,
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := l.Put(b.Context(), e); err != nil {
			b.Fatal(err)
		}
		if _, err := l.Get(b.Context(), e.Key); err != nil {
			b.Fatal(err)
		}
	}
}
