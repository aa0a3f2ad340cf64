package protocol

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The report of an audit ends its renewal, unless a certificate may still be on its way.
func TestReportEndsARenewal(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		state       State
		certificate string
		rechecked   bool
		ends        bool
	}{
		"updated":                       {state: Pending, ends: true},
		"an update of unknown outcome":  {state: Unknown, ends: true}, // It has settled.
		"a certificate was announced":   {state: Adding, certificate: "a"},
		"a certificate got no response": {state: Unknown, certificate: "a"},
		"it was looked for twice":       {state: Unknown, certificate: "a", rechecked: true, ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := Entry{IntegrationID: "1", Renewing: true, State: tt.state, Certificate: tt.certificate, Rechecked: tt.rechecked}
			after := before.Report(began, "findings")
			require.Equal(t, began, after.Audited)
			require.Equal(t, "findings", after.Findings)
			require.Equal(t, tt.ends, after.State == Completed && !after.Renewing)
			before.Renewing = false
			require.Equal(t, tt.state, before.Report(began, "").State, "a request's steps stay")
		})
	}
}
