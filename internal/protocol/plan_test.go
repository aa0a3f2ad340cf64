package protocol

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var now = time.UnixMilli(1_795_446_000_000)

// ordered returns the order of a request that was sent a while after now.
func ordered(after time.Duration) Order { return NewOrder(now.Add(after), now.Add(after)) }

// The requests of the tests: plain and update ask for the same, other for something else, and the
// last two bring certificates.
var (
	plain        = Asked{Fingerprint: "f", Order: ordered(0), Deliveries: []string{"event:1"}}
	update       = with(plain, func(a *Asked) { a.Updates = true })
	restoring    = with(update, func(a *Asked) { a.Restores = true })
	other        = with(plain, func(a *Asked) { a.Fingerprint, a.Deliveries = "g", []string{"event:2"} })
	certified    = with(plain, func(a *Asked) { a.Certificates = []string{"a", "b"} })
	certifying   = with(update, func(a *Asked) { a.Certificates = []string{"a", "b"} })
	asKept       = with(plain, func(a *Asked) { a.Identity = "i" })
	nothing      = Shown{}
	gone         = Shown{RecordedMissing: true}
	asRequested  = Shown{Exists: true, ID: "1", Matches: true, Digest: "d"}
	differs      = Shown{Exists: true, ID: "1", NeedsUpdate: true, Digest: "x"}
	half         = Shown{Exists: true, NeedsUpdate: true}
	uncompleted  = with(asRequested, func(s *Shown) { s.NeedsUpdate = true })
	anotherOne   = with(asRequested, func(s *Shown) { s.ID = "2" })
	anotherElse  = with(differs, func(s *Shown) { s.ID = "2" })
	refused      = func(r Reason, wait time.Duration) Plan { return Plan{Step: Refuse, Reason: r, Wait: wait} }
	certificates = func(s Shown, hashes ...string) Shown { s.Certificates = hashes; return s }
)

func with[T any](value T, changes ...func(*T)) T {
	for _, change := range changes {
		change(&value)
	}
	return value
}

// entry returns the entry of a request in a state.
func entry(asked Asked, state State, changes ...func(*Entry)) Entry {
	e := Entry{State: state, Fingerprint: asked.Fingerprint, Outcome: OutcomeCreated, Expires: now.Add(time.Hour)}
	if state == Completed || state == Pending || state == Adding {
		e.IntegrationID = "1"
	}
	if state == Completed {
		e.Baseline = "b"
	}
	return with(e, changes...)
}

// kept returns the entry of a managed connection. It keeps the request asKept, which was completed
// with the fingerprint of another.
func kept(asked Asked, changes ...func(*Entry)) Entry {
	return with(entry(asked, Completed, func(e *Entry) { *e = e.Keep("kept", "i") }), changes...)
}

// What an entry may record in addition.
func rechecked(e *Entry)         { e.Rechecked = true }
func unknown(n int) func(*Entry) { return func(e *Entry) { e.UnknownCreates = n } }
func updated(e *Entry)           { e.Outcome = OutcomeUpdated }
func leased(e *Entry)            { e.Lease = now.Add(time.Minute) }
func of(id string) func(*Entry)  { return func(e *Entry) { e.IntegrationID = id } }
func awaits(cert string) func(*Entry) {
	return func(e *Entry) { e.IntegrationID, e.Certificate = "1", cert }
}
func added(hashes ...string) func(*Entry) { return func(e *Entry) { e.Added = hashes } }
func applied(d time.Duration) func(*Entry) {
	return func(e *Entry) { e.Applied = ordered(d) }
}
func bare(e *Entry)                        { e.Bare = true }
func settles(d time.Duration) func(*Entry) { return func(e *Entry) { e.Settles = now.Add(d) } }
func stale(d time.Duration) func(*Entry)   { return func(e *Entry) { e.Stale = now.Add(d) } }
func remembers(e *Entry)                   { e.Deliveries = []string{"event:0", "event:1"} }
func deleted(e *Entry)                     { e.Gone = "0" }

// planned is a view, and the plan that has to follow.
type planned struct {
	asked    Asked
	entry    Entry
	standing Standing
	shown    Shown
	want     Plan
}

func (p planned) test(t *testing.T) {
	t.Helper()
	require.Equal(t, p.want, View{Asked: p.asked, Entry: p.entry, Standing: p.standing, Shown: p.shown, AsOf: now}.Plan())
}

