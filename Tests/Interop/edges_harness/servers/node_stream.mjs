// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// A Node server as tutorials write them: an event each 100 ms to everyone, ids, what was missed after Last-Event-ID,
// a comment now and then. Prints its port.

import http from "node:http";

const clients = new Set();
const kept = [];
let number = 0;

function text(event) {
  return `id: ${event.id}\ndata: ${JSON.stringify({ seq: event.id, ts: event.at })}\n\n`;
}

setInterval(() => {
  const event = { id: ++number, at: Date.now() };
  kept.push(event);
  if (kept.length > 1000) kept.shift();
  for (const client of clients) client.write(text(event));
}, 100);

setInterval(() => {
  for (const client of clients) client.write(": still here\n\n");
}, 1000);

const server = http.createServer((request, response) => {
  if (request.url !== "/events") return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  response.flushHeaders();
  const last = Number(request.headers["last-event-id"] ?? NaN);
  for (const event of kept) if (event.id > last) response.write(text(event));
  clients.add(response);
  request.on("close", () => clients.delete(response));
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
