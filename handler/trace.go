package handler

import (
	"context"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"
)

// requestID returns the id of the invocation, under which the log is found.
func requestID(ctx context.Context) string {
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// traceHeader returns the X-Ray header of the invocation, where aws-lambda-go keeps it.
func traceHeader(ctx context.Context) string {
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	return header
}

// traceID returns the id of the trace in that header: "Root=1-…;Parent=…;Sampled=1".
func traceID(ctx context.Context) string {
	for part := range strings.SplitSeq(traceHeader(ctx), ";") {
		if id, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return id
		}
	}
	return ""
}
