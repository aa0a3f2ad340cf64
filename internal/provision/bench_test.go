package provision_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"sendgrid-sso-integration/internal/ledger"
	"sendgrid-sso-integration/internal/provision"
	"sendgrid-sso-integration/sendgrid"
)

// account is a SendGrid without HTTP that has so many integrations, and creates more without
// keeping them.
func account(integrations int) *fakeSendGrid {
	list := make([]sendgrid.Integration, integrations)
	for i := range list {
		list[i] = sendgrid.Integration{ID: strconv.Itoa(i), EntityID: "urn:there:" + strconv.Itoa(i), SingleSignOnURL: "https://sg.example.com/" + strconv.Itoa(i)}
	}
	return &fakeSendGrid{
		list: func(context.Context) ([]sendgrid.Integration, error) { return list, nil },
		create: func(_ context.Context, in sendgrid.IntegrationRequest) (*sendgrid.Integration, error) {
			return &sendgrid.Integration{ID: "new", EntityID: in.EntityID, SingleSignOnURL: "https://sg.example.com/new"}, nil
		},
	}
}

func BenchmarkEnsure(b *testing.B) {
	for _, together := range []int{1, 10} {
		b.Run(fmt.Sprintf("created/%d at once", together), func(b *testing.B) {
			p := &provision.Provisioner{SendGrid: account(100), Ledger: &ledger.Memory{}}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				var all sync.WaitGroup
				for i := range together {
					all.Go(func() {
						r := oktaRequest()
						r.EntityID = fmt.Sprintf("urn:new:%d:%d", n, i)
						if _, err := p.Ensure(b.Context(), r, provision.Delivery{}); err != nil {
							b.Error(err)
						}
					})
				}
				all.Wait()
			}
		})
	}
}
