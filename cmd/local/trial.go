package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/internal/retry"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

const (
	// settling is how long the function gives SendGrid to show a write, and maxSettling how long the
	// trial waits to find out how long it takes.
	settling    = provision.DefaultSettling
	maxSettling = 2 * settling
	// removalTime bounds the removal.
	removalTime = 2 * maxSettling
	// firstPoll and maxPoll bound the pauses between two reads that wait for a write.
	firstPoll = 250 * time.Millisecond
	maxPoll   = 4 * time.Second
)

// trial is an integration that is created for the comparison, and removed again.
type trial struct {
	*verifier
	want sendgrid.IntegrationRequest
	// certificate is the PEM block of a certificate that nobody has the key of.
	certificate string
	// id is empty until it is known, and certificateID.
	id, certificateID string
	// open reports whether there may be an integration to remove, and certificateOpen a certificate.
	open, certificateOpen bool
}

// newTrial returns a trial whose entity id is that of no other integration.
func newTrial(v *verifier) (*trial, error) {
	token := rand.Text()
	t := &trial{verifier: v, want: sendgrid.IntegrationRequest{
		Name:      "DELETE ME: trial " + token,
		SigninURL: "https://" + token + ".invalid/sso", SignoutURL: "https://" + token + ".invalid/out",
		EntityID: "urn:delete-me:trial:" + token,
	}}
	idp, err := sendgridtest.NewIDP(t.want.EntityID, time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour))
	if err != nil {
		return nil, err
	}
	t.certificate = idp.PEM()
	return t, nil
}

// run carries out the trial, and removes it in any case.
func (t *trial) run(ctx context.Context) (err error) {
	defer func() {
		interrupted := ctx.Err() != nil
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removalTime)
		defer cancel()
		if t.open && interrupted {
			fmt.Fprintf(t.out, "The trial was ended; it is removed now, which takes %s at most.\n", removalTime)
		}
		err = errors.Join(err, t.remove(ctx))
	}()
	for _, step := range []func(context.Context) error{t.create, t.update, t.addCertificate} {
		if err := step(ctx); err != nil {
			return t.failure(ctx, err)
		}
	}
	return nil
}

// failure returns the error for the person at the laptop.
func (t *trial) failure(ctx context.Context, err error) error {
	forAll := []problem.Code{problem.SendGridUnauthorized, problem.SendGridForbidden, problem.RateLimited}
	if ctx.Err() != nil || slices.Contains(forAll, provision.Classify(err).Code) {
		return whatToDo(ctx, err)
	}
	return fmt.Errorf("the trial ended early: %w", err)
}

// create creates the integration, and waits until it can be read.
func (t *trial) create(ctx context.Context) error {
	var made *sendgrid.Integration
	t.open = true
	err := t.reader.read(ctx, func(ctx context.Context) (err error) {
		made, err = t.reader.client.CreateIntegration(ctx, t.want)
		return err
	})
	if err != nil {
		t.open = sendgrid.ClassOf(err).Open()
		return err
	}
	t.id = made.ID
	t.checkResponse("the response to a create", writtenIntegration())
	t.check("the response to a create has the id", differs(made.ID == "", "the id is missing; the function finds it by reading"))
	return t.awaitIntegration(ctx, "the new integration", func(i sendgrid.Integration) bool { return i.EntityID == t.want.EntityID })
}

// update changes the integration, and waits until reads show that.
func (t *trial) update(ctx context.Context) error {
	t.want.Name += " (updated)"
	t.want.SigninURL += "/updated"
	err := t.reader.read(ctx, func(ctx context.Context) error {
		_, err := t.reader.client.UpdateIntegration(ctx, t.id, t.want)
		return err
	})
	if err != nil {
		return err
	}
	t.checkResponse("the response to an update", writtenIntegration())
	return t.awaitIntegration(ctx, "the update", func(i sendgrid.Integration) bool { return i.Name == t.want.Name })
}

// awaitIntegration waits until the list and a read by id show a write, and compares what they show.
func (t *trial) awaitIntegration(ctx context.Context, what string, shown func(sendgrid.Integration) bool) error {
	var inList, byID sendgrid.Integration
	err := t.await(ctx, what,
		view{"the list", func(ctx context.Context) (bool, error) {
			all, err := t.found(ctx)
			if i := slices.IndexFunc(all, shown); i >= 0 {
				inList, t.id = all[i], all[i].ID
				return true, err
			}
			return false, err
		}},
		view{"a read by id", func(ctx context.Context) (bool, error) {
			if t.id == "" { // The list has to show it before.
				return false, nil
			}
			i, err := t.integration(ctx, t.id)
			if err != nil {
				return false, unlessNotFound(err)
			}
			byID = *i
			return shown(byID), nil
		}},
	)
	if err != nil {
		return err
	}
	t.check("the list shows "+what+" as it was sent", valuesDiffer(t.want, inList))
	t.check("a read by id shows "+what+" as it was sent", valuesDiffer(t.want, byID))
	return nil
}

