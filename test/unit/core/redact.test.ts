// What may be shown of URLs and command lines: everything but secrets.
import { describe, expect, it } from "vitest";
import { redactArguments, redactText, redactUrl } from "../../../src/core/redact.js";

describe("redactUrl", () => {
  it.each([
    ["https://user:secret@a.example/v2/", "https://a.example/v2/"],
    [
      "https://a.example/b?X-Amz-Signature=secret&ns=quay.io",
      "https://a.example/b?X-Amz-Signature=REDACTED&ns=quay.io",
    ],
    [
      "https://a.example/token?scope=pull&account=secret",
      "https://a.example/token?scope=pull&account=REDACTED",
    ],
    ["https://a.example/b#secret", "https://a.example/b"],
    ["oci://user:secret@a.example/chart", "oci://a.example/chart"],
  ])("%s is shown as %s", (url, shown) => {
    expect(redactUrl(new URL(url))).toBe(shown);
  });
});

describe("redactArguments", () => {
  it.each([
    [["helm", "registry", "login", "--password", "secret", "a.example"]],
    [["kubectl", "--token=secret"]],
    [["helm", "install", "--set", "a=1,auth.adminPassword=secret,b=2"]],
    [["helm", "install", "--set", "auth.password=se\\,cret"]],
    [["ctr", "images", "pull", "--user", "me:secret", "a"]],
    [["podman", "pull", "--creds", "me:secret", "a"]],
    [["helm", "pull", "x", "--repo", "https://me:secret@charts.example"]],
    [["curl", "https://a.example/b?sig=secret"]],
    [["curl", "-H", "Authorization: Bearer secret"]],
    [["sh", "-c", "API_KEY=secret run"]],
    [["docker", "run", "-e", "DB_PASSWORD=secret"]],
  ])("%j is shown without its secret", (argv) => {
    const shown = redactArguments(argv);

    expect(shown).toHaveLength(argv.length);
    expect(shown[0]).toBe(argv[0]);
    expect(shown.join(" ")).not.toMatch(/se(?:\\,)?cret/);
  });

  it("leaves everything else as it is", () => {
    const argv = [
      "helm",
      "template",
      "web",
      "/tmp/web-1.0.0.tgz",
      "--set",
      "image.tag=1,replicas=2",
      "--password-stdin",
      "next",
      "--repo",
      "https://charts.example/a",
      "--values",
      "token-server.yaml",
    ];
    expect(redactArguments(argv)).toEqual(argv);
  });
});

it("redactText removes the passwords of all URLs in a message", () => {
  expect(redactText('Get "https://me:secret@a.example/index.yaml": EOF, http://b.example')).toBe(
    'Get "https://a.example/index.yaml": EOF, http://b.example',
  );
});
