// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The page: what was measured, what was found, the charts that the result allows, and every figure of it as a table.

const report = JSON.parse(document.getElementById("report").textContent);
const samples = JSON.parse(document.getElementById("samples").textContent);
const result = report.result || {};
const list = (value) => (Array.isArray(value) ? value : []);

function themeButton() {
  const button = make("button", { type: "button" });
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const name = () => { button.textContent = isDark() ? "Light colours" : "Dark colours"; };
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  });
  name();
  return button;
}

function head() {
  const started = String(report.started || "").replace("T", " ").replace(/\.\d+Z$|Z$/, " UTC");
  return make(
    "header", {},
    make("div", {}, make("h1", {}, `Headwater probe ${report.command}`),
      make("p", { class: "soft" }, `${started}, ${formatNumber(Number((report.duration_seconds || 0).toFixed(1)))} s`
        + `${report.interrupted ? ", interrupted" : ""}. Headwater ${report.version}.`)),
    themeButton(),
  );
}

function note(tone, badge, path, text, advice) {
  return make("li", { class: tone }, make("span", { class: "badge" }, badge),
    path ? make("strong", {}, `${path}: `) : null, text, advice ? make("p", { class: "soft" }, `→ ${advice}`) : null);
}

function findings() {
  const tones = { problem: "problem", warning: "warning", note: "" };
  const answers = verdicts(result);
  const found = list(report.findings).map((one) => note(tones[one.severity], one.severity, one.path, one.text, one.advice));
  const judged = list(report.thresholds).map((one) =>
    note(one.passed ? "good" : "problem", one.passed ? "ok" : "fail", null, one.message));
  if (report.samples_dropped > 0) {
    judged.push(note("warning", "note", null,
      `${plural(report.samples_dropped, "event")} beyond the memory for samples are counted, but in no percentile.`));
  }
  if (answers.length + found.length + judged.length === 0) found.push(note("good", "ok", null, "Nothing that needs attention."));
  return make("section", {}, make("h2", {}, "What was found"), make("ul", { class: "notes" }, answers, judged, found));
}

function overview(paths) {
  if (paths.length === 0) return null;
  const rows = paths.map((path) => ({
    path: path.name, url: path.url, protocol: [path.http_version, path.tls].filter(Boolean).join(", ") || undefined,
    status: path.status, streams: path.streams > 1 ? path.streams : undefined,
    events: path.events, lost: path.lost, duplicated: path.duplicated, reordered: path.reordered, ttfb_ms: path.ttfb_ms,
    p50_ms: path.latency?.p50_ms, p99_ms: path.latency?.p99_ms, max_ms: path.latency?.max_ms,
    gap_ms: path.gaps?.median_ms, jitter_ms: path.gaps?.jitter_median_ms, mean_lag_ms: path.mean_lag_ms,
    max_lag_ms: path.max_lag_ms, last_failure: path.last_failure,
  }));
  // Columns that no path has a value for say nothing.
  for (const name of Object.keys(rows[0])) {
    if (rows.every((row) => row[name] === undefined)) rows.forEach((row) => delete row[name]);
  }
  const error = Math.max(...paths.map((path) => path.latency_error_ms ?? -1));
  return make("section", {}, make("h2", {}, "Paths"), make("div", { class: "wide", tabindex: "0" }, rowTable(null, rows)),
    rows[0].ttfb_ms === undefined ? null : make("p", { class: "soft" }, "TTFB: request to the head of the response. p50, p99 and max: latency from publish to arrival"
      + (error >= 0 ? `, ± ${formatNumber(error)} ms by the clock's estimate` : ", where the clock of the origin is known")
      + ". Gap and jitter: median time between events, and its median deviation."));
}

function charts(paths) {
  const names = paths.map((path) => path.name);
  const pairs = list(result.pairs).slice(0, 28)
    .map((pair) => ({ ...pair, tones: [Math.max(0, names.indexOf(pair.a)), Math.max(0, names.indexOf(pair.b))] }));
  const streams = list(result.streams).filter((stream) => isRow(stream) && typeof stream.path === "string");
  const ofStreams = [...new Set(streams.map((stream) => stream.path))];
  const drawn = [
    overTime(samples, "latency", {
      title: "Latency over time", hint: "Each dot is an event: the time from its publish to its arrival. Lower is better.",
      y: "ms" }),
    cumulative(samples, "latency_quantiles", {
      title: "Latency distribution", hint: "How many events came within which time. Further left is better.", x: "ms" }),
    sockets(streams, ofStreams),
    wins(pairs),
    phases(paths),
    ...pairs.flatMap(deltas),
    overTime(samples, "gap", {
      title: "Time between events", hint: "A buffer on the way shows as high dots with dots at zero behind them.", y: "ms" }),
    cumulative(samples, "gap_quantiles", {
      title: "Distribution of the time between events", hint: "A steep step is an even stream; a wide curve is jitter.", x: "ms" }),
    ...ofStreams.flatMap((path, tone) => [
      perStream(streams, path, tone, ["latency_p50_ms", "latency_p99_ms"], {
        title: "Latency per stream", hint: "Full to the median, pale to p99. Even heights mean that streams are treated alike." }),
      perStream(streams, path, tone, ["jitter_median_ms", "jitter_mean_ms"], {
        title: "Jitter per stream", hint: "Full to the median deviation of the time between events, pale to the mean." }),
    ]),
    ...ofLoad(result),
    ages(result),
  ].filter(Boolean);
  return drawn.length === 0 ? null : make("section", {}, make("h2", {}, "Charts"), make("div", { class: "charts" }, drawn));
}

function everything() {
  const { paths, pairs, ...rest } = result;
  const tables = [
    ...(list(paths).length ? [facts("Paths", paths, paths.map((path) => path.name))] : []),
    ...list(paths).filter((path) => list(path.ends).length).map((path) => rowTable(`Ends of ${path.name}`, path.ends)),
    ...(list(pairs).length
      ? [facts("Pairs", pairs.map(({ series, histogram: bins, ...pair }) => pair), pairs.map((pair) => `${pair.a}, ${pair.b}`))] : []),
    ...tablesOf("Result", rest),
  ];
  return make("section", {}, make("h2", {}, "All figures"),
    tables.map(placed),
    make("details", {}, make("summary", {}, "The report as JSON"), rawJSON()));
}

/** Long tables wait behind their title. */
function placed(table) {
  const rows = table.querySelectorAll("tbody tr").length;
  const title = table.querySelector("caption");
  if (rows <= 12 || !title || table.querySelector("tbody th")) return make("div", { class: "wide", tabindex: "0" }, table);
  title.remove();
  return make("details", {}, make("summary", {}, `${title.textContent}: ${plural(rows, "row")}`),
    make("div", { class: "wide tall", tabindex: "0" }, table));
}

function rawJSON() {
  const text = JSON.stringify(report, null, 2);
  return make("pre", { tabindex: "0" }, text.length > 200_000 ? `${text.slice(0, 200_000)}\n… shortened` : text);
}

const paths = list(result.paths).filter((path) => isRow(path) && typeof path.name === "string");
document.title = `Headwater probe ${report.command}`;
document.getElementById("page").append(...[head(), findings(), overview(paths), charts(paths), everything()].filter(Boolean));
