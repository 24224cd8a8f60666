// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The Node peer: what one writes with `http` alone. One event per interval, encoded once, then response.write() for
// every stream. `GET /events` joins the fan-out, any other target is an idle stream.
// usage: node server.mjs INTERVAL_MS DATA_SIZE

import { createServer } from "node:http";
import { performance } from "node:perf_hooks";

const [intervalMs, dataSize] = process.argv.slice(2).map(Number);
if (!(intervalMs >= 1 && dataSize >= 80)) {
    console.error("usage: node server.mjs INTERVAL_MS DATA_SIZE");
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
    for (const response of subscribers) {
        response.write(event);
    }
}

const server = createServer((request, response) => {
    response.writeHead(200, {
        "Content-Type": "text/event-stream",
        "Cache-Control": "no-cache, no-store, no-transform",
        "X-Accel-Buffering": "no",
        Incremental: "?1",
    });
    response.write(": connected\n\nretry: 3000\n\n");
    if (request.url.startsWith("/events")) {
        subscribers.add(response);
        response.on("close", () => subscribers.delete(response));
    }
});

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
