// The worker thread that moves and hashes blobs.
import { parentPort, workerData } from "node:worker_threads";
import type { JobMessage, Outcome, OutcomeMessage, WorkerSettings } from "./blob-messages.js";
import { fetchBlob, type IdleConnections } from "./fetch-blob.js";
import { OutputFile } from "./output-file.js";
import { readBlob } from "./read-blob.js";

const COPY_BUFFER_BYTES = 1024 * 1024;

const settings = workerData as WorkerSettings;
const output = new OutputFile(settings.output, settings.moved);
const idle: IdleConnections = new Map();
const buffer = Buffer.allocUnsafeSlow(COPY_BUFFER_BYTES);

async function run({ job }: JobMessage): Promise<Outcome> {
  return job.kind === "fetch" ? fetchBlob(job, output, idle) : readBlob(job, output, buffer);
}

parentPort?.on("message", (message: JobMessage) => {
  void run(message).then((outcome) => {
    parentPort?.postMessage({ id: message.id, outcome } satisfies OutcomeMessage);
  });
});
