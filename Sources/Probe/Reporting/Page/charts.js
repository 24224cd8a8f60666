// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// The charts of the fields that this page knows: paths, pairs, multiplexing and streams of a result, and samples.

const phaseNames = [
  ["dns_ms", "DNS"], ["connect_ms", "Connect"], ["tunnel_ms", "Proxy tunnel"], ["tls_ms", "TLS"],
  ["settings_ms", "HTTP/2 settings"], ["request_to_head_ms", "Request to head"],
  ["head_to_first_byte_ms", "Head to first byte"],
];

/** Dots of one kind over time, of every path that has them. */
function overTime(samples, kind, { title, hint, y }) {
  const series = samples.map((path, tone) => ({ path, tone })).filter(({ path }) => path[kind]).map(({ path, tone }) => ({
    name: path.name, tone,
    points: path[kind].seconds.map((second, index) => [second, path[kind].ms[index], `stream ${path[kind].stream[index] + 1}`]),
  }));
  if (series.length === 0) return null;
  const thinnedOut = samples.filter((path) => path[kind] && path[kind].of > path[kind].seconds.length);
  const more = thinnedOut.length === 0 ? "" : " Thinned to the extremes of each moment.";
  return plot({
    title, hint: hint + more, series, shape: "dots", labels: { x: "s since the start", y },
    scales: { y: scaleFor(series.flatMap((one) => one.points.map((point) => point[1]))) }, zero: { x: true },
    table: rowTable(null, series.map((one) => ({ path: one.name, shown: one.points.length,
      lowest_ms: Math.min(...one.points.map((point) => point[1])),
      highest_ms: Math.max(...one.points.map((point) => point[1])) }))),
  });
}

/** The share of values below each, of all samples. */
function cumulative(samples, kind, { title, hint, x }) {
  const series = samples.map((path, tone) => ({ path, tone })).filter(({ path }) => path[kind]).map(({ path, tone }) => ({
    name: path.name, tone, points: path[kind].percent.map((percent, index) => [path[kind].ms[index], percent]),
  }));
  if (series.length === 0) return null;
  const shares = [0, 25, 50, 75, 90, 95, 99, 99.9, 100];
  return plot({
    title, hint, series, shape: "curve", labels: { x, y: "% of events" },
    scales: { x: scaleFor(series.flatMap((one) => one.points.map((point) => point[0]))) },
    table: columnTable(["%", ...series.map((one) => `${one.name} (ms)`)], [
      shares,
      ...series.map((one) => shares.map((share) => (one.points.find((point) => point[1] >= share) || [])[0])),
    ]),
  });
}

function phases(paths) {
  const rows = paths.filter((path) => path.phases).map((path) => {
    const segments = phaseNames.map(([field, name], tone) => ({ name, tone, value: path.phases[field] || 0 }));
    const total = segments.reduce((sum, segment) => sum + segment.value, 0);
    return { name: path.name, segments, total: `${formatNumber(Number(total.toFixed(3)))} ms` };
  });
  if (rows.length === 0) return null;
  const used = phaseNames.map(([field, name], tone) => ({ field, name, tone }))
    .filter(({ field }) => paths.some((path) => path.phases && path.phases[field] !== undefined));
  return stackedBars({
    title: "Connection phases", hint: "Where the time until the first byte went, on the first stream of each path.",
    rows, unit: "ms", legend: used,
    table: facts(null, paths.filter((path) => path.phases).map((path) => path.phases), rows.map((row) => row.name)),
  });
}

function wins(pairs) {
  const rows = pairs.filter((pair) => pair.matched > 0).map((pair) => ({
    name: `${pair.a} against ${pair.b}`, total: `${formatCount(pair.matched)}`,
    segments: [
      { name: `${pair.a} first`, tone: pair.tones[0], value: pair.wins_a },
      { name: "tie", tone: 7, value: pair.ties },
      { name: `${pair.b} first`, tone: pair.tones[1], value: pair.wins_b },
    ],
  }));
  if (rows.length === 0) return null;
  const names = new Map(pairs.flatMap((pair) => [[pair.a, pair.tones[0]], [pair.b, pair.tones[1]]]));
  return stackedBars({
    title: "Who was first", hint: "Events that came on both paths, by the path on which each came first.",
    rows, unit: "events", legend: [...[...names].map(([name, tone]) => ({ name, tone })), { name: "tie", tone: 7 }],
    table: rowTable(null, pairs.map(({ a, b, wins_a, ties, wins_b }) => ({ a, b, wins_a, ties, wins_b }))),
  });
}

