// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors
//
// Reads a stream with Node's fetch and prints it as JSON lines: URL [LAST_EVENT_ID].
// The parser is the short one that people paste into applications: lines, fields, an empty line dispatches.

const [url, lastEventId] = process.argv.slice(2);
const say = (fields) => process.stdout.write(JSON.stringify(fields) + "\n");

const response = await fetch(url, {
  headers: { Accept: "text/event-stream", ...(lastEventId ? { "Last-Event-ID": lastEventId } : {}) },
});
say({ status: response.status });
if (response.status === 200) {
  let pending = "";
  let id = "";
  let event = "";
  let data = [];
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = (pending + text).split("\n");
    pending = lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) say({ event: event || "message", data: data.join("\n"), id });
        event = "";
        data = [];
      } else if (!line.startsWith(":")) {
        const colon = line.indexOf(":");
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (name === "data") data.push(value);
        if (name === "event") event = value;
        if (name === "id") id = value;
      }
    }
  }
}
say({ end: true });
