// SPDX-License-Identifier: Apache-2.0
// Units, elements, scales and the tooltip that every part of the report uses.
const data = JSON.parse(document.getElementById("data").textContent);
const MINUS = "\u2212";

function digits(value) {
  return Number.isInteger(value) || value >= 999.5 ? String(Math.round(value)) : value.toPrecision(3);
}

function time(ns) {
  const size = Math.abs(ns);
  const sign = ns < 0 ? MINUS : "";
  for (const [unit, one] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (size >= one) return `${sign}${digits(size / one)} ${unit}`;
  }
  return `${sign}${Math.round(size)} ns`;
}

// An instant or a duration to the nanosecond.
function exact(ns) {
  const rest = ns % 1000;
  return `${number((ns - rest) / 1000)}${rest ? `.${String(rest).padStart(3, "0")}` : ""} µs`;
}

function bytes(count) {
  for (const [unit, one] of [["MiB", 1 << 20], ["KiB", 1 << 10]]) {
    if (count >= one) return `${digits(count / one)} ${unit}`;
  }
  return `${count} B`;
}

function hertz(hz) {
  for (const [unit, one] of [["GHz", 1e9], ["MHz", 1e6], ["kHz", 1e3]]) {
    if (hz >= one) return `${digits(hz / one)} ${unit}`;
  }
  return `${hz} Hz`;
}

// Thousands are set apart by narrow spaces.
function number(value) {
  return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
}

function percent(part, whole) {
  if (!whole) return "–";
  const share = 100 * part / whole;
  return `${share > 0 && share < 0.1 ? share.toPrecision(1) : share.toFixed(1)} %`;
}

// Math.max takes arguments, and a long run has more values than a call may have of these.
function greatest(values) {
  return values.reduce((a, b) => (b > a ? b : a));
}

function least(values) {
  return values.reduce((a, b) => (b < a ? b : a));
}

function plural(count, noun) {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function cyclesToNs(cycles) {
  return Math.ceil(cycles * 1e9 / data.application.npu_hz);
}

// Names come from models and files: they are only ever set as text.
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function drawn(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "style") Object.assign(node.style, value);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

function colour(index) {
  return `var(--c${index % 8})`;
}

const LIMITS = {
  "MAC": ["var(--mac)", "MAC array"],
  "output": ["var(--output)", "output unit"],
  "issue": ["var(--issue)", "block issue"],
  "weights": ["var(--weights)", "weights"],
  "feature maps": ["var(--maps)", "feature maps"],
  "DMA": ["var(--dma)", "exposed DMA"],
  "overhead": ["var(--over)", "fetch, reload, stop"],
  "processor": ["var(--text)", "CPU"],
};

// Vela's names of memories, as people say them.
const MEMORIES = { Sram: "SRAM", Dram: "DRAM", OnChipFlash: "on-chip flash", OffChipFlash: "flash" };

function swatch(paint) {
  return element("span", { class: "swatch", "aria-hidden": "true", style: { background: paint } });
}

function legend(entries) {
  return element("ul", { class: "legend" },
    ...entries.map(([paint, label]) => element("li", {}, swatch(paint), label)));
}

function limitLegend(used) {
  return legend(Object.keys(LIMITS).filter((key) => used.has(key)).map((key) => LIMITS[key]));
}

// Drops the scope that most of some names share: converters put one before every layer.
function shortener(names) {
  const scopes = names.map((name) => name.split("/")[0] + "/").filter((scope, i) => scope.length <= names[i].length);
  const common = scopes.find((scope) => scopes.filter((other) => other === scope).length * 2 > names.length);
  return (name) => (common && name.startsWith(common) && name.length > common.length ? name.slice(common.length) : name);
}

// A bar of parts in proportion, for a table cell.
function shareBar(parts, whole, label) {
  const bar = element("span", { class: "share", role: "img", "aria-label": label });
  for (const [paint, value] of parts) {
    bar.append(element("span", { style: { width: `${100 * value / (whole || 1)}%`, background: paint } }));
  }
  return bar;
}

// Round steps of 1, 2 and 5 that give about `wanted` ticks.
function ticks(low, high, wanted) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / Math.max(wanted, 1)));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => span / s <= wanted) || 10 * power;
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

