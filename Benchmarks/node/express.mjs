// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The Express peer: two routes, `res.writeHead` and `res.write`. Debian installs Express where NODE_PATH leads to,
// which only require() follows.

import * as http from "node:http";
import * as https from "node:https";
import { createRequire } from "node:module";

import { credentials, fields, greeting, join, serve } from "./fanout.mjs";

const express = createRequire(import.meta.url)("express");
const app = express();

app.get("/events", (request, response) => {
    response.writeHead(200, fields);
    response.write(greeting);
    join(response);
});

app.get("/idle", (request, response) => {
    response.writeHead(200, fields);
    response.write(greeting);
});

serve(credentials ? https.createServer(credentials, app) : http.createServer(app));
