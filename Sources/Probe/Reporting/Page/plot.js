// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Plots of points over two axes: dots, curves and steps. A series is one SVG path, however many points it has.

// On the left there is room for −0.001 beside the axis's name.
const margin = { top: 10, right: 16, bottom: 40, left: 72 };

/** The empty plot: grid, labels, and where values go. */
function frame(width, height, x, y, labels) {
  const plotWidth = width - margin.left - margin.right;
  const plotHeight = height - margin.top - margin.bottom;
  const placeX = (value) => margin.left + plotWidth * x.place(value);
  const placeY = (value) => margin.top + plotHeight * (1 - y.place(value));
  const picture = draw("svg", { viewBox: `0 0 ${width} ${height}` });
  const bottom = margin.top + plotHeight;
  for (const mark of spaced(y.marks, placeY, 18)) {
    const at = placeY(mark);
    picture.append(
      draw("line", { class: "grid", x1: margin.left, x2: width - margin.right, y1: at, y2: at }),
      draw("text", { x: margin.left - 8, y: at + 4, "text-anchor": "end" }, formatNumber(mark)),
    );
  }
  for (const mark of spaced(x.marks, placeX, 56)) {
    const at = placeX(mark);
    picture.append(
      draw("line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 4 }),
      draw("text", { x: at, y: bottom + 17, "text-anchor": "middle" }, formatNumber(mark)),
    );
  }
  picture.append(
    draw("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: bottom, y2: bottom }),
    draw("text", { x: width - margin.right, y: height - 6, "text-anchor": "end" }, labels.x + x.note),
    draw("text", {
      transform: `translate(14 ${margin.top + plotHeight / 2}) rotate(-90)`, "text-anchor": "middle",
    }, labels.y + y.note),
  );
  return { picture, placeX, placeY, bottom, plotWidth, plotHeight };
}

const shapes = {
  dots: (points) => points.map(([x, y]) => `M${x} ${y}h0`).join(""),
  curve: (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x} ${y}`).join(""),
  steps: (points) => points.map(([x, y], index) => (index ? `H${x}V${y}` : `M${x} ${y}`)).join(""),
};

/**
 * A figure of series [{name, tone, points: [[x, y]…]}] with x ascending.
 * `shape`: dots, curve or steps. `labels`: {x, y}, with units. `scales`: {x, y}, linear without.
 */
function plot({ title, hint, series, shape, labels, scales = {}, zero = {}, table }) {
  const drawing = (width, tell) => {
    const height = width < 420 ? 240 : 280;
    const values = (place) => series.flatMap((one) => one.points.map((point) => point[place]));
    const count = Math.max(2, Math.floor(width / 110));
    const x = axis(values(0), { scale: scales.x || linear, zero: zero.x, count });
    const y = axis(values(1), { scale: scales.y || linear, zero: zero.y });
    const { picture, placeX, placeY, bottom } = frame(width, height, x, y, labels);
    if (y.low < 0 && y.high > 0) {
      const at = placeY(0);
      picture.append(draw("line", { class: "axis", x1: margin.left, x2: width - margin.right, y1: at, y2: at }));
    }
    const placed = series.map((one) => one.points.map((point) =>
      [Number(placeX(point[0]).toFixed(1)), Number(placeY(point[1]).toFixed(1))]));
    series.forEach((one, index) => {
      const style = shape === "dots" ? "dots" : `curve dash${one.tone % 8}`;
      picture.append(draw("path", { class: `${style} tone${one.tone % 8}`, d: shapes[shape](placed[index]) }));
    });
    follow(picture, { width, bottom, series, placed, labels, tell });
    return picture;
  };
  return figure({
    title, hint, drawing, table, wideTable: true, legend: series.map(({ name, tone }) => ({ name, tone })),
  });
}

/** Says what lies under the pointer. */
function follow(picture, { width, bottom, series, placed, labels, tell }) {
  const cursor = draw("line", { class: "cursor", y1: margin.top, y2: bottom, visibility: "hidden" });
  picture.append(cursor);
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    tell("");
  });
  picture.addEventListener("pointermove", (event) => {
    const bounds = picture.getBoundingClientRect();
    const at = (event.clientX - bounds.left) * (width / bounds.width);
    const nearest = placed.map((points) => {
      let [low, high] = [0, points.length - 1];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (points[middle][0] < at) low = middle + 1; else high = middle;
      }
      return low > 0 && at - points[low - 1][0] < points[low][0] - at ? low - 1 : low;
    });
    const shown = series.map((one, index) => ({ one, point: one.points[nearest[index]], place: placed[index][nearest[index]] }))
      .filter(({ place }) => place && Math.abs(place[0] - at) < 24);
    if (shown.length === 0) return;
    const closest = shown.reduce((a, b) => (Math.abs(a.place[0] - at) <= Math.abs(b.place[0] - at) ? a : b));
    cursor.setAttribute("x1", closest.place[0]);
    cursor.setAttribute("x2", closest.place[0]);
    cursor.setAttribute("visibility", "visible");
    tell(`${formatNumber(closest.point[0])} ${labels.x} — ` +
      shown.map(({ one, point }) => `${one.name}: ${formatNumber(point[1])}${point[2] ? ` (${point[2]})` : ""}`).join(", "));
  });
}
