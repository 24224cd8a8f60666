// SPDX-License-Identifier: Apache-2.0
// Copyright the Headwater authors

// Making elements. Text becomes text nodes and nothing else: much of it comes from servers that are measured.

const svgSpace = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

function make(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function draw(name, attributes, ...children) {
  return fill(document.createElementNS(svgSpace, name), attributes, children);
}

/** A fragment of text that fits into so many characters. */
function shortened(text, length) {
  const characters = Array.from(String(text));
  return characters.length <= length ? characters.join("") : characters.slice(0, length - 1).join("") + "…";
}

const plural = (count, one) => `${formatCount(count)} ${one}${count === 1 ? "" : "s"}`;

/** The chart's frame: caption, legend, drawing for the width that there is, and the figures as a table. */
function figure({ title, hint, legend = [], drawing, table, wideTable = false }) {
  const readout = make("div", { class: "readout", "aria-hidden": "true" });
  const canvas = make("div", { class: "canvas" });
  const element = make(
    "figure", {},
    make("figcaption", {}, make("h3", {}, title), make("p", {}, hint)),
    legend.length === 0 ? null : make("div", { class: "legend" }, legend.map(({ name, tone }) =>
      make("span", {}, make("span", { class: `swatch tone${tone % 8}` }), name))),
    canvas, readout,
    table ? make("details", {}, make("summary", {}, "The figures as a table"),
      make("div", { class: wideTable ? "wide tall" : "wide", tabindex: "0" }, table)) : null,
  );
  let drawn = 0;
  const redraw = (width) => {
    // A scroll bar that comes and goes must not make it draw for ever.
    if (width < 60 || Math.abs(width - drawn) < 20) return;
    drawn = width;
    const picture = drawing(Math.round(width), (text) => { readout.textContent = text; });
    picture.setAttribute("role", "img");
    picture.setAttribute("aria-label", `${title}. ${hint}`);
    canvas.replaceChildren(picture);
  };
  new ResizeObserver((entries) => redraw(entries[0].contentRect.width)).observe(canvas);
  return element;
}
