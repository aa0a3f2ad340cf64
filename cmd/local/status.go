package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/status"
)

// showStatus prints the status of the simulator or, with -live, of an account. It changes nothing. The error
// says that a check is not ok, for scripts.
func showStatus(ctx context.Context, args []string, getenv func(string) string, out, logs io.Writer) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	flags.SetOutput(logs)
	asJSON := flags.Bool("json", false, "print the report as the function returns it")
	live := liveFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	reporter, err := reporterOf(ctx, live, getenv)
	if err != nil {
		return err
	}
	report := reporter.Report(ctx)
	if *asJSON {
		fmt.Fprintln(out, pretty(report))
	} else {
		printReport(out, report)
	}
	if !report.OK {
		return errors.New("not every check is ok")
	}
	return nil
}

// reporterOf returns what reports the status of the account, or of a simulator.
func reporterOf(ctx context.Context, live *live, getenv func(string) string) (handler.Reporter, error) {
	if live.on {
		client, err := live.client(getenv)
		if err != nil {
			return nil, err
		}
		return parts{
			client: client, ledger: &ledger.Memory{}, teammates: getenv("TEAMMATES") == "true",
			breakGlass: strings.FieldsFunc(strings.ToLower(getenv("BREAK_GLASS_TEAMMATES")), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }),
		}.reporter(nil), nil
	}
	secret, err := sampleSecret()
	if err != nil {
		return nil, err
	}
	sim, err := simulated(ctx, newSimulator, nil, secret, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	return sim.handler.Reporter, nil
}

// printReport prints a report as people read it.
func printReport(out io.Writer, report *status.Report) {
	for _, c := range report.Checks {
		fmt.Fprintf(out, "%-6s  %-19s  %s\n", mark(c.OK), c.Name, c.Message)
	}
	fmt.Fprintf(out, "\nConnections: %d\n", len(report.Connections)+report.Omitted)
	for _, c := range report.Connections {
		fmt.Fprintf(out, "  %s  %q, %s", c.EntityID, c.Name, enabledOr(c.Enabled))
		if c.State != "" {
			fmt.Fprintf(out, ", %s", c.State)
		}
		if c.DaysLeft != nil {
			fmt.Fprintf(out, ", days left: %d", *c.DaysLeft)
		}
		fmt.Fprintln(out)
		for _, f := range c.Findings {
			fmt.Fprintf(out, "    %s: %s\n", f.Code, f.Message)
		}
	}
	if report.Teammates != nil {
		fmt.Fprintf(out, "\nTeammates: %d\n", len(report.Teammates))
	}
	for _, t := range report.Teammates {
		fmt.Fprintf(out, "  %s", t.Email)
		if t.IsAdmin {
			fmt.Fprint(out, ", administrator")
		}
		if t.State != "" {
			fmt.Fprintf(out, ", %s", t.State)
		}
		fmt.Fprintln(out)
		for _, f := range t.Findings {
			fmt.Fprintf(out, "    %s: %s\n", f.Code, f.Message)
		}
	}
	for _, f := range report.Findings {
		fmt.Fprintf(out, "\n%s: %s\n", f.Code, f.Message)
	}
}

func mark(ok bool) string {
	if ok {
		return "ok"
	}
	return "NOT OK"
}

func enabledOr(enabled bool) string {
	if enabled {
		return "enabled"
	}
	return "disabled"
}
