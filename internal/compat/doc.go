// Package compat tests the function with identity providers that other people wrote. "make compat"
// installs and starts them, sends their own SAML metadata through the built function, logs a person in,
// and has the SAML response judged by the simulator and by node-saml, a service provider that other
// people wrote. Then the identity provider gets another signing key, and all of it happens once more.
//
// The tests are behind the build tag "compat", because they need Debian packages and npm. An identity
// provider is one file here, its configuration in testdata, and one line in identityProviders.
package compat
