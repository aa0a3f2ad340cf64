package provision

import (
	"context"
	"iter"
	"log/slog"
	"math/rand/v2"
	"time"

	"sendgrid-sso-integration/internal/protocol"
	"sendgrid-sso-integration/internal/request"
	"sendgrid-sso-integration/sendgrid"
)

// DefaultSettling is how long SendGrid gets to show the effect of a write before its
// absence counts. It covers requests still on their way, reads that lag behind, and clocks
// that differ.
const DefaultSettling = time.Minute

// SendGrid is the part of sendgrid.Client that a Provisioner uses.
type SendGrid interface {
	CreateIntegration(context.Context, sendgrid.IntegrationRequest) (*sendgrid.Integration, error)
	ListIntegrations(context.Context) ([]sendgrid.Integration, error)
	GetIntegration(ctx context.Context, id string) (*sendgrid.Integration, error)
	UpdateIntegration(ctx context.Context, id string, in sendgrid.IntegrationUpdate) (*sendgrid.Integration, error)
	DeleteIntegration(ctx context.Context, id string) error
	CreateCertificate(context.Context, sendgrid.CertificateRequest) (*sendgrid.Certificate, error)
	ListCertificates(ctx context.Context, integrationID string) ([]sendgrid.Certificate, error)
	DeleteCertificate(ctx context.Context, id string) error
}

// Ledger stores the entries, for all processes that must not create the same integration.
type Ledger interface {
	// Get returns the stored entry, zero if there is none.
	Get(ctx context.Context, key string) (protocol.Entry, error)
	// Put stores e if the stored entry is the revision before e's; no entry counts as
	// revision 0. Otherwise it stores nothing and returns the stored entry, zero if there is
	// none. Storing again what is stored already succeeds: a client repeats a write whose
	// response was lost.
	Put(ctx context.Context, e protocol.Entry) (current protocol.Entry, stored bool, err error)
}

// Delivery is what Ensure needs of the delivery of a request.
type Delivery struct {
	// IDs are those under which the sender delivers the same request again.
	IDs []string
	// Caller is who sent the request, if that is known, and MayUpdate reports whether that caller
	// may update integrations.
	Caller    string
	MayUpdate bool
	// Unattended reports whether nobody gets the result. Then nobody can decide what to do about an
	// integration that was deleted, and the request is superseded.
	Unattended bool
	// Order orders requests: the newest one applies. The zero order is now.
	Order protocol.Order
	// MaxWait is the maximum wait for others: another attempt, a write that settles, a rate
	// limit. After that the request fails, to be delivered again. 0 means as long as there is
	// time. It does not bound the request's own work.
	MaxWait time.Duration
}

// Provisioner makes sure that integrations exist. Set its fields before the first call;
// Ensure may be called concurrently.
type Provisioner struct {
	SendGrid SendGrid
	Ledger   Ledger
	// Teammates is nil if requests for teammates are not supported.
	Teammates Teammates
	// Account identifies the SendGrid account that SendGrid acts on: base URL and subuser.
	Account []string
	// All reads every entry of the ledger, for requests that name connections by their metadata. If it is
	// nil, those are refused.
	All func(context.Context) iter.Seq2[protocol.Entry, error]
	// DeleteAfter is how long after it was ended a connection is deleted by an audit, 0 if it is not.
	DeleteAfter time.Duration
	// Settling is DefaultSettling if zero.
	Settling time.Duration
	Logger   *slog.Logger
	// Random supplies the jitter of waits and the owners of entries; nil is math/rand/v2's own.
	// It has to be safe for concurrent use.
	Random rand.Source

	lists sharedList
}

func (p *Provisioner) settling() time.Duration {
	if p.Settling == 0 {
		return DefaultSettling
	}
	return p.Settling
}

// settles returns when what is written now has settled.
func (p *Provisioner) settles() time.Time { return time.Now().Add(p.settling()) }

// remembered returns the names under which the ledger remembers a delivery. Senders may use an id
// twice, so the name also depends on what is requested.
func remembered(ids []string, identity string) []string {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = id + " " + identity[:16]
	}
	return names
}

// Ensure makes sure that the integration or the teammate that a request asks for exists, exactly once, an
// integration with its certificates, and responds before the deadline of ctx. A success is recorded in the ledger
// before it is returned. A dry run returns what the request would do, and writes nothing. The errors
// are of type *problem.Error.
func (p *Provisioner) Ensure(ctx context.Context, r request.Resolved, d Delivery) (*Result, error) {
	if d.Order == (protocol.Order{}) {
		d.Order = protocol.NewOrder(time.Time{}, time.Now())
	}
	if r.Teammate != nil {
		return p.ensureTeammate(ctx, r.Request, d)
	}
	if r.Match != nil {
		return p.endMatching(ctx, r, d)
	}
	return p.ensure(ctx, r, d, false)
}

// ensure is [Provisioner.Ensure] for one connection. oneOfSeveral reports whether a request that ends it ends
// others, too.
func (p *Provisioner) ensure(ctx context.Context, r request.Resolved, d Delivery, oneOfSeveral bool) (*Result, error) {
	identity := r.Identity()
	a := newConnectionAttempt(&attempt{
		Provisioner: p, deadlines: divideTime(ctx, d.MaxWait), delivery: d, arrived: p.lists.expect(), waits: waits{}, fresh: protocol.NewEntry(p.Account, r.EntityID),
		asked: protocol.Asked{
			Identity: identity, Fingerprint: r.Fingerprint(), MayUpdate: d.MayUpdate, Updates: r.IfExists.Updates(), Restores: r.IfExists == request.Restore,
			Ends: r.Kind == request.Absent, Certificates: r.CertificateHashes(), Removes: r.RemoveCertificates, Order: d.Order, Deliveries: remembered(d.IDs, identity),
		},
	}, r)
	a.oneOfSeveral = oneOfSeveral
	defer a.arrived()
	ctx, cancel := context.WithDeadline(ctx, a.work)
	defer cancel()
	result, err := a.task()(ctx)
	if err != nil {
		return nil, a.translate(err)
	}
	result.Metadata = r.Metadata
	result.Warnings = a.warnings(result, time.Now())
	return result, nil
}
