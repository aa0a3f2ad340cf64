package request

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"sendgrid-sso-integration/internal/cut"
	"sendgrid-sso-integration/internal/problem"
	"sendgrid-sso-integration/sendgrid"
)

// The bounds of a teammate.
const (
	maxEmail         = 254 // RFC 5321 leaves no room for more.
	maxTeammateName  = 100
	maxScopes        = 400 // SendGrid has fewer than 300.
	maxScope         = 100
	maxSubusers      = 100
	maxTeammateBytes = 24 << 10 // As the ledger keeps it, whose entries stay below 64 KiB.
)

// teammateField is one field of a teammate.
type teammateField struct {
	name string
	// read takes the value from its JSON, and returns what is wrong with it.
	read    func(value json.RawMessage, t *Teammate) (wrong string)
	aliases []string
}

// teammateFields lists the fields of a teammate, in the order in which problems are reported.
var teammateFields = []teammateField{
	{name: "email", read: readEmail, aliases: []string{"mail", "e mail", "user", "username", "login", "name id", "user principal name", "upn"}},
	{name: "first_name", read: func(v json.RawMessage, t *Teammate) string { return readPersonName(v, &t.FirstName) }, aliases: []string{"given name", "firstname"}},
	{name: "last_name", read: func(v json.RawMessage, t *Teammate) string { return readPersonName(v, &t.LastName) }, aliases: []string{"surname", "family name", "sn"}},
	{name: "persona", read: readPersona, aliases: []string{"role", "profile"}},
	{name: "is_admin", read: func(v json.RawMessage, t *Teammate) string { return readBool(v, &t.IsAdmin) }, aliases: []string{"admin", "administrator"}},
	{name: "scopes", read: func(v json.RawMessage, t *Teammate) string { return readScopes(v, &t.Scopes) }, aliases: []string{"permissions", "scope"}},
	{name: "subuser_access", read: readAccess, aliases: []string{"subusers", "subuser", "sub user access"}},
}

// accessFields are the alternatives; a request has exactly one of them.
var accessFields = []string{"persona", "is_admin", "scopes", "subuser_access"}

// TeammateFields returns the names of a teammate's fields, in the order in which problems are reported.
func TeammateFields() []string {
	var names []string
	for _, f := range teammateFields {
		names = append(names, f.name)
	}
	return names
}

// readTeammate reads the field teammate. Problems within it are recorded by their field.
func readTeammate(value json.RawMessage, r *Request, _ time.Time) string {
	members, ok := parseObject(value)
	if !ok {
		return "must be an object, not " + kind(value)
	}
	r.Teammate = &Teammate{}
	r.within = map[string]string{}
	for _, m := range members {
		at := slices.IndexFunc(teammateFields, func(f teammateField) bool { return f.name == m.name })
		switch path := "teammate." + cut.Runes(m.name, maxNameShown); {
		case at < 0:
			r.unknownWithin = append(r.unknownWithin, m.name)
		case string(m.value) == "null":
		case r.given[path]:
			r.within[path] = "must be given only once"
		default:
			r.given[path] = true
			r.within[path] = teammateFields[at].read(m.value, r.Teammate)
		}
	}
	return ""
}

func unknownTeammateField(name string) string {
	for _, f := range teammateFields {
		if slices.ContainsFunc(append([]string{f.name}, f.aliases...), func(n string) bool { return isLike(name, n) }) {
			return "is not a field of a teammate; did you mean " + f.name + "?"
		}
	}
	if isField(name) {
		return "is not a field of a teammate; put it next to teammate"
	}
	return "is not a field of a teammate; remove it"
}

