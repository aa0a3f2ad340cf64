package main_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/ledger/dynalite"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// endWorld is a world with everything that an audit uses, whose integrations receive SAML responses.
type endWorld struct{ auditWorld }

// newEndWorld starts a function that deletes what was ended two weeks before, unless env says something else.
func newEndWorld(t *testing.T, db dynalite.Server, env map[string]string) endWorld {
	t.Helper()
	all := map[string]string{"DELETE_AFTER": "14d"}
	maps.Copy(all, env)
	w := endWorld{newAuditWorld(t, db, all)}
	w.sendGrid.SetPublicURL(w.env["SENDGRID_BASE_URL"])
	return w
}

// connecting returns the request for the connection of an identity provider, with these fields, and without those
// that are nil.
func connecting(t *testing.T, idp *sendgridtest.IDP, more map[string]any) []byte {
	t.Helper()
	fields := map[string]any{
		"name": "IdP", "enabled": true, "signin_url": "https://idp.example/sso", "signout_url": "", "entity_id": idpURL,
		"completed_integration": true, "public_certificate": idp.PEM(), "metadata": map[string]string{"ticket": "OPS-1"},
	}
	maps.Copy(fields, more)
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	return encode(t, fields)
}

// ending returns the request that ends a connection.
func ending(t *testing.T, entityID string) []byte {
	t.Helper()
	return encode(t, map[string]any{"state": "absent", "entity_id": entityID, "metadata": map[string]string{"ticket": "OPS-2"}})
}

// endResult is what a result and its event have beside those of other requests.
type endResult struct {
	result
	Integrations []sendgrid.Integration
	DeleteAfter  *time.Time `json:"delete_after"`
	EntityID     string     `json:"entity_id"`
	Warnings     []struct{ Code, Message string }
	Metadata     map[string]string
}

// does sends a request directly, which has to have an outcome, and publishes it. It returns the result, and lets
// what it wrote settle.
func (w endWorld) does(t *testing.T, outcome string, request []byte) (r endResult) {
	t.Helper()
	before := len(w.bus.Taken())
	response := w.f.Invoke(request, timeout)
	require.Equal(t, outcome, outcomeOf(t, response), "%s", response.Body)
	require.NoError(t, json.Unmarshal(response.Body, &r))
	entries := w.bus.Taken()[before:]
	require.Len(t, entries, 1)
	names := map[string]string{
		"created": "Created", "updated": "Updated", "unchanged": "Unchanged", "disabled": "Disabled", "superseded": "Superseded",
	}
	require.Equal(t, "SSO Integration "+names[outcome], entries[0].DetailType)
	var published endResult
	require.NoError(t, json.Unmarshal([]byte(entries[0].Detail), &published))
	require.Equal(t, []any{r.Integration, r.Integrations, r.DeleteAfter, r.Metadata}, []any{published.Integration, published.Integrations, published.DeleteAfter, published.Metadata})
	w.passTime(t)
	return r
}

// refused sends a request directly, which has to be refused with a code, and returns the message.
func (w endWorld) refused(t *testing.T, code string, request []byte) string {
	t.Helper()
	writes := w.writes()
	response := w.f.Invoke(request, timeout)
	require.Equal(t, code, codeOf(t, response), "%s", response.Body)
	require.Equal(t, writes, w.writes(), "nothing was changed")
	w.passTime(t)
	var failure struct{ ErrorMessage string }
	require.NoError(t, json.Unmarshal(response.Body, &failure))
	return failure.ErrorMessage
}

// superseded sends a request by a trigger that gets no response, which has to change nothing. It returns the event.
func (w endWorld) superseded(t *testing.T, event []byte) (published endResult) {
	t.Helper()
	before, writes := len(w.bus.Taken()), w.writes()
	response := w.f.Invoke(event, timeout)
	require.False(t, response.Failed, "%s", response.Body)
	require.Equal(t, writes, w.writes(), "nothing was changed")
	entries := w.bus.Taken()[before:]
	require.Len(t, entries, 1)
	require.Equal(t, "SSO Integration Superseded", entries[0].DetailType, entries[0].Detail)
	require.NoError(t, json.Unmarshal([]byte(entries[0].Detail), &published))
	w.passTime(t)
	return published
}