func TestPlanWhereNothingIsShown(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]planned{
		"nothing exists":                                              {plain, entry(plain, Free), Owner, nothing, Plan{Step: Create}},
		"the entry has no state":                                      {plain, Entry{}, Owner, nothing, Plan{Step: Create}},
		"completed, and gone":                                         {plain, entry(plain, Completed), Reader, gone, refused(KeptGone, 0)},
		"another completed, gone, and taken":                          {plain, entry(other, Completed), Owner, gone, Plan{Step: Create}},
		"completed, restoring, gone, and taken":                       {restoring, entry(plain, Completed), Owner, gone, Plan{Step: Create}},
		"kept, with another fingerprint, and gone":                    {asKept, kept(other), Owner, gone, refused(KeptGone, 0)},
		"another is kept, with this fingerprint, and gone":            {plain, kept(plain), Owner, gone, Plan{Step: Create}},
		"completed a moment ago, and missing":                         {plain, entry(plain, Completed, settles(1)), Reader, gone, refused(NotYetVisible, 1)},
		"pending a moment ago, and missing":                           {plain, entry(plain, Pending, settles(1)), Owner, gone, refused(NotYetVisible, 1)},
		"settled just now, and missing":                               {plain, entry(other, Completed, settles(0)), Owner, gone, Plan{Step: Create}},
		"this delivery was applied, and it is gone":                   {plain, entry(plain, Completed, remembers), Reader, gone, refused(Gone, 0)},
		"this delivery was applied, a moment ago":                     {plain, entry(plain, Completed, remembers, settles(1)), Owner, gone, refused(NotYetVisible, 1)},
		"this delivery was applied, and another create is on its way": {plain, entry(other, Creating, remembers, deleted), Owner, nothing, refused(Gone, 0)},
		"an entry of version 1.0 remembers an announced delivery":     {plain, entry(plain, Creating, remembers), Owner, nothing, Plan{Step: Recheck}},
		"older than what was applied, and gone":                       {plain, entry(other, Completed, applied(1*time.Second)), Owner, gone, refused(GoneSince, 0)},
		"older than what was applied, and a create is on its way":     {plain, entry(other, Unknown, applied(1*time.Second), deleted, rechecked), Owner, nothing, refused(GoneSince, 0)},
		"older than this very request, and gone":                      {plain, entry(plain, Completed, applied(1*time.Second)), Owner, gone, refused(KeptGone, 0)},
		"announced, and nothing exists":                               {plain, entry(plain, Creating), Owner, nothing, Plan{Step: Recheck}},
		"another's create announced":                                  {plain, entry(other, Creating), Owner, nothing, Plan{Step: Recheck}},
		"unknown, and nothing exists":                                 {plain, entry(plain, Unknown), Owner, nothing, Plan{Step: Recheck}},
		"announced, and it was edited since":                          {certifying, entry(certified, Adding, awaits("a"), updated), Owner, differs, Plan{Step: Recheck}},
		"rechecked, and it was edited since":                          {certifying, entry(certified, Unknown, awaits("a"), updated, rechecked), Owner, differs, Plan{Step: Update}},
		"unknown and rechecked":                                       {plain, entry(plain, Unknown, rechecked), Owner, nothing, Plan{Step: Create}},
		"three unknown creates, before the recheck":                   {plain, entry(plain, Unknown, unknown(3)), Owner, nothing, Plan{Step: Recheck}},
		"two unknown creates, rechecked":                              {plain, entry(plain, Unknown, rechecked, unknown(2)), Owner, nothing, Plan{Step: Create}},
		"three unknown creates, rechecked":                            {plain, entry(plain, Unknown, rechecked, unknown(3)), Owner, nothing, refused(NeedsAPerson, 0)},
		"settling, and nothing exists":                                {plain, entry(plain, Unknown, leased), Spectator, nothing, refused(StillSettling, time.Minute)},
		"a certificate was announced, and the integration is gone":    {plain, entry(plain, Adding, awaits("a")), Owner, gone, Plan{Step: Create}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

func TestPlanWhereItExists(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]planned{
		"as requested, and nothing is recorded":      {plain, entry(plain, Free), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"it differs":                                 {plain, entry(plain, Free), Owner, differs, refused(Conflict, 0)},
		"it differs, and is read":                    {plain, entry(other, Completed), Reader, differs, refused(Conflict, 0)},
		"completed, and exists":                      {plain, entry(plain, Completed), Reader, asRequested, Plan{Step: ReturnUnchanged}},
		"completed, and edited since":                {plain, entry(plain, Completed), Reader, differs, Plan{Step: ReturnUnchanged}},
		"completed, edited, and made again by hand":  {plain, entry(plain, Completed), Reader, anotherElse, refused(KeptGone, 0)},
		"completed, and a certificate removed since": {certified, entry(certified, Completed), Reader, asRequested, Plan{Step: ReturnUnchanged}},
		"another request completed":                  {plain, entry(other, Completed), Owner, differs, refused(Conflict, 0)},
		"another request completed, as requested":    {plain, entry(other, Completed), Owner, asRequested, Plan{Step: ReturnUnchanged}},
		"a certificate is missing":                   {certified, entry(other, Free), Owner, certificates(asRequested, "a"), refused(Conflict, 0)},
		"all certificates are there, and more":       {certified, entry(other, Completed), Owner, certificates(asRequested, "b", "c", "a"), Plan{Step: ReturnUnchanged}},
		"another has steps left, and it matches":     {plain, entry(other, Pending), Owner, asRequested, Plan{Step: ReturnUnchanged}},
		"another has steps left, and it differs":     {plain, entry(other, Pending, updated), Owner, differs, refused(Conflict, 0)},
		"it has no id":                               {update, entry(other, Completed), Owner, half, refused(Conflict, 0)},
		"it has no id, and is read":                  {update, entry(other, Completed), Reader, half, refused(Conflict, 0)},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

// The same request again changes nothing, whatever SAML metadata supplies today, unless it restores.
func TestPlanOfAKeptRequest(t *testing.T) {
	t.Parallel()
	updating := with(update, func(a *Asked) { a.Identity, a.MayUpdate, a.Order = "i", true, ordered(time.Second) })
	restores := with(updating, func(a *Asked) { a.Restores = true })
	mayUpdate := with(plain, func(a *Asked) { a.MayUpdate = true })
	for name, tt := range map[string]planned{
		"plain, and it differs":                        {asKept, kept(other), Reader, differs, Plan{Step: ReturnUnchanged}},
		"updating, and it differs":                     {updating, kept(other), Owner, differs, Plan{Step: RecordUnchanged}},
		"updating, with a certificate that is new":     {with(updating, func(a *Asked) { a.Certificates = []string{"a"} }), kept(other), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"restoring, and it differs":                    {restores, kept(other), Owner, differs, Plan{Step: Update}},
		"restoring, as requested, a moment after":      {restores, kept(other, stale(time.Second)), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"restoring, and another has the entity id":     {restores, kept(other), Owner, anotherElse, Plan{Step: Update}},
		"updating, and another has the entity id":      {updating, kept(other), Owner, anotherElse, refused(KeptGone, 0)},
		"updating, and made again as requested":        {updating, kept(other), Owner, anotherOne, Plan{Step: RecordUnchanged}},
		"another request, though its fingerprint does": {update, kept(update), Owner, differs, Plan{Step: Update}},
		"it becomes managed, and is read":              {mayUpdate, entry(other, Completed), Reader, asRequested, Plan{Step: Take}},
		"it becomes managed":                           {mayUpdate, entry(other, Completed), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"it becomes managed by the same request":       {mayUpdate, entry(plain, Completed), Owner, differs, Plan{Step: RecordUnchanged}},
		"it is managed":                                {mayUpdate, kept(other), Owner, asRequested, Plan{Step: ReturnUnchanged}},
		"an older one makes nothing managed":           {mayUpdate, entry(other, Completed, applied(time.Second)), Owner, asRequested, Plan{Step: ReturnUnchanged}},
		"a webhook makes nothing managed":              {plain, entry(other, Completed), Owner, asRequested, Plan{Step: ReturnUnchanged}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

// A plain request may complete a create: it adds the first certificates to what this function
// created without any.
func TestPlanOfFirstCertificates(t *testing.T) {
	t.Parallel()
	add := Plan{Step: AddCertificate, Certificate: "a"}
	later := with(certified, func(a *Asked) { a.Fingerprint, a.Order = "h", ordered(time.Second) })
	unreadable := with(asRequested, func(s *Shown) { s.Certified = true })
	for name, tt := range map[string]planned{
		"read":                            {later, entry(plain, Completed, bare), Reader, asRequested, Plan{Step: Take}},
		"taken":                           {later, entry(plain, Completed, bare), Owner, asRequested, add},
		"created a moment ago":            {later, entry(plain, Completed, bare, settles(1)), Owner, asRequested, add},
		"older than the create":           {certified, entry(other, Completed, bare, applied(time.Second)), Owner, asRequested, Plan{Step: ReturnSuperseded}},
		"made by hand, or adopted":        {later, entry(plain, Completed), Owner, asRequested, refused(Conflict, 0)},
		"made by hand, and read":          {later, entry(plain, Completed), Reader, asRequested, refused(Conflict, 0)},
		"fields differ":                   {later, entry(plain, Completed, bare), Owner, differs, refused(Conflict, 0)},
		"it has a certificate":            {later, entry(plain, Completed, bare), Owner, with(certificates(asRequested, "c"), func(s *Shown) { s.Certified = true }), refused(Conflict, 0)},
		"it has one that cannot be read":  {later, entry(plain, Completed, bare), Owner, unreadable, refused(Conflict, 0)},
		"one was added, and removed":      {later, entry(plain, Completed, bare, added("c")), Owner, asRequested, refused(Conflict, 0)},
		"the create has steps left":       {later, entry(plain, Pending, bare), Owner, asRequested, refused(Conflict, 0)},
		"another integration is recorded": {later, entry(plain, Completed, bare, of("0")), Owner, asRequested, refused(Conflict, 0)},
		"may update, and has one to send": {with(later, func(a *Asked) { a.Updates = true }), entry(plain, Completed, bare), Owner, uncompleted, Plan{Step: Update}},
		"announced":                       {later, entry(later, Adding, updated, bare, awaits("a")), Owner, asRequested, Plan{Step: Recheck}},
		"rechecked":                       {later, entry(later, Unknown, updated, bare, awaits("a"), rechecked), Owner, asRequested, add},
		"announced by an update":          {later, entry(later, Unknown, updated, awaits("a"), rechecked), Owner, asRequested, refused(Conflict, 0)},
		"edited since it was announced":   {later, entry(later, Pending, updated, bare), Owner, differs, refused(Conflict, 0)},
		"the request brings none":         {with(other, func(a *Asked) { a.Order = later.Order }), entry(plain, Completed, bare), Owner, asRequested, Plan{Step: ReturnUnchanged}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

// A request that may update takes its place in the order before it gets its result, and nothing that
// was applied is undone by anything older.
func TestPlanOfUpdates(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]planned{
		"of what differs":                                             {update, entry(other, Completed), Owner, differs, Plan{Step: Update}},
		"of what differs, and is read":                                {update, entry(other, Completed), Reader, differs, Plan{Step: Take}},
		"of what was made by hand":                                    {update, entry(update, Free), Owner, differs, Plan{Step: Update}},
		"of nothing":                                                  {update, entry(other, Completed), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"of nothing, and is read":                                     {update, entry(other, Completed), Reader, asRequested, Plan{Step: Take}},
		"of nothing, and a write settles":                             {update, entry(other, Completed, leased), Spectator, asRequested, refused(StillSettling, time.Minute)},
		"of nothing, and newer than the completed":                    {update, entry(update, Completed, applied(-time.Second)), Owner, differs, Plan{Step: RecordUnchanged}},
		"of nothing, and newer, and read":                             {update, entry(update, Completed, applied(-time.Second)), Reader, differs, Plan{Step: Take}},
		"of nothing, and the completed one":                           {update, entry(update, Completed, applied(0)), Reader, differs, Plan{Step: ReturnUnchanged}},
		"of nothing, and older than the completed":                    {update, entry(update, Completed, applied(time.Second)), Reader, differs, Plan{Step: ReturnUnchanged}},
		"of nothing, and older than another":                          {update, entry(other, Completed, applied(time.Second)), Reader, asRequested, Plan{Step: ReturnUnchanged}},
		"of nothing, and another has steps left":                      {update, entry(other, Pending, updated), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"of completed_integration":                                    {update, entry(other, Completed), Owner, uncompleted, Plan{Step: Update}},
		"of certificates alone":                                       {certifying, entry(other, Completed), Owner, certificates(asRequested, "a"), Plan{Step: AddCertificate, Certificate: "b"}},
		"of fields and certificates":                                  {certifying, entry(other, Completed), Owner, differs, Plan{Step: Update}},
		"older":                                                       {update, entry(other, Completed, applied(time.Second)), Owner, differs, Plan{Step: ReturnSuperseded}},
		"older, and read":                                             {update, entry(other, Completed, applied(time.Second)), Reader, differs, Plan{Step: ReturnSuperseded}},
		"of the same time":                                            {update, entry(other, Completed, applied(0)), Owner, differs, Plan{Step: Update}},
		"older, and plain":                                            {plain, entry(other, Completed, applied(time.Second)), Owner, differs, Plan{Step: ReturnSuperseded}},
		"applied by this delivery":                                    {update, entry(other, Completed, remembers, applied(0)), Reader, differs, Plan{Step: ReturnUnchanged}},
		"applied by this delivery, and newer since":                   {update, entry(other, Completed, remembers, applied(time.Second)), Reader, differs, Plan{Step: ReturnSuperseded}},
		"applied by this delivery, and another is there":              {update, entry(other, Completed, remembers), Owner, anotherElse, refused(Gone, 0)},
		"applied by this delivery, and another is there as requested": {update, entry(other, Completed, remembers), Owner, anotherOne, Plan{Step: RecordUnchanged}},
		"that restores what was edited":                               {restoring, entry(update, Completed, applied(0)), Owner, differs, Plan{Step: Update}},
		"that restores, and is read":                                  {restoring, entry(update, Completed, applied(0)), Reader, differs, Plan{Step: Take}},
		"that restores nothing":                                       {restoring, entry(update, Completed, applied(-time.Second)), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"that restores, and is older":                                 {restoring, entry(other, Completed, applied(time.Second)), Owner, differs, Plan{Step: ReturnSuperseded}},
		"that restored before":                                        {restoring, entry(update, Completed, remembers, applied(0)), Owner, differs, Plan{Step: ReturnUnchanged}},
		"announced, and not sent":                                     {update, entry(update, Pending, updated), Owner, differs, Plan{Step: Update}},
		"announced, and done":                                         {update, entry(update, Pending, updated), Owner, asRequested, Plan{Step: Complete}},
		"unknown":                                                     {update, entry(update, Unknown, updated, of("1")), Owner, differs, Plan{Step: Update}},
		"announced for another integration":                           {update, entry(update, Pending, updated), Owner, anotherElse, Plan{Step: Update}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
	v := View{Asked: update, Entry: entry(update, Pending, updated), Standing: Owner, Shown: differs, AsOf: now, UpdateSent: true}
	require.Equal(t, Plan{Step: Complete}, v.Plan(), "SendGrid has changed a value that was sent")
}

// What is shown may be older than the last update, and a write of unknown outcome may be on its way.
func TestPlanWhileThingsSettle(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]planned{
		"stale, and shown as requested":                  {update, entry(other, Completed, stale(1)), Owner, asRequested, Plan{Step: Update}},
		"stale, and shown as requested to a reader":      {update, entry(other, Completed, stale(1)), Reader, asRequested, Plan{Step: Take}},
		"stale, and an older update":                     {update, entry(other, Completed, stale(1), applied(time.Second)), Owner, asRequested, Plan{Step: ReturnSuperseded}},
		"stale, and no update":                           {plain, entry(other, Completed, stale(time.Minute)), Owner, asRequested, refused(Changing, time.Minute)},
		"stale, and the same again":                      {update, entry(update, Completed, stale(1), applied(0)), Reader, differs, Plan{Step: ReturnUnchanged}},
		"stale, and another is there":                    {update, entry(other, Completed, stale(1), settles(0), of("2")), Owner, asRequested, refused(Changing, 1)},
		"settling, and another is there":                 {update, entry(other, Completed, settles(2), of("2")), Reader, differs, refused(Changing, 2)},
		"settled, and another is there":                  {update, entry(other, Completed, settles(0), of("2")), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"stale until now":                                {update, entry(other, Completed, stale(0)), Owner, asRequested, Plan{Step: RecordUnchanged}},
		"stale, and without an id":                       {plain, entry(other, Completed, stale(1), of("")), Owner, half, refused(Conflict, 0)},
		"another update settles, and this one is shown":  {plain, entry(other, Unknown, updated, of("1"), leased), Spectator, asRequested, refused(StillSettling, time.Minute)},
		"this update settles, and is shown":              {update, entry(update, Unknown, updated, of("1"), leased, applied(0)), Spectator, asRequested, Plan{Step: ReturnUnchanged}},
		"this update settles, not applied, and is shown": {update, entry(update, Unknown, updated, of("1"), leased), Spectator, asRequested, refused(StillSettling, time.Minute)},
		"completed, and a try settles":                   {update, entry(update, Completed, leased, applied(0)), Spectator, differs, Plan{Step: ReturnUnchanged}},
		"another completed, and a try settles":           {update, entry(other, Completed, leased), Spectator, differs, refused(StillSettling, time.Minute)},
		"a create settles, and exists":                   {plain, entry(plain, Unknown, leased), Spectator, asRequested, Plan{Step: ReturnUnchanged}},
		"a create settles, and something else exists":    {plain, entry(plain, Unknown, leased), Spectator, differs, refused(StillSettling, time.Minute)},
		"a certificate settles, and is missing":          {certified, entry(certified, Unknown, awaits("b"), leased), Spectator, asRequested, refused(StillSettling, time.Minute)},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}

func TestPlanOfCertificates(t *testing.T) {
	t.Parallel()
	add := func(sha256 string) Plan { return Plan{Step: AddCertificate, Certificate: sha256} }
	person := func(sha256 string) Plan { return Plan{Step: Refuse, Reason: NeedsAPerson, Certificate: sha256} }
	counted := func(sha256 string, n int) func(*Entry) {
		return func(e *Entry) { e.UnknownCertificates = map[string]int{sha256: n} }
	}
	for name, tt := range map[string]planned{
		"all are missing":                           {certified, entry(certified, Pending), Owner, asRequested, add("a")},
		"all are missing, and it was edited":        {certified, entry(certified, Pending), Owner, differs, add("a")},
		"one is missing":                            {certified, entry(certified, Pending), Owner, certificates(asRequested, "a"), add("b")},
		"added a moment ago, and not shown yet":     {certified, entry(certified, Pending, added("a"), settles(1)), Owner, asRequested, add("b")},
		"added for long, and not shown":             {certified, entry(certified, Pending, added("a"), settles(0)), Owner, asRequested, add("a")},
		"all are there":                             {certified, entry(certified, Pending), Owner, certificates(asRequested, "a", "b"), Plan{Step: Complete}},
		"announced, and not there":                  {certified, entry(certified, Adding, awaits("a")), Owner, asRequested, Plan{Step: Recheck}},
		"unknown":                                   {certified, entry(certified, Unknown, awaits("b")), Owner, certificates(asRequested, "a"), Plan{Step: Recheck}},
		"unknown and rechecked":                     {certified, entry(certified, Unknown, awaits("b"), rechecked), Owner, asRequested, add("b")},
		"unknown three times":                       {certified, entry(certified, Unknown, awaits("b"), rechecked, unknown(3)), Owner, asRequested, person("b")},
		"unknown twice":                             {certified, entry(certified, Unknown, awaits("b"), rechecked, unknown(2)), Owner, asRequested, add("b")},
		"another was unknown three times":           {certified, entry(certified, Pending, counted("x", 3)), Owner, asRequested, add("a")},
		"unknown three times for others, and next":  {certified, entry(certified, Pending, counted("a", 3)), Owner, asRequested, person("a")},
		"unknown three times for others, and alone": {certifying, entry(other, Completed, counted("a", 3)), Owner, asRequested, person("a")},
		"another's was announced, and is not there": {certifying, entry(other, Adding, awaits("a")), Owner, asRequested, Plan{Step: Recheck}},
		"another's is unknown, and rechecked":       {certifying, entry(other, Unknown, awaits("x"), rechecked), Owner, asRequested, add("a")},
		"another's is unknown, and it differs":      {certifying, entry(other, Unknown, awaits("x"), rechecked), Owner, differs, Plan{Step: Update}},
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); tt.test(t) })
	}
}
