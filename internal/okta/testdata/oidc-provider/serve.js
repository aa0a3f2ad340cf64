// Serves an OAuth server on a free port of this machine, prints the port, and ends with its
// standard input, so that it does not outlive the test that started it. The first line of the
// standard input is the client, whose access tokens open /api/v1/apps.
import http from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const scope = "okta.apps.manage";
const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(0));
input.once("line", (line) => {
  const server = http.createServer();
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    const provider = new Provider(`http://127.0.0.1:${port}`, {
      clients: [{
        token_endpoint_auth_method: "private_key_jwt",
        token_endpoint_auth_signing_alg: "RS256",
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
        ...JSON.parse(line),
      }],
      features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false }, dPoP: { enabled: true } },
      scopes: [scope],
      routes: { token: "/oauth2/v1/token" },
    });
    const serve = provider.callback();
    server.on("request", async (req, res) => {
      if (!req.url.startsWith("/api/v1/apps")) return serve(req, res);
      const [scheme, token] = (req.headers.authorization ?? "").split(" ");
      const issued = scheme === "Bearer" ? await provider.ClientCredentials.find(token ?? "") : undefined;
      res.writeHead(issued?.scope === scope ? 200 : 401, { "Content-Type": "application/json" }).end("[]");
    });
    console.log(port);
  });
});