// teammateProblems returns what is wrong within the field teammate.
func (r Request) teammateProblems() []problem.FieldError {
	if r.Teammate == nil {
		return nil
	}
	wrong := r.within
	note := func(name, message string) {
		if path := "teammate." + name; wrong[path] == "" {
			wrong[path] = message
		}
	}
	given := func(name string) bool { return r.given["teammate."+name] }
	if !given("email") {
		note("email", "is required")
	}
	if r.Kind != Present {
		for _, name := range TeammateFields()[1:] {
			if given(name) {
				note(name, "must not be given together with "+r.Kind.field()+", which needs the email alone")
			}
		}
	} else {
		for _, name := range []string{"first_name", "last_name"} {
			if !given(name) {
				note(name, "is required")
			}
		}
		r.checkAccess(note)
	}
	var problems []problem.FieldError
	for _, f := range teammateFields {
		if path := "teammate." + f.name; wrong[path] != "" {
			problems = append(problems, problem.FieldError{Field: path, Message: wrong[path]})
		}
	}
	if len(problems) == 0 && len(Text(r.Teammate)) > maxTeammateBytes {
		problems = append(problems, problem.FieldError{Field: "teammate", Message: fmt.Sprintf("has more text than the %d bytes that are kept of it; give fewer scopes, or the permission_type admin in place of long lists", maxTeammateBytes)})
	}
	for _, name := range r.unknownWithin {
		problems = append(problems, problem.FieldError{Field: "teammate." + cut.Runes(name, maxNameShown), Message: unknownTeammateField(name)})
	}
	return problems
}

// checkAccess checks that the request says in exactly one way what the teammate may do. is_admin: false beside
// another one is allowed.
func (r Request) checkAccess(note func(name, message string)) {
	var ways []string
	for _, name := range accessFields {
		if r.given["teammate."+name] && (name != "is_admin" || r.Teammate.IsAdmin || r.within["teammate.is_admin"] != "") {
			ways = append(ways, name)
		}
	}
	switch len(ways) {
	case 0:
		note("persona", "is required, or one of is_admin: true, scopes and subuser_access")
	case 1:
	default:
		note(ways[1], "must not be given together with "+ways[0]+"; send one of "+strings.Join(accessFields, ", "))
	}
}

func readEmail(value json.RawMessage, t *Teammate) string {
	var text string
	if wrong := readString(value, &text); wrong != "" {
		return wrong
	}
	text = strings.ToLower(strings.TrimSpace(text))
	parsed, err := mail.ParseAddress(text)
	hidden := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	switch {
	case text == "":
		return "must not be empty"
	case hidden >= 0: // Copied from a web page, say; nobody could log in with it.
		r, _ := utf8.DecodeRuneInString(text[hidden:])
		return fmt.Sprintf("has the character %U, which cannot be seen; remove it", r)
	case err != nil, parsed.Address != text, strings.ContainsRune(text, utf8.RuneError), strings.ContainsAny(text, " \"/\\?#%<>"):
		return "must be an email address, as the identity provider sends it in the NameID"
	case len(text) > maxEmail:
		return fmt.Sprintf("must have at most %d characters", maxEmail)
	}
	t.Email = text
	return ""
}

func readPersonName(value json.RawMessage, name *string) string {
	if wrong := readString(value, name); wrong != "" {
		return wrong
	}
	*name = strings.TrimSpace(*name)
	switch {
	case *name == "":
		return "must not be empty"
	case utf8.RuneCountInString(*name) > maxTeammateName:
		return fmt.Sprintf("must have at most %d characters", maxTeammateName)
	case strings.ContainsFunc(*name, isControl):
		return "must not contain control characters"
	}
	return ""
}

func readPersona(value json.RawMessage, t *Teammate) string {
	if wrong := readString(value, &t.Persona); wrong != "" {
		return wrong
	}
	if !slices.Contains(sendgrid.Personas(), t.Persona) {
		return "must be one of " + strings.Join(sendgrid.Personas(), ", ")
	}
	return ""
}

