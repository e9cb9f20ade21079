// SPDX-License-Identifier: Apache-2.0
// Each network: its segments, its arena over time, and what bounds its layers.
// What bounds most of the cycles.
function mostly(limits) {
  return Object.keys(limits).sort((a, b) => limits[b] - limits[a])[0];
}

function limitCell(row) {
  const whole = Object.values(row.limits).reduce((a, b) => a + b, 0);
  const first = mostly(row.limits);
  if (!first) return "–";
  const named = Object.entries(row.limits).map(([k, v]) => `${LIMITS[k][1]} ${percent(v, whole)}`).join(", ");
  const memory = row.memory && ["weights", "feature maps", "DMA"].includes(first) 
    ? ` · ${MEMORIES[row.memory] || row.memory}` : "";
  return element("span", { title: named },
    shareBar(Object.entries(row.limits).map(([k, v]) => [LIMITS[k][0], v]), whole, named), ` ${LIMITS[first][1]}${memory}`);
}

function segmentChart(model) {
  const { segments } = model;
  const most = Math.max(...segments.map((s) => s.worst_cycles), 1);
  const live = Math.max(...segments.map((s) => s.live_bytes), 1);
  const longest = segments.reduce((a, b) => (b.worst_cycles > a.worst_cycles ? b : a));
  const label = `Cycles of ${segments.length} segments, the longest at worst ${number(longest.worst_cycles)}; `
    + `at most ${bytes(live)} live at a cut`;
  return chart(270, label, (svg, width, height) => {
    const [left, right, top, middle, bottom] = [64, 8, 26, 164, height - 26];
    const slot = Math.min((width - left - right) / segments.length, 72);
    const y = (cycles) => middle - cycles / most * (middle - top);
    const down = (size) => bottom - size / live * (bottom - middle - 30);
    text(svg, 0, 12, "NPU cycles a segment", "start", "strong");
    for (const at of ticks(0, most, 4)) {
      line(svg, left, y(at), width - right, y(at), at ? "grid" : "axis");
      text(svg, left - 6, y(at) + 4, number(at), "end");
    }
    text(svg, 0, middle + 20, "Live bytes at the cut before it", "start", "strong");
    for (const at of byteTicks(live, 3)) {
      line(svg, left, down(at), width - right, down(at), at ? "grid" : "axis");
      text(svg, left - 6, down(at) + 4, bytes(at), "end");
    }
    segments.forEach((segment, index) => {
      const x = left + index * slot;
      const gap = slot > 5 ? 1 : 0;
      const shape = { x, width: Math.max(slot - gap, 0.5) };
      const group = drawn("g");
      const whole = Object.values(segment.limits).reduce((a, b) => a + b, 0) || 1;
      let at = middle;
      for (const [limit, cycles] of Object.entries(segment.limits)) {
        const part = cycles / whole * (middle - y(segment.nominal_cycles));
        at -= part;
        group.append(drawn("rect", { ...shape, y: at, height: part, fill: LIMITS[limit][0] }));
      }
      group.append(
        drawn("rect", { ...shape, y: y(segment.worst_cycles) - 1, height: 2, fill: "var(--text)" }),
        drawn("rect", { ...shape, y: down(segment.live_bytes), height: bottom - down(segment.live_bytes), fill: "var(--soft)" }),
        drawn("rect", { x, width: slot, y: top, height: bottom - top, fill: "transparent" }));
      svg.append(explain(group, () => [`Segment ${index + 1}: ${segment.name}`, segmentRows(segment)]));
    });
    const every = Math.max(Math.ceil(segments.length / Math.max((width - left) / 44, 1)), 1);
    for (let i = 0; i < segments.length; i += every) {
      text(svg, left + (i + 0.5) * slot, bottom + 16, String(i + 1), "middle");
    }
  });
}

function segmentRows(segment) {
  const limit = mostly(segment.limits);
  return [
    ["operations", `${number(segment.operations)} from ${number(segment.first_operation)}`],
    ["cycles", `${number(segment.nominal_cycles)} (${time(cyclesToNs(segment.nominal_cycles))})`],
    ["at worst", `${number(segment.worst_cycles)} (${time(cyclesToNs(segment.worst_cycles))})`],
    ["mostly bound by", limit ? LIMITS[limit][1] : "–"],
    ["live at the cut", bytes(segment.live_bytes)],
  ];
}

