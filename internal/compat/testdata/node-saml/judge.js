// Judges one SAML response as a service provider does that trusts what SendGrid has: the integration and
// its certificates. Standard input is {"integration", "certificates", "response"}, with the response in
// base64; standard output is {"name_id", "issuer"}, or {"refusal"}.
const { SAML } = require("@node-saml/node-saml");

async function judge({ integration, certificates, response }) {
  const saml = new SAML({
    issuer: integration.audience_url,
    audience: integration.audience_url,
    callbackUrl: integration.single_signon_url,
    entryPoint: integration.signin_url,
    idpIssuer: integration.entity_id,
    idpCert: certificates.map((certificate) => certificate.public_certificate),
    wantAssertionsSigned: true,
    // Identity providers sign the assertion; not all sign the response around it too.
    wantAuthnResponseSigned: false,
  });
  const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: response });
  return { name_id: profile.nameID, issuer: profile.issuer };
}

async function main() {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  const asked = JSON.parse(text);
  const verdict = await judge(asked).catch((error) => ({ refusal: error.message }));
  console.log(JSON.stringify(verdict));
}

main();
