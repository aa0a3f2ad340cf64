package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"sendgrid-sso-integration/internal/refusal"
)

const explainUsage = `Usage of explain:

  read -rs SENDGRID_API_KEY && export SENDGRID_API_KEY
  go run ./cmd/local explain -connection NAME response.txt

It says why SendGrid refuses a SAML response, and what to do. The response is what the browser
posts to SendGrid: in the browser's developer tools, the value of SAMLResponse in the request
whose URL has /sso/saml/response/. A file may have it in base64, escaped for a URL, or as XML;
without a file it is read from standard input, as from pbpaste. Do not paste it into a terminal,
which cuts long lines off.

  -connection NAME    the integration's id, entity_id or name, in the account of SENDGRID_API_KEY
  -integration FILE   the connection from a file instead; nothing is sent to anybody then
  -now TIME           judge the response at this time (2006-01-02T15:04:05Z), or "now"

A response is valid for some minutes, and a pasted one is older. So its times are judged at the
time when it was issued, by the identity provider's own clock, and the certificates both then and
now. With -now, everything is judged at that time: give the time at which the login failed, by a
clock that is right, to find out whether the identity provider's clock is wrong.

FILE has what SendGrid returns, as one object:
  {"integration": GET /v3/sso/integrations/ID, "certificates": GET /v3/sso/integrations/ID/certificates}

It only reads; a key with the scope sso.settings.read is enough. The account is that of the key and
of the function's own variables SENDGRID_REGION, SENDGRID_BASE_URL and SENDGRID_ON_BEHALF_OF. The
exit status is 1 if there is a reason.
`

// explainTime bounds the whole command. The certificates of hundreds of integrations take minutes.
const explainTime = 5 * time.Minute

// explainFlags are the flags of the command.
type explainFlags struct {
	connection, integration, now string
	// file is where the response is; empty for standard input.
	file string
}

func parseExplain(args []string, logs io.Writer) (f explainFlags, err error) {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	flags.SetOutput(logs)
	flags.Usage = func() { fmt.Fprint(logs, explainUsage) }
	flags.StringVar(&f.connection, "connection", "", "")
	flags.StringVar(&f.integration, "integration", "", "")
	flags.StringVar(&f.now, "now", "", "")
	if err := flags.Parse(args); err != nil {
		return f, err
	}
	switch {
	case flags.NArg() > 1:
		return f, errors.New("explain takes one file, after the flags")
	case (f.connection == "") == (f.integration == ""):
		return f, errors.New("explain needs either -connection, with an id, entity_id or name, or -integration with a file")
	}
	f.file = flags.Arg(0)
	return f, nil
}

// explainResponse prints why SendGrid refuses a SAML response.
func explainResponse(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, logs io.Writer) error {
	flags, err := parseExplain(args, logs)
	if err != nil {
		return err
	}
	asked := refusal.Question{Now: time.Now()}
	if asked.At, err = flags.at(asked.Now); err != nil {
		return err
	}
	if asked.Pasted, err = pasted(flags.file, in, logs); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, explainTime)
	defer cancel()
	if flags.integration != "" {
		err = fromFile(flags.integration, &asked)
	} else {
		err = fromAccount(ctx, flags.connection, getenv, logs, &asked)
	}
	if err != nil {
		return err
	}
	return printVerdict(out, asked, refusal.Explain(asked))
}

// at returns the time at which the response is judged; zero for the one when it was issued.
func (f explainFlags) at(now time.Time) (time.Time, error) {
	switch f.now {
	case "":
		return time.Time{}, nil
	case "now":
		return now, nil
	}
	at, err := time.Parse(time.RFC3339, f.now)
	if err != nil {
		return at, fmt.Errorf(`-now has to be "now" or a time such as %s`, now.UTC().Format(time.RFC3339))
	}
	return at, nil
}

// pasted reads the response, up to the size that a response can have.
func pasted(file string, in io.Reader, logs io.Writer) ([]byte, error) {
	if file != "" && file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer func() { _ = opened.Close() }() // Nothing was written.
		in = opened
	} else if isTerminal(in) {
		fmt.Fprintln(logs, "Reading the response from the terminal, which cuts long lines off; better give a file. Ctrl-D ends it.")
	}
	return io.ReadAll(io.LimitReader(in, refusal.MaxBytes+1))
}

func isTerminal(in io.Reader) bool {
	file, is := in.(*os.File)
	if !is {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
