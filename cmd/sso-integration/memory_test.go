package main_test

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/internal/lambdatest"
	"sendgrid-sso-integration/internal/saml/samltest"
)

const (
	// metadataBytes is the size of the metadata in each message of the largest batch: a request
	// has at most 256 KiB, and the metadata is nearly all of it.
	metadataBytes = 250 << 10
	// maxPeak is half of the memory that the template gives the function, in MiB.
	maxPeak = 128
)

// A full batch in which every message brings large metadata fits well into the function.
func TestMemoryOfALargeBatch(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the peak of a process is read from /proc")
	}
	w := newWorld(t)
	f := w.start(t)
	_, der := samltest.NewKeyPair("idp", time.Now().Add(-time.Hour), time.Now().Add(365*24*time.Hour))
	var event events.SQSEvent
	for i := range 10 {
		document := string(samltest.Shapes()[0].Build(samltest.Params{
			EntityID: "urn:large:" + strconv.Itoa(i), SigninURL: "https://example.okta.com/sso", SignoutURL: "https://example.okta.com/out",
			Certificates: [][]byte{der},
		}))
		at := strings.LastIndex(document, "</")
		const padding = `<x:Info xmlns:x='urn:example:info' kind='padding'>text</x:Info> `
		document = document[:at] + strings.Repeat(padding, (metadataBytes-len(document))/len(padding)) + document[at:]
		var body strings.Builder
		encoder := json.NewEncoder(&body)
		encoder.SetEscapeHTML(false) // Which would make it larger than a request may be.
		require.NoError(t, encoder.Encode(map[string]any{"name": "Okta", "enabled": true, "saml_metadata": document}))
		event.Records = append(event.Records, events.SQSMessage{MessageId: strconv.Itoa(i), EventSource: "aws:sqs", Body: body.String()})
	}
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	require.Greater(t, len(payload), 9*metadataBytes)
	before := peak(t, f)
	for range 3 {
		response := f.Invoke(payload, timeout)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(response.Body))
	}
	require.Len(t, w.sendGrid.Integrations(), 10)
	after := peak(t, f)
	t.Logf("the peak is %.1f MiB before the batch and %.1f MiB after it", before, after)
	require.Less(t, after, float64(maxPeak))
}

// peak returns the most memory that the process of a function has had, in MiB.
func peak(t *testing.T, f *lambdatest.Function) float64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", f.Process().Pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kilobytes, err := strconv.Atoi(string(found[1]))
	require.NoError(t, err)
	return float64(kilobytes) / 1024
}
