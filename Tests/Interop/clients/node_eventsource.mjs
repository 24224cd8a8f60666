// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors
//
// Node's own EventSource (run with --experimental-eventsource): reconnects by itself, prints JSON lines: URL TYPE...
// It has no way to set the first Last-Event-ID, so a resume goes through the last_event_id query.

const [url, ...types] = process.argv.slice(2);
const say = (fields) => process.stdout.write(JSON.stringify(fields) + "\n");

const source = new EventSource(url);
source.onopen = () => say({ status: 200 });
source.onerror = () => {
  if (source.readyState === EventSource.CLOSED) say({ end: true });
};
for (const type of ["message", ...types]) {
  source.addEventListener(type, (one) => say({ event: type, data: one.data, id: one.lastEventId }));
}

// Between two streams nothing of Node's own keeps the process alive.
setInterval(() => {}, 1000);
