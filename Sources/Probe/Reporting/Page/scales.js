// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// From values to places and to text. Three scales: linear; logarithmic for values above zero that span decades; and the
// inverse hyperbolic sine, which is linear around zero and logarithmic further out, for values of both signs.

const linear = { forward: (value) => value, note: "" };
const logarithmic = { forward: (value) => Math.log10(Math.max(value, 1e-9)), note: ", log scale" };
const symmetric = (unit) => ({ forward: (value) => Math.asinh(value / unit), unit, note: ", log scale beyond ±" });

/** The scale on which most values can be told apart without losing the outliers. */
function scaleFor(values) {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length < 5) return linear;
  const sizes = sorted.map(Math.abs).sort((a, b) => a - b);
  const middle = sizes[Math.floor(sizes.length / 2)];
  const largest = sizes[sizes.length - 1];
  if (largest <= 25 * middle || largest === 0) return linear;
  if (sorted[0] > 0) return logarithmic;
  return symmetric(10 ** Math.floor(Math.log10(middle || largest / 1000)));
}

/** Round values between two bounds, about `count` of them. */
function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= raw) || 10 * power;
  const found = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) {
    found.push(Number((index * step).toPrecision(12)));
  }
  return found;
}

/** Powers of ten, with 2 and 5 between them where there is room. */
function decades(low, high) {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const factors = to - from <= 2 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = from; power <= to; power += 1) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
    }
  }
  return found.length > 1 ? found : ticks(low, high, 4);
}

/** An axis over values: its bounds, the share of its length at which a value lies, and its ticks. */
function axis(values, { scale = linear, zero = false, count = 5 } = {}) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, 1];
  // A logarithmic axis has no zero.
  if (zero && scale !== logarithmic) [low, high] = [Math.min(low, 0), Math.max(high, 0)];
  if (scale === logarithmic) {
    [low, high] = [low / 1.15, high * 1.15];
  } else if (low === high) {
    const room = Math.abs(low) / 2 || 1;
    [low, high] = zero && low === 0 ? [0, 1] : [low - room, high + room];
  } else {
    const room = (high - low) * 0.04;
    [low, high] = [zero && low === 0 ? 0 : low - room, zero && high === 0 ? 0 : high + room];
  }
  const [from, to] = [scale.forward(low), scale.forward(high)];
  let marks;
  if (scale === logarithmic) {
    marks = decades(low, high);
  } else if (scale.unit) {
    const far = (bound) => decades(scale.unit, Math.max(bound, scale.unit * 10)).filter((value) => value <= bound);
    marks = [...far(-low).map((value) => -value).reverse(), 0, ...far(high)];
  } else {
    marks = ticks(low, high, count);
  }
  const note = scale.unit ? `${scale.note}${formatNumber(scale.unit)}` : scale.note;
  return { low, high, marks, note, place: (value) => (scale.forward(value) - from) / (to - from) };
}

/** Marks whose labels do not touch: each at least `room` from the one before. */
function spaced(marks, place, room) {
  let last = -Infinity;
  return marks.filter((mark) => {
    const here = place(mark);
    if (Math.abs(here - last) < room) return false;
    last = here;
    return true;
  });
}

/** Three to four significant digits, no exponent where people read one badly. */
function formatNumber(value) {
  if (typeof value !== "number" || !Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size >= 1e9) return value.toExponential(2);
  if (Number.isInteger(value)) return formatCount(value);
  const text = size >= 100 ? value.toFixed(1) : size >= 10 ? value.toFixed(2) : size >= 0.001 ? value.toFixed(3)
    : value.toPrecision(2);
  return text.includes("e") ? text : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "").replace("-", "−");
}

/** Groups of three digits, parted by a thin space. */
function formatCount(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u2009").replace("-", "−");
}
