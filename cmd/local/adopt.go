package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/account"
	"sendgrid-sso-integration/sendgrid"
)

const adoptUsage = `Usage of adopt:

  read -rs SENDGRID_API_KEY && export SENDGRID_API_KEY
  go run ./cmd/local adopt >requests.jsonl

It prints one request a line, for each integration of the account: the request that finds the
integration as it is. It only reads; a key with the scope sso.settings.read is enough. What a
person has to look at is on standard error.

The account is that of the key and of the function's own variables SENDGRID_REGION,
SENDGRID_BASE_URL and SENDGRID_ON_BEHALF_OF.
`

// afterAdopt is what to do with the requests.
const afterAdopt = `
Look through the requests, and send each of them to the function, whose name is the output
FunctionName of its stack. It responds to each that nobody has edited with "unchanged":

  while read -r REQUEST; do
    aws lambda invoke --function-name "$FUNCTION_NAME" --cli-binary-format raw-in-base64-out \
      --payload file:///dev/stdin result.json <<<"$REQUEST" >/dev/null &&
      jq -r '[.outcome // .errorType, .integration.name // .errorMessage] | @tsv' result.json
  done <requests.jsonl

With saml_metadata_url in place of public_certificate, a certificate renews by itself; see
docs/certificates.md. The rest is in docs/operations.md, "Connections made by hand".
`

const (
	// adoptTime bounds the whole command. Hundreds of integrations take some minutes.
	adoptTime = 15 * time.Minute
	// maxUnread is how many integrations may be unreadable before the command ends: then SendGrid
	// has an outage.
	maxUnread = 3
)

// adopt prints, for each integration of an account, the request that finds it as it is. Once that
// request is sent to the function, a connection that was created by hand is managed.
func adopt(ctx context.Context, args []string, getenv func(string) string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("adopt", flag.ContinueOnError)
	flags.SetOutput(logs)
	flags.Usage = func() { fmt.Fprint(logs, adoptUsage) }
	if err := flags.Parse(args); err != nil {
		return err
	}
	client, err := accountClient("adopt", getenv)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, adoptTime)
	defer cancel()
	a := &adopter{reader: reader{client: client, logs: logs}, out: out, logs: logs}
	return a.run(ctx)
}

// accountClient returns a client for the account that the environment names.
func accountClient(command string, getenv func(string) string) (*sendgrid.Client, error) {
	key := strings.TrimSpace(getenv("SENDGRID_API_KEY"))
	if key == "" {
		return nil, fmt.Errorf("%s needs the API key in SENDGRID_API_KEY; the scope sso.settings.read is enough", command)
	}
	return newClient(key, getenv)
}

// newClient returns a client with an API key, for the account of the function's own variables.
func newClient(key string, getenv func(string) string) (*sendgrid.Client, error) {
	actsOn, problems := account.Read(getenv)
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	return &sendgrid.Client{Keys: fixedKey(key), BaseURL: actsOn.BaseURL, OnBehalfOf: actsOn.OnBehalfOf, UserAgent: userAgent}, nil
}

// adopter prints the requests of one account.
type adopter struct {
	reader    reader
	out, logs io.Writer
	// printed counts the requests, and unread the integrations whose certificates could not be read.
	printed, unread int
}

func (a *adopter) run(ctx context.Context) error {
	integrations, err := a.reader.integrations(ctx)
	if err != nil {
		return whatToDo(ctx, err)
	}
	sharing := byEntityID(integrations)
	for _, i := range integrations {
		if err := unadoptable(i, sharing[i.EntityID]); err != nil {
			a.leaveOut(i, err)
			continue
		}
		if err := a.adopt(ctx, i); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.logs, "%d of %d integrations are printed.\n", a.printed, len(integrations))
	if a.printed > 0 {
		fmt.Fprint(a.logs, afterAdopt)
	}
	if a.unread > 0 {
		return fmt.Errorf("SendGrid did not show the certificates of %d integration(s); run this again for them", a.unread)
	}
	return nil
}

// adopt prints the request for an integration, unless there is none. Errors are those after which
// the other integrations cannot be read either.
func (a *adopter) adopt(ctx context.Context, i sendgrid.Integration) error {
	certificates, err := a.reader.certificates(ctx, i.ID)
	if err != nil {
		if a.unread++; a.unread == maxUnread || concernsAll(ctx, err) {
			return whatToDo(ctx, err)
		}
		a.leaveOut(i, fmt.Errorf("its certificates could not be read: %w", err))
		return nil
	}
	line, remarks, err := requestFor(ctx, i, certificates, time.Now())
	if err != nil {
		a.leaveOut(i, err)
		return nil
	}
	for _, remark := range remarks {
		fmt.Fprintf(a.logs, "%s: %s\n", label(i), remark)
	}
	a.printed++
	_, err = a.out.Write(line) // A request that is missing in a full file must not go unnoticed.
	return err
}

func (a *adopter) leaveOut(i sendgrid.Integration, why error) {
	fmt.Fprintf(a.logs, "%s: not printed: %v\n", label(i), why)
}
