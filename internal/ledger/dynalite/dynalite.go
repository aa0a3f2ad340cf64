// Package dynalite starts a local DynamoDB for tests. It needs Node.js and what "make test"
// installs from npm.
package dynalite

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
)

const startTimeout = 10 * time.Second

// Server is a running dynalite.
type Server struct {
	// Endpoint is its URL, for AWS_ENDPOINT_URL_DYNAMODB.
	Endpoint string
}

// Start starts a server that ends with the test. Where Node.js or dynalite is missing the
// test is skipped, but in CI, where nobody would notice, it fails.
func Start(tb testing.TB) Server {
	tb.Helper()
	_, file, _, _ := runtime.Caller(0)
	dir := filepath.Join(filepath.Dir(file), "..", "testdata", "dynalite")
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "node_modules", "dynalite"))
	}
	if err != nil {
		const message = "this test needs Node.js 20 or newer, and dynalite, which \"make test\" installs: "
		if os.Getenv("CI") != "" {
			require.FailNow(tb, message+err.Error())
		}
		tb.Skip(message + err.Error())
	}
	process := exec.CommandContext(context.Background(), node, "serve.js") //nolint:gosec // It is the node of this machine.
	process.Dir, process.Stderr = dir, os.Stderr
	stdin, err := process.StdinPipe()
	require.NoError(tb, err)
	stdout, err := process.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, process.Start())
	tb.Cleanup(func() {
		_ = stdin.Close()
		_ = process.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(tb, err, "dynalite does not start")
	return Server{Endpoint: "http://127.0.0.1:" + strings.TrimSpace(port)}
}

// Client returns a client of the server.
func (s Server) Client() *dynamodb.Client {
	return dynamodb.New(dynamodb.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(s.Endpoint),
		Credentials:  credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
}

// CreateTable creates a table with the key that the template gives it.
func (s Server) CreateTable(tb testing.TB, name string) {
	tb.Helper()
	client := s.Client()
	_, err := client.CreateTable(context.Background(), &dynamodb.CreateTableInput{
		TableName:            aws.String(name),
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("key"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("key"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(tb, err)
	require.Eventually(tb, func() bool {
		out, err := client.DescribeTable(context.Background(), &dynamodb.DescribeTableInput{TableName: aws.String(name)})
		return err == nil && out.Table.TableStatus == types.TableStatusActive
	}, startTimeout, startTimeout/1000, "the table is created")
}
