// SPDX-License-Identifier: Apache-2.0
// The pool of arenas in SRAM and the container in flash.
function strip(parts, whole, label, unused) {
  return chart(46, label, (svg, width) => {
    svg.append(drawn("rect", { x: 0.5, y: 2.5, width: width - 1, height: 26, fill: "var(--panel)", stroke: "var(--line)" }));
    for (const part of parts) {
      const shape = drawn("rect", { x: part.offset / whole * width, y: 3, height: 25,
        width: Math.max(part.size / whole * width, 1), fill: part.paint, "fill-opacity": part.faint ? 0.55 : 1,
        stroke: "var(--page)", "stroke-width": 0.75 });
      svg.append(explain(shape, () => [part.name, [["bytes", bytes(part.size)],
        ["from", number(part.offset)], ["to", number(part.offset + part.size - 1)]]]));
    }
    text(svg, 0, 43, "0");
    text(svg, width - 2, 43, `${bytes(whole)}${unused}`, "end");
  });
}

function partTable(caption, parts, whole) {
  return table(caption, [
    { title: "Part", left: true, name: true,
      cell: (p) => element("span", { title: p.name }, p.paint ? swatch(p.paint) : "", p.name), key: (p) => p.name },
    { title: "Offset", cell: (p) => number(p.offset), key: (p) => p.offset },
    { title: "Size", cell: (p) => bytes(p.size), key: (p) => p.size },
    { title: "Share", cell: (p) => percent(p.size, whole), key: (p) => p.size },
  ], parts);
}

function drawMemories() {
  const place = document.getElementById("memories");
  const paints = new Map(data.models.map((model, index) => [model.name, index]));
  const task = (model) => data.run.tasks.findIndex((t) => t.model === paints.get(model));
  const paint = (models) => (models.length > 1 ? "var(--c7)" : colour(Math.max(task(models[0]), 0)));
  const pool = data.pool;
  const arenas = pool.parts.map((part) => ({ ...part, name: part.model, paint: paint([part.model]) }));
  place.append(
    element("h3", {}, "SRAM: the pool of arenas"),
    element("p", { class: "note" }, `${bytes(pool.size)} of the board's pool of ${bytes(pool.available)}, `
      + `${percent(pool.size, pool.available)}.`),
    strip(arenas, pool.size || 1, `Arena pool of ${bytes(pool.size)}`, " in use"),
    partTable("Arenas", arenas, pool.size));
  const flash = data.flash;
  const parts = flash.parts.map((part) => ({ ...part, name: `${part.what}: ${part.models.join(", ")}`,
    paint: paint(part.models), faint: part.what === "command streams" }));
  const tables = flash.sections.filter((s) => s.size && s.name !== "streams" && s.name !== "data")
    .map((section) => ({ ...section, name: `section ${section.name}`, paint: "var(--issue)" }));
  const rows = [...tables, ...parts].sort((a, b) => a.offset - b.offset);
  place.append(
    element("h3", {}, "Flash: the container"),
    element("p", { class: "note" }, `${bytes(flash.size)}, read in place. Command streams are the paler parts; `
      + "grey parts are tables, or shared by several networks."),
    strip(rows, flash.size, `Container of ${bytes(flash.size)}`, ""),
    partTable("Container", rows, flash.size));
}