// addCertificate adds the certificate, and waits until it can be read.
func (t *trial) addCertificate(ctx context.Context) error {
	var made *sendgrid.Certificate
	t.certificateOpen = true
	err := t.reader.read(ctx, func(ctx context.Context) (err error) {
		made, err = t.reader.client.CreateCertificate(ctx, sendgrid.CertificateRequest{PublicCertificate: t.certificate, IntegrationID: t.id, Enabled: true})
		return err
	})
	if err != nil {
		t.certificateOpen = sendgrid.ClassOf(err).Open()
		return err
	}
	t.certificateID = made.ID
	t.checkResponse("the response to a certificate", anyCertificate())
	var shown sendgrid.Certificate
	err = t.await(ctx, "the new certificate", view{"the list of certificates", func(ctx context.Context) (bool, error) {
		list, err := t.reader.certificates(ctx, t.id)
		if err != nil || len(list) == 0 {
			return false, err
		}
		shown = list[0]
		return true, nil
	}})
	if err != nil {
		return err
	}
	t.check("the certificate is shown in the form in which it was sent", formDiffers(t.certificate, shown))
	t.check("the certificate's dates are those in it", contentDiffers(shown))
	return nil
}

// awaitUncertain waits for what SendGrid may have created, for the settling period of the function.
func (t *trial) awaitUncertain(ctx context.Context, shows func(context.Context) (bool, error)) (shown bool, err error) {
	for start, n := time.Now(), 0; time.Since(start) <= settling; n++ {
		if shown, err := shows(ctx); shown || err != nil {
			return shown, err
		}
		if !retry.Sleep(ctx, poll(n)) {
			return false, ctx.Err()
		}
	}
	return false, nil
}

// found returns the integrations of the trial.
func (t *trial) found(ctx context.Context) ([]sendgrid.Integration, error) {
	all, err := t.reader.integrations(ctx)
	return slices.DeleteFunc(all, func(i sendgrid.Integration) bool { return i.EntityID != t.want.EntityID }), err
}

// view is a way to see a write.
type view struct {
	name  string
	shows func(context.Context) (bool, error)
}

// await waits until every view shows a write, and prints how long that took. It is an error if one does
// not within maxSettling.
func (t *trial) await(ctx context.Context, what string, views ...view) error {
	for start, n := time.Now(), 0; ; n++ {
		var waiting []view
		for _, each := range views {
			took := time.Since(start) // The read's own time is not SendGrid's delay.
			shown, err := each.shows(ctx)
			switch {
			case err != nil:
				return err
			case shown:
				late := fmt.Sprintf("longer than %s, for which the function waits", settling)
				t.check(fmt.Sprintf("%s shows %s after %s", each.name, what, took.Round(time.Millisecond)), differs(took > settling, late))
			default:
				waiting = append(waiting, each)
			}
		}
		if views = waiting; len(views) == 0 {
			return nil
		}
		if time.Since(start) > maxSettling {
			t.check(fmt.Sprintf("%s shows %s", views[0].name, what), []string{fmt.Sprintf("not within %s", maxSettling)})
			return fmt.Errorf("%s does not show %s", views[0].name, what)
		}
		if !retry.Sleep(ctx, poll(n)) {
			return ctx.Err()
		}
	}
}

// poll returns the pause before a write is looked for again.
func poll(n int) time.Duration {
	const doublings = 4 // From firstPoll to maxPoll.
	return min(firstPoll<<min(n, doublings), maxPoll)
}

// valuesDiffer returns which values are shown in another way than they were sent.
func valuesDiffer(sent sendgrid.IntegrationRequest, shown sendgrid.Integration) (differences []string) {
	for _, each := range []struct{ name, sent, shown string }{
		{"name", sent.Name, shown.Name}, {"entity_id", sent.EntityID, shown.EntityID}, {"enabled", fmt.Sprint(sent.Enabled), fmt.Sprint(shown.Enabled)},
		{"signin_url", sent.SigninURL, shown.SigninURL}, {"signout_url", sent.SignoutURL, shown.SignoutURL},
	} {
		if each.sent != each.shown {
			differences = append(differences, fmt.Sprintf("%s was sent as %q, and is shown as %q", each.name, each.sent, each.shown))
		}
	}
	return differences
}

// differs returns a difference if there is one.
func differs(really bool, difference string) []string {
	if !really {
		return nil
	}
	return []string{difference}
}

// unlessNotFound returns no error for what SendGrid does not know.
func unlessNotFound(err error) error {
	if sendgrid.IsNotFound(err) {
		return nil
	}
	return err
}
