package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

const verifyLiveUsage = `Usage of verify-live:

  read -rs SENDGRID_API_KEY && export SENDGRID_API_KEY
  make verify-live            # reads only; a key with the scope sso.settings.read is enough
  make verify-live WRITE=1    # also creates an integration for the trial, and deletes it again

It compares SendGrid's responses about an account with what the function assumes: which fields there
are, and of which type. Each line begins with "ok" or "differs". No value of the account is printed,
and never the key. The exit status is 1 if anything differs.

  -write    create a disabled integration with a random entity id that is named "DELETE ME", read,
            update and delete it, and a certificate of it. It is removed in any case, also after
            Ctrl-C; what could not be removed is a line that begins with "left". The key needs the
            scopes sso.settings.create, sso.settings.read, sso.settings.update, sso.settings.delete

The account is that of the key and of the function's own variables SENDGRID_REGION,
SENDGRID_BASE_URL and SENDGRID_ON_BEHALF_OF.
`

const (
	// verifyTime bounds the whole command, without the removal at its end.
	verifyTime = 15 * time.Minute
	// maxSampled is how many integrations are read for their certificates.
	maxSampled = 20
)

// verifyLive compares what SendGrid returns about an account with what the function assumes.
func verifyLive(ctx context.Context, args []string, getenv func(string) string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("verify-live", flag.ContinueOnError)
	flags.SetOutput(logs)
	flags.Usage = func() { fmt.Fprint(logs, verifyLiveUsage) }
	write := flags.Bool("write", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := accountClient("verify-live", getenv)
	if err != nil {
		return err
	}
	client.HTTP = sendgrid.NewHTTPClient()
	ctx, cancel := context.WithTimeout(ctx, verifyTime)
	defer cancel()
	return newVerifier(client, out, logs).run(ctx, *write)
}

// verifier compares the responses about one account with what the function assumes.
type verifier struct {
	reader   reader
	recorder *recorder
	out      io.Writer
	// differ counts what differs.
	differ int
}

// newVerifier returns a verifier with a client, whose HTTP client it makes its own.
func newVerifier(client *sendgrid.Client, out, logs io.Writer) *verifier {
	return &verifier{reader: reader{client: client, logs: logs}, recorder: record(client.HTTP), out: out}
}

func (v *verifier) run(ctx context.Context, write bool) error {
	fmt.Fprintf(v.out, "What %s returns, compared with what the function assumes:\n", v.reader.client.BaseURL)
	scopes, err := v.readAll(ctx)
	if err == nil && write {
		err = v.try(ctx, scopes)
	}
	if err != nil {
		return err
	}
	if v.differ > 0 {
		return fmt.Errorf("%d line(s) differ from what the function assumes", v.differ)
	}
	return nil
}

// check prints whether something is as assumed.
func (v *verifier) check(what string, differences []string) {
	if len(differences) == 0 {
		fmt.Fprintf(v.out, "ok       %s\n", what)
	}
	for _, difference := range differences {
		v.differ++
		fmt.Fprintf(v.out, "differs  %s: %s\n", what, difference)
	}
}

// checkResponse prints whether the last response has the status 200, as all that have a body, and the fields
// that are assumed.
func (v *verifier) checkResponse(what string, a assumption) {
	var differences []string
	if got := v.recorder.last.status; got != http.StatusOK {
		differences = append(differences, fmt.Sprintf("the status is %d, not %d", got, http.StatusOK))
	}
	objects, err := v.recorder.last.entries()
	if err != nil {
		differences = append(differences, "the response is neither an object nor a list of objects")
	}
	v.check(what, append(differences, a.differences(objects)...))
}

// readAll reads what the function reads, and changes nothing. It returns the scopes of the key.
func (v *verifier) readAll(ctx context.Context) (scopes []string, err error) {
	err = v.reader.read(ctx, func(ctx context.Context) (err error) {
		scopes, err = v.reader.client.ListScopes(ctx)
		return err
	})
	if err != nil {
		return nil, whatToDo(ctx, err)
	}
	v.checkResponse("the scopes of the key", anyScopes())

	all, err := v.reader.integrations(ctx)
	if err != nil {
		return nil, whatToDo(ctx, err)
	}
	v.checkResponse(fmt.Sprintf("the list of integrations, which has %d", len(all)), readIntegration())
	v.check("the headers of the rate limit", v.missingHeaders("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"))
	v.check("the URLs of the integrations, which are the same", differentURLs(all))
	all = slices.DeleteFunc(all, func(i sendgrid.Integration) bool { return i.ID == "" })
	if len(all) == 0 {
		fmt.Fprintln(v.out, "There is no integration to read by its id, and no certificate.")
		return scopes, nil
	}
	if _, err := v.integration(ctx, all[0].ID); err != nil {
		return nil, whatToDo(ctx, err)
	}
	v.checkResponse("an integration by its id", readIntegration())
	return scopes, v.readCertificates(ctx, all[:min(len(all), maxSampled)])
}

func (v *verifier) integration(ctx context.Context, id string) (i *sendgrid.Integration, err error) {
	err = v.reader.read(ctx, func(ctx context.Context) (err error) {
		i, err = v.reader.client.GetIntegration(ctx, id)
		return err
	})
	return i, err
}

// missingHeaders returns those that the last response lacks.
func (v *verifier) missingHeaders(names ...string) (differences []string) {
	for _, name := range names {
		if v.recorder.last.header.Get(name) == "" {
			differences = append(differences, name+" is missing")
		}
	}
	return differences
}

// differentURLs returns whether integrations have two different URLs, which the documents show to be the same.
func differentURLs(all []sendgrid.Integration) []string {
	count := 0
	for _, i := range all {
		if i.SingleSignOnURL != i.AudienceURL {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return []string{fmt.Sprintf("single_signon_url is not audience_url, in %d of %d", count, len(all))}
}

// readCertificates reads the certificates of integrations.
func (v *verifier) readCertificates(ctx context.Context, of []sendgrid.Integration) error {
	var objects []entry
	var differences []string
	for _, i := range of {
		list, err := v.reader.certificates(ctx, i.ID)
		if err != nil {
			return whatToDo(ctx, err)
		}
		found, err := v.recorder.last.entries()
		if err != nil {
			differences = append(differences, "the response is no list of objects")
		}
		objects = append(objects, found...)
		for _, c := range list {
			differences = append(differences, contentDiffers(c)...)
		}
	}
	v.check(fmt.Sprintf("the certificates of %d integration(s), which have %d", len(of), len(objects)), anyCertificate().differences(objects))
	if len(objects) == 0 && len(differences) == 0 {
		return nil
	}
	slices.Sort(differences)
	v.check("the certificates can be read, and SendGrid's dates are those in them", slices.Compact(differences))
	return nil
}

// contentDiffers returns what is wrong with a certificate as SendGrid shows it.
func contentDiffers(c sendgrid.Certificate) []string {
	stored := saml.ParseStored(c.PublicCertificate, c.NotBefore, c.NotAfter)
	if stored.DER == nil {
		return []string{"a certificate cannot be read"}
	}
	if stored.NotBefore.Unix() != c.NotBefore || stored.NotAfter.Unix() != c.NotAfter {
		return []string{"not_before and not_after are not those in the certificate"}
	}
	return nil
}

// formDiffers returns whether a certificate is shown in another form than it was sent.
func formDiffers(sent string, shown sendgrid.Certificate) []string {
	stored := saml.ParseStored(shown.PublicCertificate, shown.NotBefore, shown.NotAfter)
	switch {
	case !isCertificate(sent, stored.DER):
		return []string{"public_certificate is another certificate than was sent"}
	case strings.TrimSpace(shown.PublicCertificate) != strings.TrimSpace(sent):
		return []string{"public_certificate is in another form than was sent"}
	}
	return nil
}

// isCertificate reports whether a PEM block is the certificate der.
func isCertificate(text string, der []byte) bool {
	block, _ := pem.Decode([]byte(text))
	return block != nil && bytes.Equal(block.Bytes, der)
}

// needed returns what the trial's scopes lack.
func needed(scopes []string) error {
	var missing []string
	for _, scope := range []string{sendgrid.ScopeCreate, sendgrid.ScopeRead, sendgrid.ScopeUpdate, sendgrid.ScopeDelete} {
		if !slices.Contains(scopes, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("the API key lacks the scopes %s; nothing was created, because the trial could not be carried out or removed", strings.Join(missing, ", "))
	}
	return nil
}

// try creates an integration for a trial, and removes it.
func (v *verifier) try(ctx context.Context, scopes []string) error {
	if err := needed(scopes); err != nil {
		return err
	}
	t, err := newTrial(v)
	if err != nil {
		return err
	}
	fmt.Fprintf(v.out, "\nThe trial: a disabled integration named %q, with the entity id %s\n", t.want.Name, t.want.EntityID)
	return t.run(ctx)
}
