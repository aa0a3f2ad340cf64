package okta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// SAML is the sign-on mode of SAML 2.0 applications.
const SAML = "SAML_2_0"

// Application is an application as Okta has it.
type Application struct {
	ID         string
	Label      string
	Status     string
	SignOnMode string
	// SigningKeyID is the id of the key with which Okta signs, empty if there is none.
	SigningKeyID string
	// SignOn are the SAML settings that concern the service provider.
	SignOn SignOn
	// NameIDTemplate says what Okta sends as NameID. It is empty for an application of Okta's
	// catalogue that does not show it.
	NameIDTemplate string

	// document is the whole application, also what this program does not know of.
	document []byte
}

// SendsUserName reports whether Okta sends the name of the user in the application as NameID, as
// it does unless somebody set another template by the API. Nothing shows what Okta makes of
// another one.
//
// https://developer.okta.com/docs/api/openapi/okta-management/management/tag/Application/#tag/Application/operation/createApplication
func (a *Application) SendsUserName() bool {
	return a.NameIDTemplate == "" || a.NameIDTemplate == "${user.userName}"
}

// IsActive reports whether people can log in with the application.
func (a *Application) IsActive() bool { return a.Status == "ACTIVE" }

// SignOn are the SAML settings of an application that have the service provider's values. An
// application of Okta's catalogue has none of them: it makes them of settings of its own.
type SignOn struct {
	ACSURL      *string `json:"ssoAcsUrl"`
	Recipient   *string `json:"recipient"`
	Destination *string `json:"destination"`
	Audience    *string `json:"audience"`
}

// IsCustomizable reports whether the application takes the service provider's URLs.
func (s SignOn) IsCustomizable() bool { return s.ACSURL != nil }

// Equal reports whether the settings are those of a service provider with this assertion
// consumer service and this audience.
func (s SignOn) Equal(acsURL, audience string) bool {
	is := func(have *string, want string) bool { return have != nil && *have == want }
	return is(s.ACSURL, acsURL) && is(s.Recipient, acsURL) && is(s.Destination, acsURL) && is(s.Audience, audience)
}

func parseApplication(document []byte) (*Application, error) {
	var known struct {
		ID, Label, Status, SignOnMode string
		Credentials                   struct{ Signing struct{ Kid string } }
		Settings                      struct {
			SignOn struct {
				SignOn
				NameIDTemplate string `json:"subjectNameIdTemplate"`
			}
		}
	}
	if err := json.Unmarshal(document, &known); err != nil {
		return nil, fmt.Errorf("okta: the application is not the documented JSON: %w", err)
	}
	if known.ID == "" {
		return nil, errors.New("okta: the application is not the documented JSON: it has no id")
	}
	return &Application{
		ID: known.ID, Label: known.Label, Status: known.Status, SignOnMode: known.SignOnMode,
		SigningKeyID: known.Credentials.Signing.Kid, SignOn: known.Settings.SignOn.SignOn, NameIDTemplate: known.Settings.SignOn.NameIDTemplate,
		document: document,
	}, nil
}

// object is a JSON object whose values stay as they were written, such as the digits of a
// number.
type object map[string]json.RawMessage

// WithServiceProvider returns the whole application as JSON, with the four values of SignOn
// replaced and everything else as it was read.
func (a *Application) WithServiceProvider(acsURL, audience string) ([]byte, error) {
	app, err := parseObject(a.document)
	if err != nil {
		return nil, err
	}
	settings, err := parseObject(app["settings"])
	if err != nil {
		return nil, err
	}
	signOn, err := parseObject(settings["signOn"])
	if err != nil {
		return nil, err
	}
	for name, value := range map[string]string{"ssoAcsUrl": acsURL, "recipient": acsURL, "destination": acsURL, "audience": audience} {
		if signOn[name], err = encode(value); err != nil {
			return nil, err
		}
	}
	if settings["signOn"], err = encode(signOn); err != nil {
		return nil, err
	}
	if app["settings"], err = encode(settings); err != nil {
		return nil, err
	}
	return encode(app)
}

func parseObject(document []byte) (object, error) {
	var o object
	if err := json.Unmarshal(document, &o); err != nil || o == nil {
		return nil, errors.New("okta: the application has no settings.signOn")
	}
	return o, nil
}

// encode encodes JSON without replacing <, > and & by their escapes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, fmt.Errorf("okta: encode the application: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
