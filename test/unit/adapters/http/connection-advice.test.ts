// What to do about failed connections: it follows from the reason.
import { expect, it } from "vitest";
import { connectionAdvice, proxyCode } from "../../../../src/adapters/http/connection-advice.js";

const url = new URL("https://registry.example:5000/v2/");

it.each([
  ["CERT_HAS_EXPIRED", /clock/],
  ["ERR_TLS_CERT_ALTNAME_INVALID", /name/],
  ["SELF_SIGNED_CERT_IN_CHAIN", /\bca\b/],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", /\bca\b/],
  ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", /certs\.d\/registry\.example:5000\//],
  ["ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE", /client\.key/],
  ["ERR_SSL_WRONG_VERSION_NUMBER", /insecure/],
  ["EPROTO", /insecure/],
  ["ENOTFOUND", /DNS/],
  ["ETIMEDOUT", /stallTimeout/],
  ["ECONNREFUSED", /reached/],
  [proxyCode(407), /USER:PASSWORD/],
  [proxyCode(403), /NO_PROXY/],
])("%s", (code, advice) => {
  expect(connectionAdvice({ code, message: "", url })).toMatch(advice);
});

it("is about the proxy when the proxy cannot be reached", () => {
  const message = "proxy proxy.example:3128: connect ECONNREFUSED";
  expect(connectionAdvice({ code: "ECONNREFUSED", message, url })).toMatch(/HTTPS_PROXY/);
});