// Bytes go by powers of two.
function byteTicks(high, wanted) {
  let step = 1;
  while (high / step > wanted) step *= 2;
  const found = [];
  for (let at = 0; at <= high; at += step) found.push(at);
  return found;
}

// A tick's label in the unit of the axis's end, with the digits that its neighbours need to differ.
function timeTick(ns, step, reach) {
  const [unit, one] = [["s", 1e9], ["ms", 1e6], ["µs", 1e3], ["ns", 1]].find(([, o]) => reach >= o) || ["ns", 1];
  const places = Math.max(0, Math.ceil(-Math.log10(step / one) - 1e-9));
  return `${(ns / one).toFixed(Math.min(places, 9))} ${unit}`;
}

const tip = document.getElementById("tip");

function tipContent(title, rows) {
  const list = element("dl");
  for (const [term, value] of rows) list.append(element("dt", {}, term), element("dd", {}, value));
  return [element("b", {}, title), list];
}

function showTip(event, title, rows) {
  tip.replaceChildren(...tipContent(title, rows));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const right = event.clientX + 14 + box.width < innerWidth - 8;
  const below = event.clientY + 16 + box.height < innerHeight - 8;
  tip.style.left = `${Math.max(right ? event.clientX + 14 : event.clientX - 14 - box.width, 8)}px`;
  tip.style.top = `${Math.max(below ? event.clientY + 16 : event.clientY - 12 - box.height, 8)}px`;
}

function hideTip() {
  tip.hidden = true;
}

// Shows a tooltip for a shape; `told` gives title and rows when it is needed.
function explain(shape, told) {
  shape.addEventListener("pointermove", (event) => showTip(event, ...told()));
  shape.addEventListener("pointerleave", hideTip);
  return shape;
}

// A chart that is drawn again whenever its width changes.
function chart(height, label, draw) {
  const host = element("div", { class: "chart" });
  let width = 0;
  new ResizeObserver(() => {
    const wanted = Math.floor(host.clientWidth);
    if (wanted === width || wanted < 40) return;
    width = wanted;
    const svg = drawn("svg", { width, height, role: "img", "aria-label": label });
    draw(svg, width, height);
    host.replaceChildren(svg);
  }).observe(host);
  return host;
}

function text(svg, x, y, content, anchor = "start", kind = "") {
  svg.append(drawn("text", { x, y, "text-anchor": anchor, class: kind }, content));
}

function line(svg, x1, y1, x2, y2, kind, extra = {}) {
  svg.append(drawn("line", { x1, y1, x2, y2, class: kind, ...extra }));
}

// Columns: title, cell(row) -> text or node; key(row) to sort by; left; name to cut what is too
// long, full(row) to tell it in full; mark(row) -> class.
function table(caption, columns, rows) {
  const body = element("tbody");
  const heads = columns.map((column) => {
    const head = element("th", { scope: "col", class: column.left ? "left" : null });
    if (!column.key || rows.length < 3) head.append(column.title);
    else head.append(element("button", { type: "button", onclick: () => sort(column, head) }, column.title));
    return head;
  });
  function sort(column, head) {
    const up = head.getAttribute("aria-sort") === "descending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const order = [...rows].sort((a, b) => {
      const [x, y] = [column.key(a), column.key(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    });
    show(order);
  }
  function show(order) {
    body.replaceChildren(...order.map((row) => element("tr", {}, ...columns.map((column) => {
      const value = column.cell(row);
      const kind = [column.left && "left", column.name && "name", column.mark && column.mark(row)];
      const title = column.name && typeof value === "string" ? (column.full ? column.full(row) : value) : null;
      return element("td", { class: kind.filter(Boolean).join(" ") || null, title }, value);
    }))));
  }
  show(rows);
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", { "aria-label": caption }, element("thead", {}, element("tr", {}, ...heads)), body));
}
