// The registry client of a run: `pull` and `push` over one session.
import { ViolaError } from "../../errors.js";
import type { Settings } from "../files/user-settings.js";
import { ConnectionFailure, HttpClient } from "../http/client.js";
import { httpSettings } from "../http/settings.js";
import { Authorizer, type Resource } from "./auth.js";
import { CredentialStore, type CredentialPlaces } from "./credentials.js";
import { EndpointOrder, endpointsFor, urlOfApi, type Endpoint } from "./endpoints.js";
import { Puller } from "./pull.js";
import { Pusher, pushError, PUSH_ANSWER_BYTES } from "./push.js";
import { RegistrySession } from "./session.js";

/** What a RegistryClient is made with. */
export interface RegistryClientOptions extends CredentialPlaces {
  readonly settings: Pick<Settings, "mirrors" | "insecure" | "ca" | "concurrency">;
  /** True for a user who is logged in nowhere. */
  readonly isAnonymous?: boolean;
  /** Is told what the user should know although the work goes on. */
  readonly onNote?: (message: string) => void;
  /** The first wait before another try; for tests. */
  readonly firstDelayMs?: number;
}

/** One run's view of all registries. Close it when done. */
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
   * Returns what pushes blobs of the bundle `file` into the registry, after a `ping`. Mirrors do not count.
   * Throws `REGISTRY_UNAVAILABLE`, `REGISTRY_AUTH` or `REGISTRY_ANSWER_INVALID`.
   */
  async push(host: string, file: string, signal: AbortSignal): Promise<Pusher> {
    const endpoint = await this.ping(host, signal);
    const { firstDelayMs } = this.#options;
    return new Pusher(this.#session, endpoint, { file, ...(firstDelayMs !== undefined && { firstDelayMs }) });
  }

  /**
   * Asks the registry for nothing but to be let in, so that a wrong password is reported once and not for every repository. Returns the
   * endpoint that answered: HTTPS with a checked certificate; plain HTTP only for this machine's own ports and hosts that the settings
   * call insecure, where nothing speaks TLS.
   */
  async ping(host: string, signal: AbortSignal): Promise<Endpoint> {
    const { insecure } = this.#options.settings;
    let failure: unknown;
    for (const endpoint of endpointsFor(host, { mirrors: new Map(), insecure })) {
      try {
        await this.#pingEndpoint(endpoint, signal);
        return endpoint;
      } catch (cause) {
        failure = cause;
        // A certificate that is not trusted is an answer.
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
    const resource: Resource = { base, repository: "", credentialHost, insecure, scope: "" };
    const url = urlOfApi(base, "");
    const ask = { method: "GET", url, headers: {}, limitBytes: PUSH_ANSWER_BYTES } as const;
    const answer = await this.#session.send(resource, ask, signal).catch(async (cause: unknown) => {
      throw pushError(
        base,
        "",
        "cannot be reached",
        await this.#session.describeFailure(resource, url, cause),
      );
    });
    // A registry that lets nobody in without a repository in mind says so with a token that is good for nothing.
    const isDenied = answer.status === 401 && !this.#session.hasToken(resource);
    if (isDenied || answer.status === 403 || answer.status >= 500) {
      const refusal = await this.#session.describeRefusal(resource, answer);
      throw pushError(base, "", "does not answer the ping", refusal);
    }
    if (answer.status === 404) {
      const subject = base.host;
      throw new ViolaError(
        "REGISTRY_ANSWER_INVALID",
        `${subject} is not a container registry (404 for /v2/)`,
        {
          subject,
          hint: "Check host and port; what follows them is the folder to push into, and not the registry's own path.",
        },
      );
    }
  }
}