// by puts a request into the event of a trigger.
func by(t *testing.T, trigger string, request []byte) []byte {
	t.Helper()
	for _, each := range triggers {
		if each.name == trigger {
			return each.put(t, request)
		}
	}
	require.FailNow(t, "there is no such trigger", trigger)
	return nil
}

// makeDue makes what was ended due to be deleted, as if the time had passed.
func (w endWorld) makeDue(t *testing.T) {
	t.Helper()
	client := w.db.Client()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String(w.table)})
	require.NoError(t, err)
	due := 0
	for _, item := range out.Items {
		if n, ok := item["delete_after"].(*types.AttributeValueMemberN); !ok || n.Value == "0" {
			continue
		}
		due++
		item["delete_after"] = &types.AttributeValueMemberN{Value: "1"}
		_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String(w.table), Item: item})
		require.NoError(t, err)
	}
	require.Positive(t, due)
}

// deliverLast delivers messages for the last time.
func (w endWorld) deliverLast(t *testing.T, messages []sqsMessage) {
	t.Helper()
	var records []any
	for i, m := range messages {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("m-", i), "eventSource": "aws:sqs", "body": m.MessageBody, "attributes": map[string]string{"ApproximateReceiveCount": "5"},
		})
	}
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(w.f.Invoke(encode(t, map[string]any{"Records": records}), timeout).Body))
}

// One connection from its first request to a second life: ended, refused to whoever does not know, restored, ended
// again, deleted by an audit, and made again. People log in as long as it is there and not ended.
func TestLifeOfAConnection(t *testing.T) {
	t.Parallel()
	w, idp := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL)
	request := connecting(t, idp, nil)
	restore := connecting(t, idp, map[string]any{"if_exists": "restore"})
	made := w.does(t, "created", request).Integration
	logsIn := func(want bool) {
		t.Helper()
		require.Equal(t, want, logIn(t, idp, made.AudienceURL, made.SingleSignOnURL))
	}
	logsIn(true)

	over := w.does(t, "disabled", ending(t, idpURL))
	require.Equal(t, made.ID, over.Integration.ID)
	require.False(t, over.Integration.Enabled)
	require.Empty(t, over.Integrations, "there is one")
	require.WithinDuration(t, time.Now().AddDate(0, 0, 14), *over.DeleteAfter, time.Minute)
	logsIn(false)
	require.Len(t, w.sendGrid.Certificates(made.ID), 1, "it can come back")
	require.Equal(t, over.DeleteAfter, w.does(t, "unchanged", ending(t, idpURL)).DeleteAfter)

	// Nobody who just repeats what was so brings it back.
	message := w.refused(t, "Conflict", request)
	require.Contains(t, message, "was ended on")
	require.Contains(t, message, "if_exists: restore")
	w.refused(t, "Conflict", connecting(t, idp, map[string]any{"if_exists": "update", "name": "Another"}))
	for _, trigger := range []string{"SQS", "EventBridge"} {
		published := w.superseded(t, by(t, trigger, request))
		require.Equal(t, "Ended", published.Warnings[0].Code)
		require.Contains(t, published.Warnings[0].Message, "was ended on")
	}
	require.Empty(t, w.audit(t), "and an audit finds nothing that is wrong")
	logsIn(false)

	require.Equal(t, made.ID, w.does(t, "updated", restore).Integration.ID)
	logsIn(true)
	require.Empty(t, w.audit(t))

	w.does(t, "disabled", ending(t, idpURL))
	require.Empty(t, w.audit(t), "it is not due")
	w.makeDue(t)
	entries := w.audit(t)
	require.Equal(t, []string{"SSO Integration Deleted"}, namesOf(t, entries))
	require.Contains(t, entries[0].Detail, `"outcome":"deleted","integration_id":"`+made.ID+`"`)
	require.Contains(t, entries[0].Detail, `"entity_id":"`+idpURL+`"`)
	require.Contains(t, entries[0].Detail, `"metadata":{"ticket":"OPS-1"}`)
	require.Empty(t, w.sendGrid.Integrations())
	logsIn(false)
	require.Empty(t, w.audit(t), "once")

	w.refused(t, "Conflict", request)
	require.Equal(t, "Ended", w.superseded(t, by(t, "SQS", request)).Warnings[0].Code)
	require.Empty(t, w.sendGrid.Integrations())
	again := w.does(t, "created", restore)
	require.Equal(t, "UrlsChanged", again.Warnings[0].Code)
	logsIn(false)
	made = again.Integration
	logsIn(true)
	require.Empty(t, w.audit(t))
	require.NotContains(t, w.f.Log(), apiKey)
}