func readScopes(value json.RawMessage, scopes *[]string) string {
	var given []string
	if json.Unmarshal(value, &given) != nil {
		return "must be an array of strings, not " + kind(value)
	}
	for i := range given {
		given[i] = strings.TrimSpace(given[i])
		switch scope := given[i]; {
		case scope == "", len(scope) > maxScope, strings.ContainsFunc(scope, func(r rune) bool { return isControl(r) || r == ' ' }):
			return fmt.Sprintf("must name scopes as SendGrid does, such as mail.send; number %d is none", i+1)
		}
	}
	slices.Sort(given)
	given = slices.Compact(given)
	switch {
	case len(given) == 0:
		return "must not be empty, which SendGrid refuses; name at least one scope"
	case len(given) > maxScopes:
		return fmt.Sprintf("must have at most %d scopes", maxScopes)
	}
	*scopes = given
	return ""
}

// readAccess reads subuser_access.
func readAccess(value json.RawMessage, t *Teammate) string {
	var rows []json.RawMessage
	switch {
	case json.Unmarshal(value, &rows) != nil:
		return "must be an array of objects, not " + kind(value)
	case len(rows) == 0:
		return "must not be empty; name at least one subuser"
	case len(rows) > maxSubusers:
		return fmt.Sprintf("must have at most %d subusers", maxSubusers)
	}
	for i, row := range rows {
		access, wrong := readGrant(row)
		if wrong == "" && slices.ContainsFunc(t.Access, func(a Access) bool { return a.Subuser == access.Subuser }) {
			wrong = "names a subuser that another entry names, too"
		}
		if wrong != "" {
			return fmt.Sprintf("number %d %s", i+1, wrong)
		}
		t.Access = append(t.Access, access)
	}
	slices.SortFunc(t.Access, func(a, b Access) int { return cmp.Compare(a.Subuser, b.Subuser) })
	return ""
}

// readGrant reads one entry of subuser_access.
func readGrant(row json.RawMessage) (a Access, wrong string) {
	members, ok := parseObject(row)
	if !ok {
		return a, "must be an object, not " + kind(row)
	}
	given := map[string]bool{}
	for _, m := range members {
		if given[m.name] {
			return a, "has " + cut.Runes(m.name, maxNameShown) + " twice"
		}
		given[m.name] = true
		switch m.name {
		case "subuser":
			wrong = readSubuser(m.value, &a.Subuser)
		case "permission_type":
			if wrong = readString(m.value, &a.PermissionType); wrong == "" && a.PermissionType != sendgrid.PermissionAdmin && a.PermissionType != sendgrid.PermissionRestricted {
				wrong = `must be "admin" or "restricted"`
			}
		case "scopes":
			wrong = readScopes(m.value, &a.Scopes)
		default:
			wrong = "is not a field of it; it has subuser, permission_type and scopes"
		}
		if wrong != "" {
			return a, "has " + cut.Runes(m.name, maxNameShown) + ", which " + wrong
		}
	}
	switch {
	case a.Subuser == "":
		return a, "has no subuser; give its name or its id"
	case a.PermissionType == "":
		return a, `has no permission_type; it must be "admin" or "restricted"`
	case a.PermissionType == sendgrid.PermissionRestricted && len(a.Scopes) == 0:
		return a, `has no scopes, which the permission_type "restricted" needs`
	case a.PermissionType == sendgrid.PermissionAdmin && given["scopes"]:
		return a, `has scopes, which the permission_type "admin" includes; remove them`
	}
	return a, ""
}

// readSubuser reads the name or the id of a subuser.
func readSubuser(value json.RawMessage, subuser *string) string {
	var id int64
	if json.Unmarshal(value, &id) == nil {
		if id <= 0 {
			return "must be a name or a positive id"
		}
		*subuser = strconv.FormatInt(id, 10)
		return ""
	}
	if json.Unmarshal(value, subuser) != nil {
		return "must be a string or a number, not " + kind(value)
	}
	*subuser = strings.TrimSpace(*subuser)
	switch {
	case *subuser == "":
		return "must not be empty"
	case len(*subuser) > maxName, strings.ContainsFunc(*subuser, isControl):
		return "must be a name or an id"
	}
	return ""
}
