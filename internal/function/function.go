// Package function starts a Lambda function.
package function

import (
	"context"
	"log/slog"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// Build builds the handler of a function from its environment, and prepares for the first event.
type Build func(ctx context.Context, getenv func(string) string, logger *slog.Logger) (lambda.Handler, error)

// Start has the handler built, once, and handles events until the process ends. It logs and
// returns the error if the function cannot start.
func Start(version string, getenv func(string) string, build Build) error {
	logger := slog.New(lambdacontext.NewLogHandler())
	// Package log, with which the runtime library and net/http report errors, then writes JSON too.
	slog.SetDefault(logger)
	// Garbage collection would take a fifth of the start, and there is hardly any garbage yet.
	garbage := debug.SetGCPercent(-1)
	ctx := context.Background()
	handler, err := build(ctx, getenv, logger)
	if err != nil {
		logger.ErrorContext(ctx, "the function cannot start", slog.Any("error", err))
		return err
	}
	debug.SetGCPercent(garbage)
	logger.InfoContext(ctx, "the function has started", slog.String("version", version))
	lambda.StartWithOptions(handler, lambda.WithContext(ctx))
	return nil
}
