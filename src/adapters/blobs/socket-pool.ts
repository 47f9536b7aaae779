// The raw connections of one thread by origin. Follows redirects.
import { BASE_HEADERS, type HttpSettings } from "../http/settings.js";
import { proxyFor } from "../http/proxy.js";
import { firstHop, headersOf, nextHop } from "../http/redirect.js";
import { Certificates } from "../http/tls.js";
import type { BlobGet, BlobSink } from "./fetch-blob.js";
import { HttpConnection, UnreadableBody, type ResponseHead } from "./http-connection.js";

/** A pool of persistent connections. */
export class SocketPool {
  readonly #settings: HttpSettings;
  readonly #certificates: Certificates;
  readonly #block: Buffer;
  /** Idle connections by origin. */
  readonly #idle = new Map<string, HttpConnection[]>();

  /** All connections read into `block`. */
  constructor(settings: HttpSettings, block: Buffer) {
    this.#settings = settings;
    this.#certificates = new Certificates(settings);
    this.#block = block;
  }

  /**
   * See `BlobGet`. Throws `UnreadableBody` for a server behind a proxy, because the data of a tunnel
   * cannot be read into a given buffer.
   */
  readonly get: BlobGet = async (url, headers, sink) => {
    for (let hop = firstHop(url, { ...BASE_HEADERS, ...headers }); ;) {
      if (proxyFor(hop.url, this.#settings.env) !== undefined)
        throw new UnreadableBody("the server is behind a proxy");
      const head = await this.#getOnce(hop.url, headersOf(hop), sink);
      const next = nextHop(hop, head);
      if (next === undefined) return { url: hop.url, head };
      hop = next;
    }
  };

  async #getOnce(url: URL, headers: Readonly<Record<string, string>>, sink: BlobSink): Promise<ResponseHead> {
    const waiting = this.#idle.get(url.origin) ?? [];
    this.#idle.set(url.origin, waiting);
    for (;;) {
      const kept = waiting.pop();
      if (kept?.usable === false) continue;
      const connection = kept ?? new HttpConnection(url, this.#certificates, this.#block);
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
