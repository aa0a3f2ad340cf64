package sendgridtest

import (
	"sync"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// libraryClock guards the clock of the SAML library, which has one for the whole process.
var libraryClock sync.Mutex

// withClock calls what uses the SAML library, for which it is then this time. It must not be called
// within itself.
func withClock(now time.Time, use func()) {
	libraryClock.Lock()
	defer libraryClock.Unlock()
	timeNow, clock := saml.TimeNow, saml.Clock
	defer func() { saml.TimeNow, saml.Clock = timeNow, clock }()
	saml.TimeNow = now.UTC
	saml.Clock = dsig.NewFakeClockAt(now)
	use()
}
