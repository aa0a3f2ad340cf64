package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"sendgrid-sso-integration/internal/refusal"
	"sendgrid-sso-integration/sendgrid"
)

// fromFile reads the connection from a file, as SendGrid returns it.
func fromFile(file string, asked *refusal.Question) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var connection struct {
		Integration  *sendgrid.Integration  `json:"integration"`
		Certificates []sendgrid.Certificate `json:"certificates"`
	}
	if err := json.Unmarshal(text, &connection); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if connection.Integration == nil || connection.Certificates == nil {
		return fmt.Errorf(`%s has to be an object with "integration" and "certificates", as SendGrid returns them`, file)
	}
	asked.Integration, asked.Certificates = *connection.Integration, connection.Certificates
	return nil
}

// fromAccount reads the connection from the account: one list, and its certificates. Those of others are
// read only where the response is signed with one that this connection does not have.
func fromAccount(ctx context.Context, name string, getenv func(string) string, logs io.Writer, asked *refusal.Question) error {
	client, err := accountClient("explain", getenv)
	if err != nil {
		return err
	}
	r := reader{client: client, logs: logs}
	if asked.Account, err = r.integrations(ctx); err != nil {
		return whatToDo(ctx, err)
	}
	if asked.Integration, err = choose(asked.Account, name); err != nil {
		return err
	}
	if asked.Certificates, err = r.certificates(ctx, asked.Integration.ID); err != nil {
		return whatToDo(ctx, err)
	}
	asked.Owner = func(sha256 string) (*sendgrid.Integration, error) {
		return r.owner(ctx, asked.Account, asked.Integration.ID, sha256)
	}
	return nil
}

// choose returns the integration that a person names.
func choose(all []sendgrid.Integration, name string) (sendgrid.Integration, error) {
	for _, is := range []func(sendgrid.Integration) bool{
		func(i sendgrid.Integration) bool { return i.ID == name },
		func(i sendgrid.Integration) bool { return i.EntityID == name },
		func(i sendgrid.Integration) bool { return i.Name == name },
		func(i sendgrid.Integration) bool {
			return strings.EqualFold(strings.TrimSpace(i.Name), strings.TrimSpace(name))
		},
	} {
		var found []sendgrid.Integration
		for _, i := range all {
			if is(i) {
				found = append(found, i)
			}
		}
		switch {
		case len(found) > 1:
			return sendgrid.Integration{}, fmt.Errorf("several integrations are called that; give -connection the id of one of them: %s", labels(found))
		case len(found) == 1 && found[0].ID == "":
			return sendgrid.Integration{}, errors.New("SendGrid does not return the id of this integration; finish its setup in SendGrid's SSO settings")
		case len(found) == 1:
			return found[0], nil
		}
	}
	return sendgrid.Integration{}, fmt.Errorf("the account has no integration with this id, entity_id or name; it has %d: %s", len(all), labels(all))
}

// labels names integrations, as many as a person reads.
func labels(all []sendgrid.Integration) string {
	const most = 20
	var names []string
	for _, i := range all[:min(len(all), most)] {
		names = append(names, label(i))
	}
	if len(all) > most {
		names = append(names, "…")
	}
	return strings.Join(names, ", ")
}
