// The registry client of a run. Pulling and pushing share one session.
import { ViolaError } from "../../errors.js";
import type { Settings } from "../files/user-settings.js";
import { ConnectionFailure, HttpClient } from "../http/client.js";
import { httpSettings } from "../http/settings.js";
import { Authorizer, type Resource } from "./auth.js";
import { CredentialStore, type CredentialPlaces } from "./credentials.js";
import { EndpointOrder, endpointsFor, urlOfApi, type Endpoint } from "./endpoints.js";
import { Puller } from "./pull.js";
import { predicateOf, Pusher, pushError, PUSH_ANSWER_BYTES } from "./push.js";
import { RegistrySession } from "./session.js";

/** The options of a RegistryClient. */
export interface RegistryClientOptions extends CredentialPlaces {
  readonly settings: Pick<Settings, "mirrors" | "insecure" | "ca" | "concurrency"> &
    Partial<Pick<Settings, "stallTimeoutMs">>;
  /** True to use no credentials. */
  readonly isAnonymous?: boolean;
  /** Called for problems that do not stop the work. */
  readonly onNote?: (message: string) => void;
  /** The delay before the first retry. For tests. */
  readonly firstDelayMs?: number;
}

/** Accesses all registries in a run. The caller closes it. */
export class RegistryClient {
  readonly http: HttpClient;
  readonly pull: Puller;
  readonly #session: RegistrySession;
  readonly #options: RegistryClientOptions;

  constructor(options: RegistryClientOptions) {
    const { settings, env, home, isAnonymous = false, onNote, onActivity, firstDelayMs } = options;
    this.#options = options;
    this.http = new HttpClient({
      settings: httpSettings(settings, env),
      concurrency: settings.concurrency,
      onActivity,
      ...(firstDelayMs !== undefined && { firstDelayMs }),
    });
    const credentials = isAnonymous
      ? { find: () => Promise.resolve(undefined) }
      : new CredentialStore({ env, home, onActivity });
    this.#session = new RegistrySession(this.http, new Authorizer(this.http, credentials, onNote));
    this.pull = new Puller(this.#session, new EndpointOrder(settings));
  }

  /**
   * Pings the registry, and returns a pusher. Mirrors are ignored.
   * Throws `REGISTRY_UNAVAILABLE`, `REGISTRY_AUTH` or `REGISTRY_ANSWER_INVALID`.
   */
  async push(host: string, signal: AbortSignal): Promise<Pusher> {
    const endpoint = await this.ping(host, signal);
    const { firstDelayMs } = this.#options;
    return new Pusher(this.#session, endpoint, {
      ...(firstDelayMs !== undefined && { firstDelayMs }),
    });
  }

  /**
   * Requests `/v2/`, so that wrong credentials are reported once and not for each repository. Returns
   * the endpoint that responded: HTTPS with a checked certificate. Plain HTTP is used only for
   * loopback hosts and hosts that are insecure in the settings, when they do not support TLS.
   * Throws `REGISTRY_UNAVAILABLE`, `REGISTRY_AUTH` or `REGISTRY_ANSWER_INVALID`.
   */
  async ping(host: string, signal: AbortSignal): Promise<Endpoint> {
    const { insecure } = this.#options.settings;
    let failure: unknown;
    for (const endpoint of endpointsFor(host, {
      mirrors: new Map(),
      insecure,
    })) {
      try {
        await this.#pingEndpoint(endpoint, signal);
        return endpoint;
      } catch (cause) {
        failure = cause;
        // With an untrusted certificate, the server supports TLS, so plain HTTP is not tried.
        const lower = cause instanceof ViolaError ? cause.cause : undefined;
        if (!(lower instanceof ConnectionFailure) || lower.isCertificateRefused) break;
      }
    }
    throw failure;
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    await this.http.close();
  }

  async #pingEndpoint({ base, credentialHost, insecure }: Endpoint, signal: AbortSignal): Promise<void> {
    const resource: Resource = {
      base,
      repository: "",
      credentialHost,
      insecure,
      scope: "",
    };
    const url = urlOfApi(base, "");
    const request = {
      method: "GET",
      url,
      headers: {},
      limitBytes: PUSH_ANSWER_BYTES,
    } as const;
    const answer = await this.#session.send(resource, request, signal).catch(async (cause: unknown) => {
      throw pushError(
        base,
        "",
        predicateOf(cause),
        await this.#session.describeFailure(resource, url, cause),
      );
    });
    // Some registries issue a token but still respond with 401 to a request without a repository.
    const isDenied = answer.status === 401 && !this.#session.hasToken(resource);
    if (isDenied || answer.status === 403 || answer.status >= 500) {
      const refusal = await this.#session.describeRefusal(resource, answer);
      throw pushError(base, "", "refused the connection check", refusal);
    }
    if (answer.status === 404) {
      const subject = base.host;
      throw new ViolaError(
        "REGISTRY_ANSWER_INVALID",
        `${subject} is not a container registry (404 for /v2/)`,
        {
          subject,
          hint: "Check host and port. The path after them is the folder to push to, not the path of the registry's API.",
        },
      );
    }
  }
}
