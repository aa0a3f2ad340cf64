package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"sendgrid-sso-integration/sendgrid"
)

// remove removes all of the trial that SendGrid has, and makes sure that it is gone.
func (t *trial) remove(ctx context.Context) error {
	if !t.open {
		return nil
	}
	err := t.removeAll(ctx)
	if err == nil {
		return nil
	}
	switch {
	case t.id == "":
		fmt.Fprintf(t.out, "left     perhaps an integration named %q; look for it in SendGrid's SSO settings, and delete it there\n", t.want.Name)
	case t.certificateID != "":
		fmt.Fprintf(t.out, "left     the integration %s, named %q, and perhaps its certificate %s; delete them in SendGrid's SSO settings\n", t.id, t.want.Name, t.certificateID)
	default:
		fmt.Fprintf(t.out, "left     the integration %s, named %q; delete it in SendGrid's SSO settings\n", t.id, t.want.Name)
	}
	return fmt.Errorf("the trial could not be removed: %w", err)
}

func (t *trial) removeAll(ctx context.Context) error {
	if t.id == "" { // Nobody knows whether there is one.
		shown, err := t.awaitUncertain(ctx, func(ctx context.Context) (bool, error) {
			all, err := t.found(ctx)
			if len(all) > 0 {
				t.id = all[0].ID
			}
			return t.id != "", err
		})
		if err != nil || !shown {
			return err
		}
	}
	if err := t.removeCertificates(ctx); err != nil {
		return err
	}
	err := t.reader.read(ctx, func(ctx context.Context) error { return t.reader.client.DeleteIntegration(ctx, t.id) })
	if err != nil {
		return err
	}
	if status := t.recorder.last.status; status != http.StatusNotFound { // A call before got no response.
		t.check("the response to the deletion of the integration", differs(status != http.StatusNoContent, fmt.Sprintf("the status is %d, not 204", status)))
	}
	return t.await(ctx, "that the integration is gone",
		view{"the list", func(ctx context.Context) (bool, error) {
			all, err := t.found(ctx)
			return err == nil && len(all) == 0, err
		}},
		view{"a read by id", func(ctx context.Context) (bool, error) {
			_, err := t.integration(ctx, t.id)
			return sendgrid.IsNotFound(err), unlessNotFound(err)
		}},
	)
}

// removeCertificates removes those that the integration has, because nobody knows whether they go with it.
func (t *trial) removeCertificates(ctx context.Context) error {
	var ids []string
	list := func(ctx context.Context) (bool, error) {
		list, err := t.reader.certificates(ctx, t.id)
		ids = nil
		for _, c := range list {
			ids = append(ids, c.ID)
		}
		return len(ids) > 0, unlessNotFound(err)
	}
	_, err := list(ctx)
	if err == nil && len(ids) == 0 && t.certificateOpen && t.certificateID == "" {
		_, err = t.awaitUncertain(ctx, list)
	}
	if err != nil {
		return err
	}
	if t.certificateID != "" && !slices.Contains(ids, t.certificateID) {
		ids = append(ids, t.certificateID)
	}
	for _, t.certificateID = range ids {
		if err := t.removeCertificate(ctx, t.certificateID); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	err = t.await(ctx, "that the certificate is gone", view{"the list of certificates", func(ctx context.Context) (bool, error) {
		some, err := list(ctx)
		return err == nil && !some, err
	}})
	if err == nil {
		t.certificateID = ""
	}
	return err
}

func (t *trial) removeCertificate(ctx context.Context, id string) error {
	err := t.reader.read(ctx, func(ctx context.Context) error { return t.reader.client.DeleteCertificate(ctx, id) })
	if err == nil && t.recorder.last.status != http.StatusNotFound { // A call before got no response.
		t.checkResponse("the response to the deletion of the certificate", anyCertificate())
	}
	return err
}