// With AUDIT_MODE=report nothing is deleted, and without DELETE_AFTER nothing is meant to be.
func TestNothingIsDeletedUnlessToldSo(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	for name, env := range map[string]map[string]string{"report": {"AUDIT_MODE": "report"}, "by a person": {"DELETE_AFTER": ""}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, idp := newEndWorld(t, db, env), newIDP(t, idpURL)
			w.does(t, "created", connecting(t, idp, nil))
			over := w.does(t, "disabled", ending(t, idpURL))
			require.Equal(t, env["DELETE_AFTER"] == "" && name != "report", over.DeleteAfter == nil)
			if over.DeleteAfter != nil {
				w.makeDue(t)
			}
			require.Empty(t, w.audit(t))
			require.Len(t, w.sendGrid.Integrations(), 1)
		})
	}
}

// A certificate is deleted by name, but not the last one by which people can log in.
func TestRemovedCertificates(t *testing.T) {
	t.Parallel()
	w, old, next := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL), newIDP(t, idpURL)
	made := w.does(t, "created", connecting(t, old, map[string]any{"public_certificate": old.PEM() + next.PEM()}))
	require.Len(t, made.Certificates, 2)
	logsIn := func(idp *sendgridtest.IDP) bool {
		return logIn(t, idp, made.Integration.AudienceURL, made.Integration.SingleSignOnURL)
	}
	require.True(t, logsIn(old))

	message := w.refused(t, "InvalidRequest", connecting(t, next, map[string]any{"if_exists": "update", "remove_certificates": []string{sha256Of(next)}}))
	require.Contains(t, message, "remove_certificates")
	require.Contains(t, w.refused(t, "InvalidRequest", connecting(t, next, map[string]any{"remove_certificates": []string{sha256Of(old)}})), "update")

	removal := connecting(t, next, map[string]any{"if_exists": "update", "remove_certificates": []string{sha256Of(old)}})
	removed := w.does(t, "updated", removal)
	require.Equal(t, []struct{ SHA256 string }{{sha256Of(next)}}, removed.Certificates)
	require.False(t, logsIn(old))
	require.True(t, logsIn(next))
	w.does(t, "unchanged", removal)
	require.Empty(t, w.audit(t), "nobody misses it")

	last := connecting(t, next, map[string]any{"public_certificate": nil, "if_exists": "update", "remove_certificates": []string{sha256Of(next)}})
	require.Contains(t, w.refused(t, "InvalidRequest", last), "nobody could log in")
	require.True(t, logsIn(next))
}

