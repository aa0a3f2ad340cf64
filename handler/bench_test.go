package handler_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/handler"
	"sendgrid-sso-integration/internal/delivery"
	"sendgrid-sso-integration/internal/keytest"
	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// BenchmarkInvoke handles warm invocations: everything but the network and AWS is real.
func BenchmarkInvoke(b *testing.B) {
	batch := func(messages int) []byte {
		var event events.SQSEvent
		for i := range messages {
			event.Records = append(event.Records, events.SQSMessage{
				MessageId: strconv.Itoa(i), EventSource: "aws:sqs", Body: strings.Replace(goodRequest, "urn:idp:1", "urn:idp:"+strconv.Itoa(i), 1),
			})
		}
		payload, err := json.Marshal(event)
		require.NoError(b, err)
		return payload
	}
	for _, bb := range []struct {
		name    string
		payload []byte
	}{
		{"direct", []byte(goodRequest)},
		{"message", batch(1)},
		{"batch", batch(10)},
	} {
		for _, fresh := range []bool{true, false} {
			b.Run(bb.name+map[bool]string{true: "/created", false: "/unchanged"}[fresh], func(b *testing.B) {
				entries := &ledger.Memory{}
				server := sendgridtest.New()
				p := &provision.Provisioner{Ledger: entries}
				h := benchHandler(p, server)
				b.ReportAllocs()
				for b.Loop() {
					if fresh {
						b.StopTimer()
						server = sendgridtest.New()
						p = &provision.Provisioner{Ledger: &ledger.Memory{}}
						h = benchHandler(p, server)
						b.StartTimer()
					}
					response, err := h.Invoke(b.Context(), bb.payload)
					if err != nil || strings.Contains(string(response), "itemIdentifier") {
						b.Fatal(string(response), err)
					}
				}
			})
		}
	}
}

// benchHandler returns a handler whose SendGrid is called without a network.
func benchHandler(p *provision.Provisioner, server http.Handler) *handler.Handler {
	p.SendGrid = &sendgrid.Client{Keys: keytest.Fixed("SG.bench"), HTTP: &http.Client{Transport: inProcess{server}}, OnCall: delivery.CountCall}
	return &handler.Handler{Provisioner: p, Logger: slog.New(slog.NewJSONHandler(&logBuffer{}, nil))}
}

// inProcess is a transport that calls a handler.
type inProcess struct{ http.Handler }

func (h inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result(), nil
}
