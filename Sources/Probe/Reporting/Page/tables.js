// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Tables of whatever a report holds: any command's result becomes readable without this page knowing its fields.

const mostRows = 200;

const units = { _ms: " (ms)", _seconds: " (s)", _bytes: " (bytes)", _unix_ns: " (Unix ns)", _per_second: " (1/s)" };
const spelled = {
  dns: "DNS", tls: "TLS", ttfb: "TTFB", http: "HTTP", url: "URL", id: "id", p50: "p50", cpu: "CPU", h1: "H1", h2: "H2",
};

/** `p999_ms` becomes `p99.9 (ms)`, `http_version` `HTTP version`. */
function label(name) {
  let [base, unit] = [name, ""];
  for (const [suffix, text] of Object.entries(units)) {
    if (base.endsWith(suffix) && base !== suffix) {
      [base, unit] = [base.slice(0, -suffix.length), text];
      break;
    }
  }
  const words = base.split("_").map((word) => spelled[word] || word.replace(/^p999$/, "p99.9"));
  const text = words.join(" ");
  return (/^(p\d|[A-Z])/.test(text) ? text : text.charAt(0).toUpperCase() + text.slice(1)) + unit;
}

const isScalar = (value) => value === null || typeof value !== "object";
const isRow = (value) => !isScalar(value) && !Array.isArray(value);

/** What a cell says. */
function said(value) {
  if (value === undefined || value === null) return "–";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) {
    if (value.every(isScalar)) return value.length <= 12 ? value.map(said).join(", ") : `${formatCount(value.length)} values`;
    return `${formatCount(value.length)} entries`;
  }
  return String(value);
}

/** Scalars of an object under dotted names, its nested objects included; arrays of objects are left out. */
function flattened(object, prefix = "") {
  const found = {};
  for (const [name, value] of Object.entries(object)) {
    if (isRow(value)) Object.assign(found, flattened(value, `${prefix}${name}.`));
    else if (value !== undefined && isScalar(value) || (Array.isArray(value) && value.length > 0 && value.every(isScalar))) found[prefix + name] = value;
  }
  return found;
}

const dotted = (name) => name.split(".").map((part, index) => (index ? label(part).toLowerCase() : label(part))).join(" · ");

/** Names to the left, values to the right; `columns` are objects side by side. */
function facts(title, columns, heads) {
  const flat = columns.map((column) => flattened(column));
  const names = [...new Set(flat.flatMap(Object.keys))];
  if (names.length === 0) return null;
  return make(
    "table", {}, title ? make("caption", {}, title) : null,
    heads ? make("thead", {}, make("tr", {}, make("td", {}), heads.map((head) => make("th", { scope: "col" }, head)))) : null,
    make("tbody", {}, names.map((name) => make("tr", {}, make("th", { scope: "row" }, dotted(name)),
      flat.map((column) => make("td", { class: "broken" }, said(column[name])))))),
  );
}

function cell(value) {
  const text = said(value);
  const isText = typeof value === "string" || Array.isArray(value);
  return make("td", isText ? { class: text.length > 24 ? "text long" : "text" } : {}, text);
}

// What a row is about stands first; the JSON's names are in the order of the alphabet.
const leading = ["path", "name", "stream", "id", "at", "at_seconds"];

/** A row for each object; bounded. */
function rowTable(title, rows) {
  const flat = rows.slice(0, mostRows).map((row) => (isRow(row) ? flattened(row) : { value: row }));
  const all = [...new Set(flat.flatMap(Object.keys))];
  const names = [...leading.filter((name) => all.includes(name)), ...all.filter((name) => !leading.includes(name))];
  if (names.length === 0) return null;
  return make(
    "table", {}, title ? make("caption", {}, title) : null,
    make("thead", {}, make("tr", {}, names.map((name) =>
      make("th", { scope: "col", class: flat.some((row) => typeof row[name] === "string") ? "text" : null }, dotted(name))))),
    make("tbody", {}, flat.map((row) => make("tr", {}, names.map((name) => cell(row[name])))),
      rows.length > mostRows
        ? make("tr", {}, make("td", { colspan: names.length }, `and ${formatCount(rows.length - mostRows)} more, in the JSON report`))
        : null),
  );
}

/** Two arrays of equal length and more as columns; bounded. */
function columnTable(heads, columns) {
  const length = Math.min(mostRows, columns[0].length);
  return make(
    "table", {},
    make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
    make("tbody", {}, Array.from({ length }, (_, row) => make("tr", {}, columns.map((column) => cell(column[row]))))),
  );
}

/** All tables of a value: its own scalars, then its arrays and objects, one by one. */
function tablesOf(title, value, depth = 0) {
  if (isScalar(value) || depth > 4) return [];
  if (Array.isArray(value)) {
    if (value.length === 0) return [];
    if (value.every(isScalar)) return [make("p", {}, `${title}: ${said(value)}`)];
    const own = rowTable(title, value);
    const inner = value.slice(0, 8).flatMap((row, index) => {
      const name = isRow(row) && typeof (row.name ?? row.path) === "string" ? row.name ?? row.path : `${index + 1}`;
      return isRow(row) ? innerTables(`${title}, ${name}`, row, depth) : [];
    });
    return [own, ...inner].filter(Boolean);
  }
  return [facts(title, [value]), ...innerTables(title, value, depth)].filter(Boolean);
}

function innerTables(title, object, depth) {
  return Object.entries(object).flatMap(([name, value]) => {
    if (Array.isArray(value) && !value.every(isScalar)) return tablesOf(`${title}: ${label(name)}`, value, depth + 1);
    return isRow(value) ? innerTables(`${title}: ${label(name)}`, value, depth + 1) : [];
  });
}
