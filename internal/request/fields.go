package request

import (
	"encoding/json"
	"strings"
	"time"

	"sendgrid-sso-integration/internal/saml"
	"sendgrid-sso-integration/sendgrid"
)

// field is one field of a request. The parser, the hints for unknown names, the comparison
// with SendGrid and the fingerprint all use the one list of fields.
type field struct {
	name     string
	required bool
	// fromMetadata reports whether SAML metadata supplies the field if the request does not.
	fromMetadata bool
	// missing is the message where a required field is missing, if "is required" is not enough.
	missing string
	// read takes the value from its JSON into r, and returns what is wrong with it.
	read func(value json.RawMessage, r *Request, now time.Time) (wrong string)
	// check returns the rule that the value breaks; nil where read has checked it.
	check func(r Request) (broken string)
	// requested and current return the value that is asked for, and the one that SendGrid
	// has. They are nil where the two are not compared as values.
	requested func(Request) any
	current   func(sendgrid.Integration) any
	// aliases are other names for the field: in other systems, and common mistakes. They are
	// compared without case, white space and punctuation.
	aliases []string
}

// completedIntegration is the field that SendGrid changes, too.
const completedIntegration = "completed_integration"

// fields lists the fields of a request, in the order in which problems are reported.
var fields = []field{
	{
		name: "name", required: true,
		read: func(value json.RawMessage, r *Request, _ time.Time) string {
			wrong := readString(value, &r.Name)
			r.Name = strings.TrimSpace(r.Name)
			return wrong
		},
		check:     func(r Request) string { return checkName(r.Name) },
		requested: func(r Request) any { return r.Name },
		current:   func(i sendgrid.Integration) any { return i.Name },
		aliases:   []string{"label", "display name", "integration name", "application name", "app name"},
	},
	{
		name: "enabled", required: true,
		read:      func(value json.RawMessage, r *Request, _ time.Time) string { return readBool(value, &r.Enabled) },
		requested: func(r Request) any { return r.Enabled },
		current:   func(i sendgrid.Integration) any { return i.Enabled },
		aliases:   []string{"enable", "is enabled", "active"},
	},
	{
		name: "signin_url", required: true, fromMetadata: true,
		read:      func(value json.RawMessage, r *Request, _ time.Time) string { return readString(value, &r.SigninURL) },
		check:     checkSigninURL,
		requested: func(r Request) any { return r.SigninURL },
		current:   func(i sendgrid.Integration) any { return i.SigninURL },
		aliases: []string{
			"sso url", "login url", "sign in url", "sign on url", "embed link", "single sign on url", "single signon url",
			"idp sso url", "identity provider single sign on url", "identity provider sign on url", "idp single sign on url",
		},
	},
	{
		name: "signout_url", required: true, fromMetadata: true,
		missing:   `is required; send "" if the identity provider has no single logout`,
		read:      func(value json.RawMessage, r *Request, _ time.Time) string { return readString(value, &r.SignoutURL) },
		check:     func(r Request) string { return checkOptionalURL(r.SignoutURL) },
		requested: func(r Request) any { return r.SignoutURL },
		current:   func(i sendgrid.Integration) any { return i.SignoutURL },
		aliases: []string{
			"logout url", "log out url", "sign out url", "slo url", "single logout url", "idp slo url",
			"identity provider single logout url", "identity provider logout url",
		},
	},
	{
		name: "entity_id", required: true, fromMetadata: true,
		read: func(value json.RawMessage, r *Request, _ time.Time) string {
			wrong := readString(value, &r.EntityID)
			r.EntityID = strings.TrimSpace(r.EntityID)
			return wrong
		},
		check:     checkEntityID,
		requested: func(r Request) any { return r.EntityID },
		current:   func(i sendgrid.Integration) any { return i.EntityID },
		aliases: []string{
			"issuer", "idp issuer", "issuer url", "saml issuer id", "saml issuer", "idp entity id", "identity provider issuer",
			"azure ad identifier", "microsoft entra identifier", "entra identifier",
		},
	},
	{
		// SendGrid changes it when a person finishes the setup, so a difference alone is no conflict.
		name: completedIntegration,
		read: func(value json.RawMessage, r *Request, _ time.Time) string {
			r.CompletedIntegration = new(bool)
			return readBool(value, r.CompletedIntegration)
		},
		aliases: []string{"completed", "complete", "is completed"},
	},
	{
		name: "public_certificate", fromMetadata: true,
		read: readCertificates,
		aliases: []string{
			"public cert", "certificate", "certificates", "cert", "public certificates", "x509", "x 509", "x509 cert",
			"x509 certificate", "x 509 certificate", "signing certificate", "saml signing certificate", "idp certificate",
			"idp cert", "certificate base64", "pem",
		},
	},
	{
		name: "saml_metadata", read: readSAMLMetadata,
		aliases: []string{"metadata xml", "saml metadata xml", "idp metadata", "identity provider metadata", "federation metadata", "federation metadata xml"},
	},
	{
		name: "saml_metadata_url",
		read: func(value json.RawMessage, r *Request, _ time.Time) string {
			return readNonEmpty(value, &r.SAMLMetadataURL)
		},
		check: checkMetadataURL,
		aliases: []string{
			"metadata url", "idp metadata url", "identity provider metadata url", "app federation metadata url", "federation metadata url",
		},
	},
	{
		name: "if_exists", read: readIfExists,
		aliases: []string{"on conflict", "on exists", "if exist", "update", "upsert"},
	},
	{
		name: "remove_certificates", read: readHashes, check: checkRemoved,
		aliases: []string{"delete certificates", "remove certificate", "delete certificate"},
	},
	{
		name: "state", read: readState,
		aliases: []string{"ensure", "desired state"},
	},
	{
		name:  "match",
		read:  func(value json.RawMessage, r *Request, _ time.Time) string { return readStringMap(value, &r.Match) },
		check: checkMatch,
	},
	{
		name: "managed", read: readManaged,
	},
	{
		name:    "dry_run",
		read:    func(value json.RawMessage, r *Request, _ time.Time) string { return readBool(value, &r.DryRun) },
		aliases: []string{"dry", "plan", "preview", "what if", "check mode"},
	},
	{
		name: "teammate", read: readTeammate,
		aliases: []string{"user", "person", "member", "sso teammate", "teammates"},
	},
	{
		name: "metadata",
		read: func(value json.RawMessage, r *Request, _ time.Time) string {
			if saml.IsXML([]byte(unquote(value))) {
				return "must be an object of strings; SAML metadata goes in saml_metadata"
			}
			return readStringMap(value, &r.Metadata)
		},
		check: func(r Request) string { return checkMetadata(r.Metadata) },
	},
}

