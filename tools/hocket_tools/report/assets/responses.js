// SPDX-License-Identifier: Apache-2.0
// How the response times of each task are distributed, against its deadline and in detail.
function histogram(values, low, high, bins) {
  const counts = new Array(bins).fill(0);
  for (const value of values) {
    counts[Math.min(Math.floor((value - low) / (high - low) * bins), bins - 1)]++;
  }
  return counts;
}

function responseChart(title, values, low, high, paint, marks, label) {
  const rows = Math.max(marks.length, 1);
  const top = 24 + 15 * rows;
  return chart(top + 118, label, (svg, width, height) => {
    const [left, right, bottom] = [44, 12, 34];
    const x = (ns) => left + (ns - low) / (high - low) * (width - left - right);
    const base = height - bottom;
    const bins = Math.max(Math.min(Math.floor((width - left - right) / 8), 72), 12);
    const counts = histogram(values, low, high, bins);
    const most = Math.max(...counts, 1);
    const y = (count) => base - count / most * (base - top - 4);
    for (const count of ticks(0, most, 3).filter(Number.isInteger)) {
      line(svg, left, y(count), width - right, y(count), count ? "grid" : "axis");
      text(svg, left - 6, y(count) + 4, number(count), "end");
    }
    counts.forEach((count, bin) => {
      if (!count) return;
      const from = low + (high - low) * bin / bins;
      const to = low + (high - low) * (bin + 1) / bins;
      const bar = drawn("rect", { x: x(from), y: y(count), height: base - y(count),
        width: Math.max(x(to) - x(from) - 1, 1), fill: paint });
      svg.append(explain(bar, () => [plural(count, "job"),
        [["response", `${time(from)} – ${time(to)}`], ["share", percent(count, values.length)]]]));
    });
    const steps = ticks(low, high, Math.max(Math.floor((width - left) / 90), 2));
    const step = steps.length > 1 ? steps[1] - steps[0] : high - low;
    for (const at of steps) {
      line(svg, x(at), base, x(at), base + 4, "axis");
      text(svg, Math.min(x(at), width - 26), base + 17, timeTick(at, step, high), "middle");
    }
    text(svg, 0, 12, title, "start", "strong");
    drawMarks(svg, marks, x, width, base);
  });
}

// Lines begin at the row of their label. In this order hardly any line crosses another's label: on
// the left, where labels stand right of their line, the earliest first; at the right end the latest.
function drawMarks(svg, marks, x, width, base) {
  const late = ([ns]) => x(ns) > width - 112;
  const order = [
    ...marks.filter((mark) => !late(mark)).sort((a, b) => a[0] - b[0]),
    ...marks.filter(late).sort((a, b) => b[0] - a[0]),
  ];
  order.forEach(([ns, , stroke, dash], row) =>
    line(svg, x(ns), 22 + 15 * row, x(ns), base, "", { stroke, "stroke-width": 1.5, "stroke-dasharray": dash }));
  order.forEach((mark, row) => {
    const [ns, name] = mark;
    const end = late(mark);
    text(svg, x(ns) + (end ? -5 : 5), 32 + 15 * row, `${name} ${time(ns)}`, end ? "end" : "start", "strong halo");
  });
}

function drawResponses() {
  const place = document.getElementById("responses");
  for (const { task, index } of byPriority()) {
    place.append(element("h3", {}, swatch(colour(index)), task.name));
    const found = responses(task);
    if (!found.length) {
      place.append(element("p", { class: "note" }, "No job was completed in this run."));
      continue;
    }
    const [best, worst] = [least(found), greatest(found)];
    const marks = [[task.deadline_ns, "deadline", "var(--bad)", "none"]];
    if (task.bound_ns !== null) marks.push([task.bound_ns, "bound", "var(--text)", "5 3"]);
    marks.push([worst, "slowest", "var(--soft)", "1 2"]);
    const high = Math.max(...marks.map(([ns]) => ns)) * 1.02;
    const pair = element("div", { class: "pair" });
    pair.append(responseChart("Jobs by response time, against the deadline", found, 0, high, colour(index), marks,
      `Responses of ${task.name} against its deadline: ${time(best)} to ${time(worst)}, deadline ${time(task.deadline_ns)}`));
    if (worst > best) {
      pair.append(responseChart("Jobs by response time, in detail", found, best, worst + (worst - best) / 100, colour(index), [],
        `Responses of ${task.name} in detail, ${time(best)} to ${time(worst)}`));
    } else {
      pair.append(element("p", { class: "note" }, found.length === 1
        ? `The one completed job took ${time(best)}.`
        : `All ${number(found.length)} completed jobs took exactly ${number(best)} ns.`));
    }
    place.append(pair);
  }
}
