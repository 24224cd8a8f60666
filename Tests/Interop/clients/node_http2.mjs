// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors
//
// Node's http2 module: node node_http2.mjs ORIGIN REQUESTS. REQUESTS is a JSON list of {headers, body, trailers}; all of
// them are made at once on one connection, and one line of JSON tells the answers: [{status, headers, body}].

import http2 from "node:http2";

const [origin, requests] = process.argv.slice(2);
const session = http2.connect(origin, { rejectUnauthorized: false });
session.on("error", (error) => {
  console.error(error);
  process.exit(1);
});

function make({ headers, body, trailers }) {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined, waitForTrailers: trailers !== undefined });
    const chunks = [];
    let head = {};
    stream.on("response", (fields) => (head = fields));
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.on("error", reject);
    stream.on("end", () =>
      resolve({ status: head[":status"], headers: { ...head }, body: Buffer.concat(chunks).toString("utf8") }),
    );
    if (body !== undefined) {
      // In two parts, so that the body is no single frame.
      stream.write(body.slice(0, body.length / 2));
      stream.end(body.slice(body.length / 2));
    }
  });
}

console.log(JSON.stringify(await Promise.all(JSON.parse(requests).map(make))));
session.close();
