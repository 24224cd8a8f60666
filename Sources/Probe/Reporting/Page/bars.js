// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Bars: lying ones in rows, stacked of segments; and a standing histogram.

/**
 * A figure of rows [{name, segments: [{name, tone, value}…], total}] on one axis. `unit` follows the total.
 */
function stackedBars({ title, hint, rows, unit, table, legend }) {
  const largest = Math.max(1e-9, ...rows.map((row) => row.segments.reduce((sum, one) => sum + one.value, 0)));
  const drawing = (width) => {
    const height = rows.length * 46 + 34;
    // The total stands behind the bar.
    const length = width - 104;
    const picture = draw("svg", { viewBox: `0 0 ${width} ${height}` });
    for (const mark of spaced(ticks(0, largest, Math.max(2, Math.floor(width / 120))), (value) => length * value / largest, 44)) {
      const at = length * mark / largest;
      picture.append(
        draw("line", { class: "grid", x1: at + 1, x2: at + 1, y1: 0, y2: height - 22 }),
        draw("text", { x: Math.max(at, 4), y: height - 6, "text-anchor": at < 10 ? "start" : "middle" }, formatNumber(mark)),
      );
    }
    picture.append(draw("text", { x: width, y: height - 6, "text-anchor": "end" }, unit));
    rows.forEach((row, index) => {
      const top = index * 46;
      let x = 1;
      picture.append(draw("text", { class: "strong", x: 1, y: top + 14 }, shortened(row.name, Math.floor(width / 8))));
      for (const segment of row.segments) {
        const part = length * segment.value / largest;
        picture.append(draw("rect", {
          class: `bar tone${segment.tone % 8}`, x, y: top + 20, width: Math.max(part, segment.value > 0 ? 1 : 0), height: 16,
        }, draw("title", {}, `${segment.name}: ${formatNumber(segment.value)} ${unit}`)));
        x += part;
      }
      picture.append(draw("text", { class: "strong", x: x + 6, y: top + 33 }, row.total));
    });
    return picture;
  };
  return figure({ title, hint, drawing, table, legend });
}

/** A histogram {lower_ms, width_ms, counts, below, above}; bins left of zero in one tone, right of it in the other. */
function histogram({ title, hint, bins, tones, legend, labels, table }) {
  const width0 = bins.width_ms || Math.max(Math.abs(bins.lower_ms) * 0.1, 0.001);
  const drawing = (width) => {
    const end = bins.lower_ms + width0 * bins.counts.length;
    const x = axis([bins.lower_ms, end, bins.lower_ms <= 0 && end >= 0 ? 0 : bins.lower_ms],
      { count: Math.max(2, Math.floor(width / 110)) });
    const y = axis(bins.counts, { zero: true });
    const { picture, placeX, placeY, bottom } = frame(width, width < 420 ? 240 : 280, x, y, labels);
    bins.counts.forEach((count, index) => {
      const from = bins.lower_ms + index * width0;
      const [left, right] = [placeX(from), placeX(from + width0)];
      const tone = from + width0 / 2 < 0 ? tones[0] : tones[1];
      picture.append(draw("rect", {
        class: `bar tone${tone % 8}`, x: left, y: placeY(count), width: Math.max(1, right - left - 1),
        height: bottom - placeY(count),
      }, draw("title", {}, `${formatNumber(from)} to ${formatNumber(from + width0)} ms: ${formatCount(count)}`)));
    });
    if (x.low < 0 && x.high > 0) {
      picture.append(draw("line", { class: "axis", x1: placeX(0), x2: placeX(0), y1: margin.top, y2: bottom }));
    }
    return picture;
  };
  return figure({ title, hint, drawing, legend, table });
}

/** One standing bar for each stream, from low to high: pale to the high value, full to the low one. */
function rangeBars({ title, hint, rows, tone, legend, labels, table }) {
  const drawing = (width) => {
    const most = Math.floor((width - margin.left - margin.right) / 3);
    const shown = rows.length <= most ? rows : thinned(rows, most);
    const x = axis([0, shown.length], { count: 0 });
    const y = axis(rows.flatMap((row) => [row.low, row.high]), { zero: true });
    const { picture, placeX, placeY, bottom } = frame(width, width < 420 ? 200 : 240, { ...x, marks: [] }, y, labels);
    const step = placeX(1) - placeX(0);
    shown.forEach((row, index) => {
      const shape = { x: placeX(index) + step * 0.1, width: Math.max(1, Math.min(step * 0.8, 40)) };
      const about = draw("title", {}, `${row.name}: ${formatNumber(row.low)} to ${formatNumber(row.high)}`);
      picture.append(
        draw("rect", { class: `pale tone${tone}`, ...shape, y: placeY(row.high), height: bottom - placeY(row.high) }, about),
        draw("rect", { class: `bar tone${tone}`, ...shape, y: placeY(row.low), height: bottom - placeY(row.low) }),
      );
    });
    return picture;
  };
  return figure({ title, hint, drawing, legend, table });
}

/** So many of the rows, the highest of each stretch: no outlier disappears. */
function thinned(rows, most) {
  return Array.from({ length: most }, (_, index) => {
    const stretch = rows.slice(Math.floor(index * rows.length / most), Math.floor((index + 1) * rows.length / most));
    return stretch.reduce((a, b) => (b.high > a.high ? b : a), stretch[0]);
  }).filter(Boolean);
}