function segmentTable(model) {
  const rows = model.segments.map((segment, index) => ({ ...segment, index }));
  const short = shortener(model.layers.map((layer) => layer.name));
  return table(`Segments of ${model.name}`, [
    { title: "#", cell: (s) => String(s.index + 1), key: (s) => s.index },
    { title: "Source operators", left: true, name: true,
      cell: (s) => s.sources.map(short).join(", "), full: (s) => s.sources.join(", ") },
    { title: "Operations", cell: (s) => number(s.operations), key: (s) => s.operations },
    { title: "Cycles", cell: (s) => number(s.nominal_cycles), key: (s) => s.nominal_cycles },
    { title: "At worst", cell: (s) => number(s.worst_cycles), key: (s) => s.worst_cycles },
    { title: "Time", cell: (s) => time(cyclesToNs(s.nominal_cycles)), key: (s) => s.nominal_cycles },
    { title: "Bound by", left: true, cell: limitCell, key: (s) => mostly(s.limits) || "" },
    { title: "Live at the cut", cell: (s) => (s.index ? bytes(s.live_bytes) : "–"), key: (s) => s.live_bytes },
    { title: "Stream", cell: (s) => bytes(s.stream_size), key: (s) => s.stream_size },
  ], rows);
}

const USES = {
  input: ["var(--c2)", "input"],
  output: ["var(--c1)", "output"],
  state: ["var(--c3)", "state kept between inferences"],
  between: ["var(--c0)", "between layers"],
};

// What a rectangle of the arena map holds, by where and when it lives.
function useOf(block, arena) {
  const [start, end, first, last, layer] = block;
  const meets = (use) => arena.tensors.some((t) => t.use === use && t.offset < end && start < t.offset + t.size);
  if (meets("state") && (first === 0 || last === arena.ends.length)) return "state";
  if (layer < 0 && meets("input")) return "input";
  if (last === arena.ends.length && meets("output")) return "output";
  return "between";
}

function memoryChart(model) {
  const { arena, layers, segments } = model;
  const cycles = arena.ends[arena.ends.length - 1] || 1;
  const peak = greatest(arena.live_bytes);
  const label = `Arena of ${model.name} over one inference: at most ${bytes(peak)} of ${bytes(arena.size)} live`;
  const begin = (operation) => (operation ? arena.ends[operation - 1] : 0);
  return chart(310, label, (svg, width, height) => {
    const [left, right, top, bottom] = [64, 8, 26, height - 34];
    const x = (at) => left + at / cycles * (width - left - right);
    const y = (at) => bottom - at / arena.size * (bottom - top);
    text(svg, 0, 12, "Address in the arena", "start", "strong");
    for (const at of byteTicks(arena.size, 6)) {
      line(svg, left, y(at), width - right, y(at), at ? "grid" : "axis");
      text(svg, left - 6, y(at) + 4, bytes(at), "end");
    }
    for (const block of arena.blocks) {
      const [start, end, first, last, layer] = block;
      const use = useOf(block, arena);
      const shape = drawn("rect", { x: x(begin(first)), width: Math.max(x(begin(last)) - x(begin(first)), 0.75),
        y: y(end), height: Math.max(y(start) - y(end), 0.75), fill: USES[use][0],
        "fill-opacity": layer % 2 ? 0.85 : 0.6, stroke: "var(--page)",
        "stroke-width": y(start) - y(end) > 5 ? 0.75 : 0 });
      svg.append(explain(shape, () => [layer < 0 ? USES[use][1] : layers[layer].name, [
        ["holds", USES[use][1]],
        ["bytes", `${bytes(end - start)}, from ${number(start)} to ${number(end - 1)}`],
        ["needed for", `operations ${number(first)} to ${number(last - 1)}`],
      ]]));
    }
    line(svg, left, y(arena.size), width - right, y(arena.size), "", { stroke: "var(--soft)", "stroke-dasharray": "4 3" });
    const cuts = segments.slice(1).map((s) => begin(s.first_operation));
    if (cuts.length <= 120) {
      for (const at of cuts) line(svg, x(at), bottom, x(at), bottom + 5, "", { stroke: "var(--text)" });
    }
    const steps = ticks(0, cycles, Math.max(Math.floor((width - left) / 110), 2));
    for (const at of steps) text(svg, Math.min(x(at), width - 30), bottom + 18, number(at), "middle");
    text(svg, left - 12, bottom + 18, "cycles", "end");
    text(svg, left, bottom + 31, "marks below the axis: cuts");
  });
}

