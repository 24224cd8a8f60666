// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The Node peer: what one writes with `http`, `https` or `http2` alone. One event per interval, encoded once, then
// write() for every stream. `GET /events` joins the fan-out, any other target is an idle stream.

import { readFileSync } from "node:fs";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import { performance } from "node:perf_hooks";

const usage = "usage: node server.mjs INTERVAL_MS DATA_SIZE [http1|http2 [CERTIFICATE KEY]]";
const [intervalMs, dataSize] = process.argv.slice(2, 4).map(Number);
const [protocol = "http1", certificate, key] = process.argv.slice(4);
if (!(intervalMs >= 1 && dataSize >= 80) || !["http1", "http2"].includes(protocol)) {
    console.error(usage);
    process.exit(64);
}

const subscribers = new Set();
let sequence = 0;

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

const fields = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache, no-store, no-transform",
    "x-accel-buffering": "no",
    incremental: "?1",
};

function join(stream, target) {
    stream.write(": connected\n\nretry: 3000\n\n");
    if (target.startsWith("/events")) {
        subscribers.add(stream);
        stream.on("close", () => subscribers.delete(stream));
    }
}

function createServer() {
    const credentials = certificate ? { cert: readFileSync(certificate), key: readFileSync(key) } : undefined;
    if (protocol === "http1") {
        const answer = (request, response) => {
            response.writeHead(200, fields);
            join(response, request.url);
        };
        return credentials ? https.createServer(credentials, answer) : http.createServer(answer);
    }
    // The stream interface, which costs less than the one that imitates `http`. Its limits of streams and of memory
    // for a connection (megabytes) are far below thousands of streams.
    const options = { ...credentials, settings: { maxConcurrentStreams: 10_000 }, maxSessionMemory: 1000 };
    const server = credentials ? http2.createSecureServer(options) : http2.createServer(options);
    server.on("stream", (stream, headers) => {
        stream.on("error", () => subscribers.delete(stream));
        stream.respond({ ":status": 200, ...fields });
        join(stream, headers[":path"]);
    });
    return server;
}

const server = createServer();

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

server.listen(0, "127.0.0.1", 4096, () => {
    console.log(JSON.stringify({ http: `127.0.0.1:${server.address().port}` }));
    tick();
});
