// Package awsconfig loads the configuration of the AWS SDK that both functions use.
package awsconfig

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"
)

// responseTimeout bounds the wait for a response of AWS on one connection. Its services respond
// within milliseconds. If one does not, the connection most likely died while the process was
// frozen, and the SDK tries again on another.
const responseTimeout = 2 * time.Second

// Load loads the SDK's configuration from the environment. The SDK logs to logger; its own
// logger writes plain text.
func Load(ctx context.Context, logger *slog.Logger) (aws.Config, error) {
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.ResponseHeaderTimeout = responseTimeout
	})
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithHTTPClient(client),
		config.WithLogger(logging.StandardLogger{Logger: slog.NewLogLogger(logger.Handler(), slog.LevelWarn)}))
	if err != nil {
		return aws.Config{}, fmt.Errorf("load the AWS configuration: %w", err)
	}
	return cfg, nil
}