// What the ledger forgets stays in SendGrid as it is, and is nobody's edit any more. The next request that is
// applied makes it managed again.
func TestForgottenConnection(t *testing.T) {
	t.Parallel()
	w, idp := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL)
	request := connecting(t, idp, nil)
	made := w.does(t, "created", request).Integration
	w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Name = "Edited" })
	require.Equal(t, []string{"SSO Integration Drifted Drifted"}, namesOf(t, w.audit(t)))

	writes := w.writes()
	w.does(t, "unchanged", encode(t, map[string]any{"managed": false, "entity_id": idpURL}))
	require.Empty(t, w.audit(t))
	require.Equal(t, writes, w.writes())
	require.True(t, logIn(t, idp, made.AudienceURL, made.SingleSignOnURL))
	require.Contains(t, w.f.Log(), `"state":"unmanaged"`)

	require.Contains(t, w.refused(t, "Conflict", request), "differs in name")
	w.does(t, "unchanged", connecting(t, idp, map[string]any{"name": "Edited"}))
	w.sendGrid.Edit(made.ID, func(i *sendgrid.Integration) { i.Name = "Edited again" })
	require.Equal(t, []string{"SSO Integration Drifted Drifted"}, namesOf(t, w.audit(t)), "it is managed again")
}

// A connector ends every connection of its application, and no other.
func TestEndByTheApplication(t *testing.T) {
	t.Parallel()
	w, idp := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL)
	for entityID, app := range map[string]string{"urn:one": "0oa1", "urn:two": "0oa1", "urn:three": "0oa2"} {
		w.does(t, "created", connecting(t, idp, map[string]any{"entity_id": entityID, "metadata": map[string]string{"okta_app": app}}))
	}
	match := func(app string) []byte {
		return encode(t, map[string]any{"state": "absent", "match": map[string]string{"okta_app": app}, "metadata": map[string]string{"ticket": "OPS-3"}})
	}
	over := w.does(t, "disabled", match("0oa1"))
	var ended []string
	for _, i := range over.Integrations {
		require.False(t, i.Enabled)
		ended = append(ended, i.EntityID)
	}
	require.ElementsMatch(t, []string{"urn:one", "urn:two"}, ended)
	require.Equal(t, "OPS-3", over.Metadata["ticket"])
	for _, i := range w.sendGrid.Integrations() {
		require.Equal(t, i.EntityID == "urn:three", i.Enabled)
	}
	w.does(t, "unchanged", match("0oa1"))
	w.does(t, "unchanged", match("0oa3"))

	require.Nil(t, over.DeleteAfter, "of several, a person decides")
	require.Empty(t, w.audit(t))
	require.Len(t, w.sendGrid.Integrations(), 3)
}

// A webhook secret alone ends nothing, brings nothing back, and has nothing forgotten, unless it may update.
func TestAWebhookSecretEndsNothing(t *testing.T) {
	t.Parallel()
	db := dynalite.Start(t)
	idp := newIDP(t, idpURL)
	other := newIDP(t, idpURL)
	requests := map[string][]byte{
		"absent":  ending(t, idpURL),
		"match":   encode(t, map[string]any{"state": "absent", "match": map[string]string{"okta_app": "0oa1"}}),
		"dry run": encode(t, map[string]any{"state": "absent", "entity_id": idpURL, "dry_run": true}),
		"restore": connecting(t, idp, map[string]any{"if_exists": "restore"}),
		"forget":  encode(t, map[string]any{"managed": false, "entity_id": idpURL}),
		"remove":  connecting(t, idp, map[string]any{"if_exists": "update", "remove_certificates": []string{sha256Of(other)}}),
	}
	webhook := inSample("http-api-bearer.json", func(event map[string]any, request []byte) { event["body"] = string(request) })
	for name, request := range requests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newEndWorld(t, db, nil)
			w.does(t, "created", connecting(t, idp, map[string]any{"metadata": map[string]string{"okta_app": "0oa1"}}))
			writes := w.writes()
			require.Equal(t, "Forbidden", codeOf(t, w.f.Invoke(webhook(t, request), timeout)))
			require.Equal(t, writes, w.writes())
			require.True(t, w.sendGrid.Integrations()[0].Enabled)

			w.env["WEBHOOK_MAY_UPDATE"] = "true"
			may := w.start(t)
			require.Empty(t, codeOf(t, may.Invoke(webhook(t, request), timeout)))
		})
	}
}

