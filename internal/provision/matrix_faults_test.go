package provision_test

import (
	"context"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"sendgrid-sso-integration/sendgrid"
	"sendgrid-sso-integration/sendgrid/sendgridtest"
)

// moment is when a fault strikes: before SendGrid is asked to create, while it is and it
// does not, or so that the create happens and its outcome is hidden.
type moment string

const (
	beforeWrite moment = "before"
	duringWrite moment = "during"
	afterWrite  moment = "after"
)

// fault is one way in which the world goes wrong. It stays that way until it is mended,
// or with once, until it has struck once.
type fault struct {
	name string
	// final tells that a request may end rejected for it: a retry cannot help until a
	// person has done something.
	final  bool
	strike func(w *matrixWorld, at moment, once bool)
}

func times(once bool) int {
	if once {
		return 1
	}
	return -1
}

// answers is the fault of SendGrid answering in some way. Where hides is set, the create
// may have happened behind that answer; where it is not, the answer is a plain refusal,
// and the moment after the create is when one looks what came of it.
func answers(name string, hides bool, f sendgridtest.Fault) fault {
	return fault{name: name, strike: func(w *matrixWorld, at moment, once bool) {
		f := f
		f.Times = times(once)
		switch {
		case at == beforeWrite:
			f.Op = sendgrid.OpListIntegrations
		case at == duringWrite:
			f.Op = w.scenario.write
		case hides:
			f.Op, f.Commit = w.scenario.write, true
		default:
			w.sendGrid.Script(sendgridtest.Fault{Op: w.scenario.write, Commit: true, Drop: true})
			f.Op, f.Skip = w.scenario.reconcile, w.scenario.readsBefore
		}
		w.sendGrid.Script(f)
	}}
}

func status(code int, headers map[string]string) sendgridtest.Fault {
	return sendgridtest.Fault{Status: code, Header: headers, Body: `[{"message":"no","field":null}]`}
}

// resetIn is the header of a rate limit that resets after so many seconds.
func resetIn(seconds int64) map[string]string {
	// A bubble's clock begins in the year 2000, and nothing passes before the fault.
	return map[string]string{"X-RateLimit-Reset": strconv.FormatInt(time.Now().Unix()+seconds, 10)}
}

// breaks is the fault of connections that cannot be had, or break at once. For it to meet
// the create, the connection of the list before it has to end.
func breaks(name string, arm func(n *sendgridtest.Network, times int)) fault {
	return fault{name: name, strike: func(w *matrixWorld, at moment, once bool) {
		count := 1
		if !once {
			count = 1000
		}
		closing := sendgridtest.Fault{Op: sendgrid.OpListIntegrations, Times: -1, Header: map[string]string{"Connection": "close"}}
		switch at {
		case beforeWrite:
			arm(w.network, count)
		case duringWrite:
			w.sendGrid.Script(closing)
			w.afterCall(sendgrid.OpListIntegrations, func() { arm(w.network, count) })
		case afterWrite:
			w.sendGrid.Script(sendgridtest.Fault{Op: w.scenario.write, Commit: true, Drop: true})
			w.afterCall(w.scenario.write, func() { arm(w.network, count) })
		}
	}}
}

// ledgerFault is the fault of a ledger whose write of a step fails.
func ledgerFault(step string, failure ledgerFailure) fault {
	return fault{name: "ledger: " + step + " " + string(failure), strike: func(w *matrixWorld, at moment, once bool) {
		if at == afterWrite {
			w.sendGrid.Script(sendgridtest.Fault{Op: w.scenario.write, Commit: true, Drop: true})
		}
		if at == duringWrite {
			w.sendGrid.Script(sendgridtest.Fault{Op: w.scenario.write, Status: http.StatusBadGateway})
		}
		w.faultyLedger.fail(step, failure, times(once))
	}}
}

// faults lists every fault of the matrix.
func faults(s scenario) []fault {
	list := []fault{
		breaks("connection refused", func(n *sendgridtest.Network, times int) { n.FailDials(times, nil) }),
		breaks("DNS fails", func(n *sendgridtest.Network, times int) {
			n.FailDials(times, &net.DNSError{Err: "no such host", Name: "api.sendgrid.com", IsNotFound: true})
		}),
		breaks("TLS fails", func(n *sendgridtest.Network, times int) { n.FailHandshakes(times) }),
		breaks("reset before the request", func(n *sendgridtest.Network, times int) { n.ResetAfterDial(times) }),
		answers("reset after the request", true, sendgridtest.Fault{Drop: true}),
		answers("truncated JSON", true, sendgridtest.Fault{Truncate: true}),
		answers("200 with HTML", true, sendgridtest.Fault{Status: 200, Body: "<html>ok</html>", Header: map[string]string{"Content-Type": "text/html"}}),
		answers("200 with nothing", true, sendgridtest.Fault{Status: 200}),
		answers("200 without an id", true, sendgridtest.Fault{Status: 200, Body: `{"name":"Okta"}`}),
		answers("500", true, status(500, nil)),
		answers("502 with HTML", true, sendgridtest.Fault{Status: 502, Body: "<html>bad gateway</html>"}),
		answers("503", true, status(503, nil)),
		answers("504", true, status(504, nil)),
		answers("404", true, status(404, nil)),
		answers("409", true, status(409, nil)),
		answers("307", true, sendgridtest.Fault{Status: 307, Header: map[string]string{"Location": "https://elsewhere.example.com/"}}),
		answers("slow beyond the deadline", true, sendgridtest.Fault{Delay: time.Hour}),
		answers("slow within the deadline", true, sendgridtest.Fault{Delay: 5 * time.Second}),
		commitsLate(),
		answers("429 with a near reset", false, status(429, resetIn(2))),
		answers("429 with a far reset", false, status(429, resetIn(300))),
		answers("429 without a reset", false, status(429, map[string]string{"X-RateLimit-Reset": ""})),
		answers("429 with an absurd reset", false, status(429, resetIn(1<<40))),
		final(answers("401 and no newer key", false, status(401, nil))),
		final(rotated(answers("401 and a newer key", false, status(401, nil)))),
		final(answers("403", false, status(403, nil))),
		final(answers("400", false, status(400, nil))),
	}
	for _, step := range []string{stepTake, s.announced, stepCompleted, stepUnknown, stepRelease} {
		for _, failure := range []ledgerFailure{notWritten, written, writtenLate, copiedLate} {
			list = append(list, ledgerFault(step, failure))
		}
	}
	return list
}

func final(f fault) fault {
	f.final = true
	return f
}

// rotated lets there be a newer key whenever one is asked for.
func rotated(f fault) fault {
	strike := f.strike
	f.strike = func(w *matrixWorld, at moment, once bool) {
		w.keys.renew = func(_ context.Context, rejected string) (string, string, error) {
			return testKey, rejected + "+1", nil
		}
		strike(w, at, once)
	}
	return f
}

// commitsLate is the fault of a SendGrid that creates after the caller has gone.
func commitsLate() fault {
	return fault{name: "commits after the deadline", strike: func(w *matrixWorld, at moment, once bool) {
		hang := sendgridtest.Fault{Op: w.scenario.write, Delay: time.Hour, Times: times(once)}
		if at == beforeWrite {
			hang.Op = sendgrid.OpListIntegrations
		}
		w.sendGrid.Script(hang)
		if at == afterWrite {
			w.commitLate(30 * time.Second)
		}
	}}
}

// crash is the fault of a process that ends at a step: nothing of it goes on.
func crash() { runtime.Goexit() }
