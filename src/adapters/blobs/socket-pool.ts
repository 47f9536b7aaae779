// The raw connections of one thread by origin. Follows redirects.
import type { OnActivity } from "../../core/activity.js";
import { requestReporter } from "../http/request-reporter.js";
import { BASE_HEADERS, type HttpSettings } from "../http/settings.js";
import { proxyFor } from "../http/proxy.js";
import { firstHop, headersOf, nextHop } from "../http/redirect.js";
import { DEFAULT_STALL_TIMEOUT_MS } from "../http/stall.js";
import { Certificates } from "../http/tls.js";
import type { BlobGet, BlobSink } from "./fetch-blob.js";
import { HttpConnection, UnreadableBody, type ReadOptions, type ResponseHead } from "./http-connection.js";

/** A pool of persistent connections. */
export class SocketPool {
  readonly #settings: HttpSettings;
  readonly #certificates: Certificates;
  readonly #options: ReadOptions;
  /** Idle connections by origin. */
  readonly #idle = new Map<string, HttpConnection[]>();

  readonly #onActivity: OnActivity | undefined;

  /** All connections read into `block`. */
  constructor(settings: HttpSettings, block: Buffer, onActivity?: OnActivity) {
    this.#settings = settings;
    this.#certificates = new Certificates(settings);
    this.#options = { block, stallMs: settings.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS };
    this.#onActivity = onActivity;
  }

  /**
   * See `BlobGet`. Throws `UnreadableBody` for a server behind a proxy, because the data of a tunnel
   * cannot be read into a given buffer.
   */
  readonly get: BlobGet = async (url, headers, sink) => {
    for (let hop = firstHop(url, { ...BASE_HEADERS, ...headers }); ;) {
      if (proxyFor(hop.url, this.#settings.env) !== undefined)
        throw new UnreadableBody("the server is behind a proxy");
      const head = await this.#getObserved(hop.url, headersOf(hop), sink);
      const next = nextHop(hop, head);
      if (next === undefined) return { url: hop.url, head };
      hop = next;
    }
  };

  /** Gets one answer, and reports the request. */
  async #getObserved(
    url: URL,
    headers: Readonly<Record<string, string>>,
    sink: BlobSink,
  ): Promise<ResponseHead> {
    if (this.#onActivity === undefined) return this.#getOnce(url, headers, sink);
    const report = requestReporter("GET", url, this.#onActivity);
    let bytes = 0;
    const counting: BlobSink = {
      onHead: (head) => {
        sink.onHead(head);
      },
      onData: (chunk) => {
        bytes += chunk.length;
        return sink.onData(chunk);
      },
    };
    try {
      const head = await this.#getOnce(url, headers, counting);
      report({ status: head.status, bytes });
      return head;
    } catch (cause) {
      report({ failure: cause instanceof Error ? cause.message : String(cause), bytes });
      throw cause;
    }
  }

  async #getOnce(url: URL, headers: Readonly<Record<string, string>>, sink: BlobSink): Promise<ResponseHead> {
    const waiting = this.#idle.get(url.origin) ?? [];
    this.#idle.set(url.origin, waiting);
    for (;;) {
      const kept = waiting.pop();
      if (kept?.usable === false) continue;
      const connection = kept ?? new HttpConnection(url, this.#certificates, this.#options);
      try {
        const head = await connection.get(url.pathname + url.search, headers, sink);
        if (connection.usable) waiting.push(connection);
        return head;
      } catch (cause) {
        // A server may close an idle connection while a request is sent. Without a response, the
        // request is sent again on another connection.
        if (kept === undefined || connection.answered) throw cause;
      }
    }
  }
}
