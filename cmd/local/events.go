package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// invocationTime is the timeout of an invocation, as in the template.
const invocationTime = 28 * time.Second

// runEvents answers events with the real handler, against the simulator or, with -live,
// against SendGrid.
func runEvents(ctx context.Context, args []string, getenv func(string) string, in io.Reader, out, logs io.Writer) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(logs)
	verbose := flags.Bool("v", false, "show the function's log")
	live := liveFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	logger := slog.New(slog.DiscardHandler)
	if *verbose {
		logger = slog.New(slog.NewTextHandler(logs, nil))
	}
	if live.on {
		return live.run(ctx, flags.Args(), getenv, logger, in, out)
	}

	files := flags.Args()
	if len(files) == 0 {
		var err error
		if files, err = samples(); err != nil {
			return err
		}
	}
	secret, err := sampleSecret()
	if err != nil {
		return err
	}
	h, sg, err := simulated(ctx, secret, logger)
	if err != nil {
		return err
	}
	err = answerAll(ctx, h, files, out)
	printHoldings(out, sg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d event(s) answered as expected; those in events/refused/ are refused on purpose.\n", len(files))
	return nil
}

// samples lists the sample events: first those that are meant to succeed, then those that
// are meant to be refused.
func samples() ([]string, error) {
	all, err := filepath.Glob("events/*.json")
	if err != nil {
		return nil, err
	}
	var files []string
	for _, file := range all {
		if !strings.HasPrefix(filepath.Base(file), "local.") {
			files = append(files, file)
		}
	}
	refused, err := filepath.Glob("events/refused/*.json")
	if len(files) == 0 {
		return nil, errors.New("there are no samples in events/; run this at the root of the repository")
	}
	return append(files, refused...), err
}

// listenAndServe serves h on a free port of this machine until ctx ends.
func listenAndServe(ctx context.Context, h http.Handler) (url string, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(listener) }() // It ends with ctx, and its clients see whatever ends it earlier.
	return "http://" + listener.Addr().String(), nil
}

// answerAll answers the events in order and prints the answers. The error names every
// event whose answer is not the expected one: success, or in the folder "refused" the code
// that the file is named after.
func answerAll(ctx context.Context, h *handler.Handler, files []string, out io.Writer) error {
	var wrong []error
	for _, file := range files {
		if ctx.Err() != nil { // Somebody pressed Ctrl-C.
			wrong = append(wrong, ctx.Err())
			break
		}
		payload, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		answer := invoke(ctx, h, payload)
		fmt.Fprintf(out, "\n── %s · trigger %s\n%s\n", file, handler.Recognise(payload), answer.text)
		expected := ""
		if filepath.Base(filepath.Dir(file)) == "refused" {
			expected = strings.TrimSuffix(filepath.Base(file), ".json")
		}
		if answer.code != expected {
			wrong = append(wrong, fmt.Errorf("%s: expected %s, got %s", file, orSuccess(expected), orSuccess(answer.code)))
		}
	}
	return errors.Join(wrong...)
}

func orSuccess(code string) string {
	if code == "" {
		return "success"
	}
	return code
}

// answer is what a caller gets: a text, and the code if it is a failure.
type answer struct {
	text string
	code string
}

// invoke answers one event in the context that Lambda gives an invocation.
func invoke(ctx context.Context, h *handler.Handler, payload []byte) answer {
	ctx, cancel := context.WithTimeout(ctx, invocationTime)
	defer cancel()
	ctx = lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: "local-" + time.Now().UTC().Format("150405.000000")})

	data, err := h.Invoke(ctx, payload)
	var failure messages.InvokeResponse_Error
	if errors.As(err, &failure) {
		return answer{text: "function error " + pretty(failure), code: failure.Type}
	}
	var gateway struct {
		StatusCode int               `json:"statusCode"`
		Headers    map[string]string `json:"headers"`
		Body       string            `json:"body"`
	}
	if json.Unmarshal(data, &gateway) == nil && gateway.StatusCode != 0 {
		var problem struct {
			Code string `json:"code"`
		}
		_ = json.Unmarshal([]byte(gateway.Body), &problem) // A success has no code.
		return answer{text: httpText(gateway.StatusCode, gateway.Headers, gateway.Body), code: problem.Code}
	}
	var batch events.SQSEventResponse
	if json.Unmarshal(data, &batch) == nil && len(batch.BatchItemFailures) > 0 {
		return answer{text: pretty(json.RawMessage(data)), code: "BatchItemFailures"}
	}
	return answer{text: pretty(json.RawMessage(data))}
}

func httpText(status int, headers map[string]string, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d %s\n", status, http.StatusText(status))
	for _, name := range []string{"Location", "Allow", "WWW-Authenticate", "Accept-Post", "Retry-After", "Content-Type"} {
		if value, ok := headers[name]; ok {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	return b.String() + pretty(json.RawMessage(body))
}

// pretty indents JSON without escaping what no browser will see.
func pretty(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimRight(b.String(), "\n")
}

func printHoldings(out io.Writer, sg *sendgridtest.Server) {
	held := sg.Integrations()
	fmt.Fprintf(out, "\n── SendGrid now holds %d integration(s)\n", len(held))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, i := range held {
		fmt.Fprintf(table, "%s\t%s\t%s\n", i.ID, i.EntityID, i.Name)
	}
	_ = table.Flush() // If the terminal is gone, there is nowhere to report that.
}
