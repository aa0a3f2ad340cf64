package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// adoptIn prints the requests of an account of ten within a bubble, whose clock is its own.
func adoptIn(ctx context.Context, t *testing.T, script func(*sendgridtest.Server)) (printed int, sg *sendgridtest.Server, took time.Duration, err error) {
	t.Helper()
	var all []handMade
	for n := range 10 {
		all = append(all, connection(fmt.Sprint(n)))
	}
	sg, _ = madeByHand(all...)
	script(sg)
	network := sendgridtest.NewNetwork(sg)
	defer network.Close()
	var out output
	a := &adopter{reader: reader{client: &sendgrid.Client{Keys: fixedKey(apiKey), HTTP: network.HTTPClient()}, logs: &output{}}, out: &out, logs: &output{}}
	start := time.Now()
	err = a.run(ctx)
	require.Len(t, linesOf(out.String()), a.printed)
	return a.printed, sg, time.Since(start), err
}

func TestAdoptWaitsForSendGrid(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script func(*sendgridtest.Server)
		least  time.Duration
		most   time.Duration
	}{
		"nothing to wait for": {func(*sendgridtest.Server) {}, 0, 0},
		"a rate limit":        {func(sg *sendgridtest.Server) { sg.SetRateLimit(4, time.Minute) }, time.Minute, 4 * time.Minute},
		"a shared rate limit": {func(sg *sendgridtest.Server) { sg.SetRateLimit(4, time.Minute); sg.ShareRateLimit(true) }, time.Minute, 5 * time.Minute},
		"a refusal without a reset": {func(sg *sendgridtest.Server) {
			sg.Script(sendgridtest.Fault{Times: 3, Status: http.StatusTooManyRequests, Header: map[string]string{"X-RateLimit-Reset": ""}})
		}, 3 * unknownReset, 3*unknownReset + 3*maxPause},
		"a short outage": {func(sg *sendgridtest.Server) {
			sg.Script(sendgridtest.Fault{Times: maxReads - 1, Status: http.StatusBadGateway})
		}, 0, 3 * maxPause},
		"lost responses": {func(sg *sendgridtest.Server) { sg.Script(sendgridtest.Fault{Times: maxReads - 1, Drop: true}) }, 0, 3 * maxPause},
		"a call that hangs": {func(sg *sendgridtest.Server) {
			sg.Script(sendgridtest.Fault{Op: sendgrid.OpListCertificates, Delay: time.Hour})
		}, readTime, readTime + maxPause},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				printed, _, took, err := adoptIn(t.Context(), t, tt.script)
				require.NoError(t, err)
				require.Equal(t, 10, printed)
				require.GreaterOrEqual(t, took, tt.least)
				require.LessOrEqual(t, took, tt.most)
			})
		})
	}
}

func TestAdoptCannotRead(t *testing.T) {
	t.Parallel()
	certificates := func(f sendgridtest.Fault) func(*sendgridtest.Server) {
		f.Op = sendgrid.OpListCertificates
		return func(sg *sendgridtest.Server) { sg.Script(f) }
	}
	for name, tt := range map[string]struct {
		script  func(*sendgridtest.Server)
		printed int
		// asked is how often certificates are listed.
		asked int
	}{
		"the list": {func(sg *sendgridtest.Server) { sg.Script(sendgridtest.Fault{Times: -1, Status: http.StatusBadGateway}) }, 0, 0},
		"another response": {func(sg *sendgridtest.Server) {
			sg.Script(sendgridtest.Fault{Times: -1, Status: http.StatusOK, Body: "<html>"})
		}, 0, 0},
		"no certificates":            {certificates(sendgridtest.Fault{Times: -1, Status: http.StatusBadGateway}), 0, maxUnread * maxReads},
		"those of one":               {certificates(sendgridtest.Fault{Skip: 2, Times: maxReads, Status: http.StatusBadGateway}), 9, 9 + maxReads},
		"those of one that is gone":  {certificates(sendgridtest.Fault{Skip: 2, Status: http.StatusNotFound}), 9, 10},
		"the key is revoked":         {certificates(sendgridtest.Fault{Skip: 2, Times: -1, Status: http.StatusUnauthorized}), 2, 3},
		"the key lacks a permission": {certificates(sendgridtest.Fault{Skip: 2, Times: -1, Status: http.StatusForbidden}), 2, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				printed, sg, took, err := adoptIn(t.Context(), t, tt.script)
				require.Error(t, err)
				require.Equal(t, tt.printed, printed)
				require.Equal(t, tt.asked, sg.Count(sendgrid.OpListCertificates))
				require.LessOrEqual(t, took, maxUnread*maxReads*maxPause)
			})
		})
	}
}

// It ends at the end of its time, and when it is interrupted, whatever it waits for.
func TestAdoptEnds(t *testing.T) {
	t.Parallel()
	hang := func(sg *sendgridtest.Server) { sg.Script(sendgridtest.Fault{Times: -1, Skip: 3, Delay: time.Hour}) }
	limit := func(sg *sendgridtest.Server) { sg.SetRateLimit(2, time.Hour) }
	for name, script := range map[string]func(*sendgridtest.Server){"a call": hang, "a rate limit": limit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				_, _, took, err := adoptIn(ctx, t, script)
				require.Error(t, err)
				require.LessOrEqual(t, took, 5*time.Second)
			})
			synctest.Test(t, func(t *testing.T) {
				ctx, interrupt := context.WithCancel(t.Context())
				time.AfterFunc(5*time.Second, interrupt)
				_, _, took, err := adoptIn(ctx, t, script)
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, 5*time.Second, took)
			})
		})
	}
}
