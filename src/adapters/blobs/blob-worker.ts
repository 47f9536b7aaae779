// The worker thread that fetches, copies, hashes and decompresses blobs.
import { parentPort, workerData } from "node:worker_threads";
import type { Activity } from "../../core/activity.js";
import type {
  ActivityMessage,
  JobMessage,
  Outcome,
  OutcomeMessage,
  WorkerSettings,
} from "./blob-messages.js";
import { fetchBlob } from "./fetch-blob.js";
import { OutputFiles } from "./output-file.js";
import { readBlob } from "./read-blob.js";
import { SocketPool } from "./socket-pool.js";
import { unpackBlob } from "./unpack-blob.js";

const BLOCK_BYTES = 1024 * 1024;

const settings = workerData as WorkerSettings;
const outputs = new OutputFiles(settings.moved);
/** The buffer for sockets and files. Each read is processed before the next one begins. */
const block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
const onActivity = settings.isObserved
  ? (activity: Activity): void => {
      parentPort?.postMessage({ activity } satisfies ActivityMessage);
    }
  : undefined;
const sockets = settings.http === undefined ? undefined : new SocketPool(settings.http, block, onActivity);

async function run({ job }: JobMessage): Promise<Outcome> {
  if (job.kind === "unpack")
    return unpackBlob(job, (bytes) => {
      outputs.moved.count(bytes);
    });
  if (job.kind !== "fetch") return readBlob(job, outputs, block);
  return sockets === undefined
    ? { kind: "unreadable" }
    : fetchBlob(job, outputs.get(job.output), sockets.get);
}

parentPort?.on("message", (message: JobMessage) => {
  void run(message).then((outcome) => {
    parentPort?.postMessage({ id: message.id, outcome } satisfies OutcomeMessage);
  });
});