// The end of what is not there is remembered: an older create that comes later makes nothing.
func TestTheEndOfNothing(t *testing.T) {
	t.Parallel()
	w, idp := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL)
	request := connecting(t, idp, nil)
	event := func(sent time.Time) []byte {
		var fields map[string]any
		readJSON(t, "../../events/eventbridge.json", &fields)
		fields["id"], fields["time"], fields["detail"] = "e-1", sent.UTC().Format(time.RFC3339), json.RawMessage(request)
		return encode(t, fields)
	}
	sent := time.Now().Add(-time.Minute)
	over := w.does(t, "unchanged", ending(t, idpURL))
	require.Nil(t, over.DeleteAfter)
	for range 2 {
		published := w.superseded(t, event(sent))
		require.Equal(t, "Missing", published.Warnings[0].Code)
		require.NotContains(t, published.Warnings[0].Message, "integration  ", "there was none")
	}
	require.Empty(t, w.sendGrid.Integrations())
	w.does(t, "created", request)
}

// Without the scope to delete, everything works but what deletes. That says what it lacks, and is done once the key
// has it.
func TestWithoutTheScopeToDelete(t *testing.T) {
	t.Parallel()
	w, idp, old := newEndWorld(t, dynalite.Start(t), nil), newIDP(t, idpURL), newIDP(t, idpURL)
	w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeCreate, sendgrid.ScopeUpdate)
	made := w.does(t, "created", connecting(t, idp, map[string]any{"public_certificate": idp.PEM() + old.PEM()})).Integration
	removal := connecting(t, idp, map[string]any{"if_exists": "update", "remove_certificates": []string{sha256Of(old)}})
	response := w.f.Invoke(removal, timeout)
	require.Equal(t, "SendGridForbidden", response.ErrorType())
	require.Contains(t, string(response.Body), "sso.settings.delete")
	require.Len(t, w.sendGrid.Certificates(made.ID), 2)
	w.passTime(t)
	w.does(t, "disabled", ending(t, idpURL))
	w.does(t, "updated", connecting(t, idp, map[string]any{"if_exists": "restore"}))
	require.True(t, logIn(t, idp, made.AudienceURL, made.SingleSignOnURL))
	w.does(t, "disabled", ending(t, idpURL))
	require.Empty(t, w.audit(t))

	w.makeDue(t)
	before := len(w.bus.Taken())
	_, messages := w.schedule(t)
	require.Len(t, w.deliver(t, messages), 1)
	require.Empty(t, w.bus.Taken()[before:])
	w.deliverLast(t, messages)
	found := w.bus.Taken()[before:]
	require.Equal(t, []string{"SSO Integration Finding CertificatesUnknown"}, namesOf(t, found))
	require.Contains(t, found[0].Detail, "sso.settings.delete")
	require.Len(t, w.sendGrid.Integrations(), 1)
	require.Empty(t, w.deadLetters(), "the next audit tries again")

	w.sendGrid.SetScopes(apiKey, sendgrid.ScopeRead, sendgrid.ScopeDelete)
	require.Equal(t, []string{"SSO Integration Deleted"}, namesOf(t, w.audit(t)))
	require.Empty(t, w.sendGrid.Integrations())
}

// deadLetters returns what was moved to the dead-letter queue.
func (w endWorld) deadLetters() []sqsMessage {
	return slices.DeleteFunc(w.queue.taken(), func(m sqsMessage) bool { return m.QueueURL != w.env["DEAD_LETTER_QUEUE_URL"] })
}

// sha256Of returns the hash by which a request names the certificate of an identity provider.
func sha256Of(idp *sendgridtest.IDP) string {
	sum := sha256.Sum256(idp.Certificate.Raw)
	return hex.EncodeToString(sum[:])
}
