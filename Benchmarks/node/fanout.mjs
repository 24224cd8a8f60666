// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What the Node peers share: one timer, one event per interval, encoded once, then write() for every stream.

import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";

const usage = "INTERVAL_MS DATA_SIZE [http1|http2 [CERTIFICATE KEY]]";
const [intervalMs, dataSize] = process.argv.slice(2, 4).map(Number);
export const [protocol = "http1", certificate, key] = process.argv.slice(4);
if (!(intervalMs >= 1 && dataSize >= 80) || !["http1", "http2"].includes(protocol)) {
    console.error(`usage: node ${process.argv[1]} ${usage}`);
    process.exit(64);
}

export const credentials = certificate ? { cert: readFileSync(certificate), key: readFileSync(key) } : undefined;

export const fields = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-store, no-transform",
    "x-accel-buffering": "no",
    incremental: "?1",
};
export const greeting = ": connected\n\nretry: 3000\n\n";

const subscribers = new Set();
let sequence = 0;

export function leave(stream) {
    subscribers.delete(stream);
}

// From now on the stream gets every event.
export function join(stream) {
    subscribers.add(stream);
    stream.on("close", () => leave(stream));
}

function publish() {
    sequence += 1;
    // Milliseconds of the epoch with a fraction do not fit a double to the nanosecond; microseconds do.
    const micros = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const head = `{"seq":${sequence},"ts":${micros}000,"pad":"`;
    const data = head + "x".repeat(dataSize - head.length - 2) + '"}';
    const event = Buffer.from(`id: nodeabcd.${sequence}\ndata: ${data}\n\n`);
    for (const stream of subscribers) {
        stream.write(event);
    }
}

// Due times are counted from the start, so that a late timer does not lower the rate.
const start = performance.now();
let ticks = 0;
function tick() {
    while (start + (ticks + 1) * intervalMs <= performance.now()) {
        ticks += 1;
        publish();
    }
    setTimeout(tick, Math.max(1, start + (ticks + 1) * intervalMs - performance.now()));
}

// Listens on a free port of the loopback interface, says which, and publishes.
export function serve(server) {
    server.listen(0, "127.0.0.1", 4096, () => {
        console.log(JSON.stringify({ http: `127.0.0.1:${server.address().port}` }));
        tick();
    });
}
