// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The Node peer: what one writes with `http`, `https` or `http2` alone. `GET /events` joins the fan-out, any other
// target is an idle stream.

import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";

import { credentials, fields, greeting, join, leave, protocol, serve } from "./fanout.mjs";

function begin(stream, target) {
    stream.write(greeting);
    if (target.startsWith("/events")) {
        join(stream);
    }
}

function createServer() {
    if (protocol === "http1") {
        const answer = (request, response) => {
            response.writeHead(200, fields);
            begin(response, request.url);
        };
        return credentials ? https.createServer(credentials, answer) : http.createServer(answer);
    }
    // The stream interface, which costs less than the one that imitates `http`. Its limits of streams and of memory
    // for a connection (megabytes) are far below thousands of streams.
    const options = { ...credentials, settings: { maxConcurrentStreams: 10_000 }, maxSessionMemory: 1000 };
    const server = credentials ? http2.createSecureServer(options) : http2.createServer(options);
    server.on("stream", (stream, headers) => {
        stream.on("error", () => leave(stream));
        stream.respond({ ":status": 200, ...fields });
        begin(stream, headers[":path"]);
    });
    return server;
}

serve(createServer());
