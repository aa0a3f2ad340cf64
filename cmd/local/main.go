// Command local runs the function on a laptop, with neither AWS nor Docker, and prints the requests for
// an account that was set up without it. It also explains why people cannot log in.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const usage = `usage: local <command> [flags]

  run [-live] [event.json ...]   handle events in process; without files, all the samples
  status [-live]                 show what is wrong with an account and its connections
  demo                           show what the function does, and check it
  serve [-port N]                serve the HTTP API on localhost
  simulator [-port N]            serve SendGrid and Secrets Manager for "sam local"
  adopt                          print requests for the integrations that SendGrid has
  explain [response]             say why SendGrid refuses a SAML response
  verify-live [-write]           compare what SendGrid returns with what the function assumes

"local <command> -h" lists a command's flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "local:", err)
		os.Exit(1)
	}
}

// run carries out one command. The environment is read only for what calls the real SendGrid.
func run(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, logs io.Writer) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch args[0] {
	case "-h", "-help", "--help", "help":
		fmt.Fprint(logs, usage)
		return flag.ErrHelp
	case "run":
		return runEvents(ctx, args[1:], getenv, in, out, logs)
	case "status":
		return showStatus(ctx, args[1:], getenv, out, logs)
	case "demo":
		return demo(ctx, args[1:], out, logs)
	case "serve":
		return serve(ctx, args[1:], out, logs)
	case "simulator":
		return simulate(ctx, args[1:], out, logs)
	case "adopt":
		return adopt(ctx, args[1:], getenv, out, logs)
	case "explain":
		return explainResponse(ctx, args[1:], getenv, in, out, logs)
	case "verify-live":
		return verifyLive(ctx, args[1:], getenv, out, logs)
	default:
		fmt.Fprint(logs, usage)
		return fmt.Errorf("there is no command %q", args[0])
	}
}
