// The faults that the embedded registry shows on demand, those of real registries among them.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Readable } from "node:stream";

/** What goes wrong with an answer. */
export type Fault =
  /** This status and nothing else. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection ends without an answer. */
  | { readonly kind: "drop" }
  /** The headers promise all bytes, the connection ends after so many. */
  | { readonly kind: "truncate"; readonly after: number }
  /** The last byte is another one. */
  | { readonly kind: "corrupt" }
  /** No Docker-Content-Digest. */
  | { readonly kind: "no-digest" }
  /** 307 to the same path at another origin. */
  | { readonly kind: "redirect"; readonly to: string }
  /** 200 and the whole body, whatever Range asked for. */
  | { readonly kind: "ignore-range" }
  /** So many bytes at a time, a pause between them. */
  | { readonly kind: "slow"; readonly bytes: number; readonly pauseMilliseconds: number };

/** Answers instead of the registry where the fault is one of the whole answer. Returns whether it did. */
export function answeredBy(
  fault: Fault | undefined,
  incoming: IncomingMessage,
  response: ServerResponse,
): boolean {
  if (fault?.kind === "drop") incoming.socket.destroy();
  else if (fault?.kind === "status")
    response.writeHead(fault.status, { ...fault.headers }).end(fault.body ?? "");
  else if (fault?.kind === "redirect") {
    response.writeHead(307, { location: new URL(incoming.url ?? "/", fault.to).href }).end();
  } else return false;
  return true;
}

/** Yields the bytes of an answer, `size` of them, as the fault leaves them. */
export async function* harmed(
  source: Readable,
  size: number,
  fault: Fault | undefined,
): AsyncGenerator<Buffer> {
  let sent = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk as Buffer);
    if (fault?.kind === "truncate" && sent + bytes.length > fault.after) {
      yield bytes.subarray(0, fault.after - sent);
      throw new Error("truncated on purpose");
    }
    sent += bytes.length;
    if (fault?.kind === "corrupt" && sent === size) bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 0xff;
    if (fault?.kind !== "slow") yield bytes;
    else {
      for (let at = 0; at < bytes.length; at += fault.bytes) {
        yield bytes.subarray(at, at + fault.bytes);
        await new Promise((resolve) => setTimeout(resolve, fault.pauseMilliseconds));
      }
    }
  }
}
