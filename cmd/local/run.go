package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// runEvents handles events with the real handler, against the simulator or, with -live,
// against SendGrid.
func runEvents(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, logs io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(logs)
	verbose := flags.Bool("v", false, "show the body of every response, and the function's log")
	live := liveFlags(flags)
	flags.BoolVar(&live.yes, "yes", false, "with -live: do not ask before creating")
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(logTo(logs, *verbose))
	if live.on {
		return live.run(ctx, flags.Args(), getenv, logger, in, out)
	}

	all, err := samples()
	if err != nil {
		return err
	}
	files := flags.Args()
	if len(files) == 0 {
		files = all
	}
	secret, err := sampleSecret()
	if err != nil {
		return err
	}
	sim, err := simulated(ctx, newSimulator, bundledMetadata{newFetcher()}, secret, logger)
	if err != nil {
		return err
	}
	r := &runner{handler: sim.handler, out: out, bodies: *verbose || len(files) == 1, expect: func(file string) expectation { return expectationOf(file, all) }}
	err = r.handleAll(ctx, files)
	if r.bodies && ctx.Err() == nil {
		printIntegrations(out, sim.sendGrid)
	}
	if err != nil || len(flags.Args()) > 0 {
		return err
	}
	fmt.Fprintf(out, "\n%d samples were handled as expected; those in events/refused are refused on purpose.\n", len(files))
	return countIntegrations(out, sim.sendGrid)
}

// logTo returns where the function's log goes: nowhere, unless it is asked for.
func logTo(logs io.Writer, verbose bool) slog.Handler {
	if verbose {
		return slog.NewTextHandler(logs, nil)
	}
	return slog.DiscardHandler
}

// runner handles events one after the other and reports each of them.
type runner struct {
	handler *handler.Handler
	out     io.Writer
	// bodies reports whether all responses are shown, not only those to what fails unexpectedly.
	bodies bool
	expect func(file string) expectation
}

// handleAll handles the events in order. The error names every event whose response is not
// the expected one.
func (r *runner) handleAll(ctx context.Context, files []string) error {
	var wrong []error
	t := newTable(r.out, files)
	t.heading()
	for _, file := range files {
		if ctx.Err() != nil { // Ctrl-C was pressed.
			wrong = append(wrong, ctx.Err())
			break
		}
		payload, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		a := invoke(ctx, r.handler, payload)
		t.rows(file, a)
		expected, code := r.expect(file), a.failed()
		if r.bodies || code != "" && code != expected.code {
			fmt.Fprintf(r.out, "\n%s\n\n", a.text())
		}
		if !expected.met(a.code()) {
			wrong = append(wrong, fmt.Errorf("%s: expected %s, got %s", file, orSuccess(expected.code), orSuccess(a.code())))
		}
		if expected.open && code != "" {
			fmt.Fprintf(r.out, "%s\n\n", explain(file, a))
			wrong = append(wrong, fmt.Errorf("%s: %s", file, code)) // A script has to notice it.
		}
	}
	return errors.Join(wrong...)
}

// explain returns what the author of a request that was not carried out has to do.
func explain(file string, a response) string {
	for _, d := range a.deliveries {
		if d.Failure == nil {
			continue
		}
		if d.Failure.Retryable() {
			return fmt.Sprintf("%s failed with %s. The function works; a retry may help, and in Lambda there would be one.", file, d.Failure.Code)
		}
		does := "the response says what to do."
		if a.http == nil && a.err == nil {
			does = "a message has no response, but the log says: " + d.Failure.Public()
		}
		return fmt.Sprintf("%s was refused with %s: the function works, and %s", file, d.Failure.Code, does)
	}
	return fmt.Sprintf("%s was refused with %s.", file, a.code())
}

// countIntegrations reports how many integrations SendGrid has, and returns an error if there
// are two for one entity id.
func countIntegrations(out io.Writer, sg *sendgridtest.Server) error {
	all, seen := sg.Integrations(), map[string]bool{}
	for _, i := range all {
		if i.EntityID != "" && seen[i.EntityID] {
			return fmt.Errorf("SendGrid has two integrations for %s", i.EntityID)
		}
		seen[i.EntityID] = true
	}
	fmt.Fprintf(out, "SendGrid has %d integrations, and none twice. VERBOSE=1 shows the responses.\n", len(all))
	return nil
}

func printIntegrations(out io.Writer, sg *sendgridtest.Server) {
	fmt.Fprintln(out, "SendGrid now has:")
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "  ENTITY ID\tCERTIFICATES\tNAME")
	for _, i := range sg.Integrations() {
		fmt.Fprintf(table, "  %s\t%d\t%s\n", i.EntityID, len(sg.Certificates(i.ID)), i.Name)
	}
	_ = table.Flush() // If the terminal is gone, there is nowhere to report that.
}
