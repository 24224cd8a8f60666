// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// What only one command reports: the verdicts of diagnose and idle, the seconds and curves of load, the ages of the
// streams that idle held.

const verdictTones = { progressive: "good", undecided: "warning" };

/** The answer itself, where a command has one, as notes. */
function verdicts(found) {
  const notes = [];
  if (typeof found.verdict === "string") {
    const confidence = found.confidence ? ` Confidence ${said(found.confidence)}.` : "";
    notes.push(note(verdictTones[found.verdict] || "problem", found.verdict, null, `${said(found.reason)}.${confidence}`));
    for (const cause of list(found.causes).filter(isRow)) {
      notes.push(note("problem", "cause", cause.intermediary, said(cause.text), cause.setting));
    }
  }
  for (const [field, name] of [["idle_timeout", "Idle timeout"], ["max_lifetime", "Maximum lifetime"]]) {
    const timer = found[field];
    if (!isRow(timer) || typeof timer.status !== "string") continue;
    const settings = list(timer.settings).filter(isRow).map((one) => [one.hop, one.setting].filter(Boolean).join(": "));
    const value = typeof timer.seconds === "number" ? `${formatNumber(timer.seconds)} s` : timer.status.replaceAll("_", " ");
    const why = timer.status === "found"
      ? `, ${plural(timer.ends, "stream")} ended by it, confidence ${said(timer.confidence)}`
      : `, survived ${formatNumber(timer.survived_seconds)} s`;
    notes.push(note(timer.status === "found" ? "warning" : "", name, null, value + why, settings.join("; ")));
  }
  if (typeof found.heartbeat_seconds === "number") {
    notes.push(note("good", "Heartbeat", null, `every ${formatNumber(found.heartbeat_seconds)} s at most keeps streams alive here`));
  }
  return notes;
}

/** Lines over the seconds of a load test, for those of the fields [[field, name]…] that it has. */
function bySecond(seconds, fields, { title, hint, y }) {
  const series = fields.map(([field, name], tone) => ({
    name, tone,
    points: seconds.filter((second) => typeof second[field] === "number").map((second) => [second.at, second[field]]),
  })).filter((one) => one.points.length > 1);
  if (series.length === 0) return null;
  return plot({
    title, hint, series, shape: "curve", labels: { x: "s since the start", y }, zero: { x: true, y: true },
    scales: { y: y === "ms" ? scaleFor(series.flatMap((one) => one.points.map((point) => point[1]))) : linear },
    table: rowTable(null, seconds.map((second) => Object.fromEntries([["at", second.at], ...fields.map(([field]) => [field, second[field]])]))),
  });
}

/** Percentiles closer and closer to 100, as a load test keeps them: [[percentile, ms]…]. */
function curves(found, { title, hint }) {
  const series = found.filter(({ curve }) => list(curve).length > 1)
    .map(({ name, curve }, tone) => ({ name, tone, points: curve.map(([percent, ms]) => [ms, percent]) }));
  if (series.length === 0) return null;
  return plot({
    title, hint, series, shape: "curve", labels: { x: "ms", y: "%" },
    scales: { x: scaleFor(series.flatMap((one) => one.points.map((point) => point[0]))) },
    table: rowTable(null, series.flatMap((one) => one.points.map(([ms, percent]) => ({ name: one.name, percent, ms })))),
  });
}

function ofLoad(found) {
  const seconds = list(found.seconds).filter((second) => isRow(second) && typeof second.at === "number")
    .map((second) => ({ ...second, rate: second.seconds > 0 ? second.events / second.seconds : second.events }));
  return [
    bySecond(seconds, [["open", "open"], ["opening", "opening"]], {
      title: "Streams", hint: "Open at the end of each second, and those that were waited for.", y: "streams" }),
    bySecond(seconds, [["rate", "events"]], {
      title: "Events per second", hint: "Received over all streams.", y: "events/s" }),
    bySecond(seconds, [["delivery_p50_ms", "p50"], ["delivery_p99_ms", "p99"], ["delivery_max_ms", "max"]], {
      title: "Delivery latency by second", hint: "From publish to arrival. Lower is better.", y: "ms" }),
    bySecond(seconds, [["opening_p50_ms", "p50"], ["opening_p99_ms", "p99"], ["oldest_opening_ms", "longest wait so far"]], {
      title: "Opening latency by second", hint: "From the moment when a stream was due to its response.", y: "ms" }),
    curves([{ name: "delivery", curve: found.hold?.delivery?.curve }, { name: "opening", curve: found.opening?.curve }], {
      title: "Latency distribution", hint: "How much came within which time. Further left is better." }),
    bySecond(seconds, [["cpu", "this process"]], {
      title: "CPU of the probe", hint: "In cores. Close to the number of its loops, the probe itself is the bottleneck.", y: "cores" }),
  ].filter(Boolean);
}

const causes = ["idle", "lifetime", "shutdown", "unexplained", "still open"];

/** How old each stream became, by what ended it: equal heights are a timer. */
function ages(found) {
  const streams = list(found.streams).filter((stream) => isRow(stream) && typeof stream.age_seconds === "number"
    && typeof stream.role === "string" && typeof stream.silence_seconds === "number");
  if (streams.length === 0) return null;
  const tone = (stream) => Math.max(0, causes.indexOf(stream.cause ?? "still open"));
  const rows = streams.map((stream) => ({
    name: `${stream.role}${typeof stream.interval_seconds === "number" ? `, a byte every ${formatNumber(stream.interval_seconds)} s` : ""}`,
    total: `${formatNumber(Number(stream.age_seconds.toFixed(2)))} s`,
    segments: [{ name: stream.cause ?? "still open", tone: tone(stream), value: stream.age_seconds }],
  }));
  return stackedBars({
    title: "Ages of the streams", hint: "How long each stream lived, and what ended it. Equal lengths are a timer.",
    rows: rows.slice(0, 60), unit: "s",
    legend: causes.map((name, index) => ({ name, tone: index })).filter((one) => streams.some((stream) => tone(stream) === one.tone)),
    table: rowTable(null, streams),
  });
}