function liveChart(model) {
  const { arena } = model;
  const count = arena.live_bytes.length;
  const peak = greatest(arena.live_bytes);
  const cycles = arena.ends[arena.ends.length - 1] || 1;
  return chart(110, `Live bytes of ${model.name}, at most ${bytes(peak)}`, (svg, width, height) => {
    const [left, right, top, bottom] = [64, 8, 26, height - 8];
    const x = (operation) => left + (operation ? arena.ends[operation - 1] : 0) / cycles * (width - left - right);
    const y = (at) => bottom - at / (arena.size || 1) * (bottom - top);
    text(svg, 0, 12, `Live bytes between operations: at most ${bytes(peak)}`, "start", "strong");
    for (const at of byteTicks(arena.size, 3)) {
      line(svg, left, y(at), width - right, y(at), at ? "grid" : "axis");
      text(svg, left - 6, y(at) + 4, bytes(at), "end");
    }
    let path = `M${left} ${bottom}`;
    for (let i = 0; i < count; i++) {
      path += `L${x(i).toFixed(1)} ${y(arena.live_bytes[i]).toFixed(1)}H${x(Math.min(i + 1, count - 1)).toFixed(1)}`;
    }
    svg.append(drawn("path", { d: `${path}L${x(count - 1)} ${bottom}Z`, fill: "var(--soft)", "fill-opacity": 0.5 }));
  });
}

// Both axes in MACs a cycle, so that one plot serves every memory: what the busiest memory could
// feed, against what was done. Memory-bound layers lie on the diagonal, others under the roof.
function rooflineChart(model) {
  const peak = data.application.macs;
  const points = model.layers.filter((l) => l.mac_cycles && l.kernel_cycles).map((l) => ({
    layer: l,
    done: l.mac_cycles * peak / l.kernel_cycles,
    fed: l.memory_cycles ? l.mac_cycles * peak / l.memory_cycles : peak * 8,
  }));
  if (!points.length) return element("p", { class: "note" }, "No layer multiplies.");
  const slowest = Math.min(...points.map((p) => p.done), ...points.map((p) => p.fed));
  const low = 10 ** Math.floor(Math.log10(slowest * 0.9));
  const high = Math.max(...points.map((p) => p.fed), peak * 2) * 1.5;
  const label = `Multiplier use of ${points.length} layers against the roof of ${peak} MACs a cycle`;
  return chart(300, label, (svg, width, height) => {
    const [left, right, top, bottom] = [52, 12, 26, height - 42];
    const scale = (value, a, b, to) => a + (Math.log10(value) - Math.log10(low)) / (Math.log10(to) - Math.log10(low)) * (b - a);
    const x = (v) => scale(Math.max(v, low), left, width - right, high);
    const y = (v) => scale(Math.max(v, low), bottom, top, peak * 1.6);
    for (let at = low; at < high; at *= 10) {
      line(svg, x(at), top, x(at), bottom, "grid");
      text(svg, x(at), bottom + 16, String(+at.toPrecision(1)), "middle");
      if (at < peak * 1.6) {
        line(svg, left, y(at), width - right, y(at), "grid");
        text(svg, left - 6, y(at) + 4, String(+at.toPrecision(1)), "end");
      }
    }
    text(svg, 0, 12, "MACs a cycle, done", "start", "strong");
    text(svg, width - right, height - 8, "MACs a cycle that the busiest memory could feed", "end", "strong");
    svg.append(drawn("path", { fill: "none", stroke: "var(--text)", "stroke-width": 1.5,
      d: `M${x(low)} ${y(low)}L${x(peak)} ${y(peak)}L${x(high)} ${y(peak)}` }));
    text(svg, width - right, y(peak) - 5, `${peak} MACs a cycle`, "end");
    const most = Math.max(...points.map((p) => p.layer.cycles));
    for (const { layer, done, fed } of points) {
      const dot = drawn("circle", { cx: x(fed), cy: y(done), r: 3.5 + 7 * Math.sqrt(layer.cycles / most),
        fill: LIMITS[mostly(layer.limits)][0], "fill-opacity": 0.8, stroke: "var(--page)" });
      svg.append(explain(dot, () => [layer.name, [
        ["operator", layer.kind || "–"],
        ["bound by", LIMITS[mostly(layer.limits)][1]],
        ["cycles", number(layer.cycles)],
        ["multipliers used", percent(layer.mac_cycles, layer.kernel_cycles)],
      ]]));
    }
  });
}