// elsewhere has names of settings that are not part of a request, with what to do instead. To put them
// into metadata would create the connection in the wrong account, or write a key to the log.
var elsewhere = []struct {
	names  []string
	advice string
}{
	{
		[]string{"subuser", "subuser id", "subuser name", "subaccount", "on behalf of", "account", "account id", "sendgrid account", "region", "sendgrid region"},
		"each stack of this function is for one SendGrid account. Send the request to the stack of the account that is meant, or deploy one for it",
	},
	{
		[]string{"api key", "sendgrid api key", "sendgrid key", "api token", "token", "authorization", "password", "secret"},
		"the function has its own secret with the API key. Remove it, and replace it if it is in use, because requests are stored",
	},
}

// FieldNames returns the names of a request's fields, and those of the required ones, in
// the order in which problems are reported.
func FieldNames() (all, required []string) {
	for _, f := range fields {
		all = append(all, f.name)
		if f.required {
			required = append(required, f.name)
		}
	}
	return all, required
}

// fieldFor returns the field whose name or alias a name is, in any spelling.
func fieldFor(name string) (field, bool) {
	plain := plainName(name)
	for _, f := range fields {
		if plain == plainName(f.name) {
			return f, true
		}
	}
	for _, f := range fields {
		for _, alias := range f.aliases {
			if plain == plainName(alias) {
				return f, true
			}
		}
	}
	return field{}, false
}

// plainName returns a name in lower case, without anything but letters and digits.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, name)
}

// isLike reports whether a name is another one in any spelling, or with a few letters wrong.
func isLike(name, other string) bool {
	a, b := plainName(name), plainName(other)
	wrong := min(len(b)/5, 2) // Short names differ in a letter or two anyway.
	return a == b || max(len(a)-len(b), len(b)-len(a)) <= wrong && distance(a, b) <= wrong
}

// distance returns how many letters to insert, remove, replace or swap with the next one make one
// name of another.
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		for j := range d[i] {
			if i == 0 || j == 0 {
				d[i][j] = i + j
				continue
			}
			replaced := d[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			d[i][j] = min(replaced, d[i-1][j]+1, d[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}

func isField(name string) bool {
	for _, f := range fields {
		if f.name == name {
			return true
		}
	}
	return false
}