function deltas(pair) {
  if (!pair.series || pair.series.length === 0) return [];
  const legend = [{ name: `${pair.b} faster`, tone: pair.tones[1] }, { name: `${pair.a} faster`, tone: pair.tones[0] }];
  const name = `${pair.b} − ${pair.a}`;
  const outside = pair.histogram.below + pair.histogram.above;
  const points = pair.series.map((point) => [point.at_seconds, point.delta_ms, point.id]).sort((a, b) => a[0] - b[0]);
  return [
    histogram({
      title: `Delta ${name}`,
      hint: `How much later each event came on ${pair.b} than on ${pair.a}.`
        + (outside ? ` ${plural(outside, "event")} further out.` : ""),
      bins: pair.histogram, tones: [pair.tones[1], pair.tones[0]], legend, labels: { x: "ms", y: "events" },
      table: columnTable(["from (ms)", "events"], [
        pair.histogram.counts.map((_, index) => pair.histogram.lower_ms + index * pair.histogram.width_ms),
        pair.histogram.counts,
      ]),
    }),
    plot({
      title: `Delta over time, ${name}`, hint: `Above zero ${pair.a} was faster, below it ${pair.b}.`,
      series: [{ name, tone: pair.tones[1], points }], shape: "dots",
      labels: { x: "s since the first common event", y: "ms" },
      scales: { y: scaleFor(points.map((point) => point[1])) }, zero: { x: true },
      table: rowTable(null, pair.series),
    }),
  ];
}

/** Sockets that were in use when so many streams were open, here and at the origin: a flat line is multiplexing. */
function sockets(streams, names) {
  const series = [];
  for (const [index, path] of names.entries()) {
    const opened = streams.filter((stream) => stream.path === path && stream.connection !== undefined)
      .sort((a, b) => a.opened_seconds - b.opened_seconds);
    for (const [field, where, tone] of [["connection", "here", 2 * index], ["origin_connection", "at the origin", 2 * index + 1]]) {
      if (!opened.some((stream) => stream[field] !== undefined)) continue;
      const seen = new Set();
      series.push({ name: `${path}, ${where}`, tone, points: [[0, 0], ...opened.map((stream, count) => {
        if (stream[field] !== undefined) seen.add(stream[field]);
        return [count + 1, seen.size];
      })] });
    }
  }
  if (series.length === 0) return null;
  return plot({
    title: "Sockets against streams",
    hint: "One more socket for each stream rises like a staircase; streams that share a socket stay flat.",
    series, shape: "steps", labels: { x: "streams opened", y: "sockets" }, zero: { x: true, y: true },
    table: rowTable(null, series.map((one) => ({ series: one.name, streams: one.points.length - 1,
      sockets: one.points[one.points.length - 1][1] }))),
  });
}

/** A bar for each stream of a path, by one pair of figures. */
function perStream(streams, path, tone, [low, high], { title, hint }) {
  const rows = streams.filter((stream) => stream.path === path && stream[high] !== undefined)
    .map((stream) => ({ name: `stream ${stream.stream + 1}`, low: stream[low] ?? stream[high], high: stream[high] }))
    .sort((a, b) => a.high - b.high);
  if (rows.length < 2) return null;
  return rangeBars({
    title: `${title}, ${path}`, hint, rows, tone, legend: [],
    labels: { x: `${plural(rows.length, "stream")}, sorted`, y: "ms" },
    table: rowTable(null, rows.map((row) => ({ stream: row.name, [low]: row.low, [high]: row.high }))),
  });
}