function layerTable(model) {
  const total = model.layers.reduce((sum, layer) => sum + layer.cycles, 0);
  const rows = model.layers.map((layer, index) => ({ ...layer, index }))
    .sort((a, b) => a.first_segment - b.first_segment || a.index - b.index)
    .map((layer, place) => ({ ...layer, place }));
  const short = shortener(model.layers.map((layer) => layer.name));
  const place = (l) => (l.first_segment === l.last_segment ? `${l.first_segment + 1}`
    : `${l.first_segment + 1}–${l.last_segment + 1}`);
  return table(`Layers of ${model.name}`, [
    { title: "Layer", left: true, name: true, cell: (l) => short(l.name), full: (l) => l.name, key: (l) => l.place },
    { title: "Operator", left: true, cell: (l) => l.kind || "–", key: (l) => l.kind },
    { title: "Segments", cell: place, key: (l) => l.first_segment },
    { title: "Cycles", cell: (l) => number(l.cycles), key: (l) => l.cycles },
    { title: "Share", cell: (l) => percent(l.cycles, total), key: (l) => l.cycles },
    { title: "MAC use", cell: (l) => (l.mac_cycles ? percent(l.mac_cycles, l.kernel_cycles) : "–"),
      key: (l) => l.mac_cycles / (l.kernel_cycles || 1) },
    { title: "Compute", cell: (l) => number(l.compute_cycles), key: (l) => l.compute_cycles },
    { title: "Memory", cell: (l) => number(l.memory_cycles), key: (l) => l.memory_cycles },
    { title: "DMA", cell: (l) => (l.dma_cycles ? number(l.dma_cycles) : "–"), key: (l) => l.dma_cycles },
    { title: "Bound by", left: true, cell: limitCell, key: (l) => mostly(l.limits) || "" },
  ], rows);
}

function networkPanel(model) {
  const limits = (parts) => new Set(parts.flatMap((part) => Object.keys(part.limits)));
  const uses = new Set(model.arena.blocks.map((block) => useOf(block, model.arena)));
  const cycles = model.segments.reduce((sum, s) => sum + s.nominal_cycles, 0);
  return [
    element("h3", {}, "Segments"),
    element("p", { class: "note" }, `${plural(model.segments.length, "segment")}, ${number(cycles)} NPU cycles `
      + `(${time(cyclesToNs(cycles))}) in all. Bars are nominal cycles by what bounds the operations; the line above each is its worst case.`),
    limitLegend(limits(model.segments)), segmentChart(model), segmentTable(model),
    element("h3", {}, "Arena over one inference"),
    element("p", { class: "note" }, `What is needed at each moment, and by whom it was written: ${bytes(model.arena.size)} of arena. `
      + "Neighbouring shades are different layers."),
    legend(Object.keys(USES).filter((use) => uses.has(use)).map((use) => USES[use])),
    memoryChart(model), liveChart(model),
    element("h3", {}, "What bounds each layer"),
    element("p", { class: "note" }, "Cycles are a layer's part of the inference: its kernels, and DMA that no kernel hides. "
      + "Compute is what the NPU's stages take, memory what the busiest memory needs for the kernels' traffic; the larger of "
      + "the two decides. A larger dot is a longer layer; on the diagonal, memory is the limit."),
    limitLegend(limits(model.layers)), rooflineChart(model), layerTable(model),
  ];
}

function drawNetworks() {
  const place = document.getElementById("networks");
  const panel = element("div", { role: "tabpanel", id: "network", "aria-labelledby": "tab-0" });
  const tabs = data.models.map((model, index) => element("button", { type: "button", role: "tab", id: `tab-${index}`,
    "aria-controls": "network", onclick: () => choose(index) }, model.name));
  function choose(index) {
    tabs.forEach((tab, i) => {
      tab.setAttribute("aria-selected", String(i === index));
      tab.tabIndex = i === index ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${index}`);
    panel.replaceChildren(...networkPanel(data.models[index]));
  }
  const list = element("div", { role: "tablist", "aria-label": "Networks", onkeydown: (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    const next = (tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length;
    choose(next);
    tabs[next].focus();
  } }, ...tabs);
  place.append(list, panel);
  if (tabs.length) choose(0);
}
