// SPDX-License-Identifier: Apache-2.0
// The timeline's surroundings: pointer, keyboard, overview, controls, and words for what is shown.
function jobRows(task, job) {
  const response = job.end_ns === null ? null : job.end_ns - job.release_ns;
  return [
    ["job released", exact(job.release_ns)],
    ["response", response === null ? `none: ${job.outcome}` : exact(response)],
    ["deadline", `${time(task.deadline_ns)} after release${job.outcome === "late" ? ", missed" : ""}`],
  ];
}

function describe(found) {
  if (found.kind === "cpu") {
    const { task, kind, start, end } = found.row;
    return [`CPU: ${kind} of ${data.run.tasks[task].name}`,
      [["start", exact(start)], ["duration", exact(end - start)]]];
  }
  if (found.kind === "wait") {
    const [before, after] = found.row;
    const task = data.run.tasks[before.task];
    return [`${task.name}, job ${task.jobs[before.job].index}: preempted`,
      [["suspended", exact(before.end)], ["for", exact(after.start - before.end)]]];
  }
  const row = found.row;
  const task = data.run.tasks[found.kind === "job" ? found.task : row.task];
  if (found.kind === "job") return [`${task.name}, job ${row.index}`, jobRows(task, row)];
  const job = task.jobs[row.job];
  const model = data.models[task.model];
  const segment = model.segments[row.step];
  const shown = segment.sources.slice(0, 5).map(shortener(model.layers.map((layer) => layer.name)));
  if (segment.sources.length > 5) shown.push(`${segment.sources.length - 5} more`);
  const limit = mostly(segment.limits);
  return [`${task.name}, job ${job.index}, segment ${row.step + 1} of ${model.segments.length}`, [
    ["operators", shown.join(", ")],
    ["start", exact(row.start)],
    ["duration", exact(row.end - row.start)],
    ["cycles", `${number(segment.nominal_cycles)}, at worst ${number(segment.worst_cycles)}`],
    ["mostly bound by", limit ? LIMITS[limit][1] : "–"],
    ...jobRows(task, job),
  ]];
}

function sentence([title, rows]) {
  return `${title}. ${rows.map(([term, value]) => `${term} ${value}`).join("; ")}.`;
}

class TimelineView {
  constructor(place) {
    this.model = new Timeline();
    this.canvas = element("canvas", { class: "lanes", tabindex: "0", role: "application",
      "aria-roledescription": "timeline", "aria-label": "Timeline of NPU and tasks",
      "aria-describedby": "timeline-keys" });
    this.overview = element("canvas", { class: "overview", "aria-hidden": "true" });
    this.readout = element("p", { class: "readout", role: "status" },
      "Point at the timeline, or focus it and press . for the next segment.");
    place.append(
      element("p", { class: "note" }, "NPU and CPU by task; below, each task with its releases (▲), deadlines (▼) and "
        + "missed deadlines (✗). A pale bar is a job from release to completion, a solid one its segments on the NPU, "
        + "hatching a preemption. On the CPU, low bars are dispatches of segments and releases of jobs, taller ones resumes "
        + "of a task's body, and full ones its declared time and operators of its network."),
      this.controls(),
      element("div", { class: "timeline" }, this.overview, this.canvas),
      this.readout,
      this.keys());
    this.listen();
    this.paint = palette();
    new ResizeObserver(() => this.redraw()).observe(this.canvas.parentElement);
  }

  controls() {
    const button = (label, name, act) => element("button", { type: "button", "aria-label": name, title: name,
      onclick: () => { act(); this.redraw(); } }, label);
    this.position = element("span", { class: "soft grow" });
    return element("div", { class: "controls", role: "group", "aria-label": "Timeline controls" },
      button("←", "Earlier", () => this.model.pan(-0.5)),
      button("→", "Later", () => this.model.pan(0.5)),
      button("+", "Zoom in", () => this.model.zoom(0.5)),
      button(MINUS, "Zoom out", () => this.model.zoom(2)),
      button("All", "Show the whole run", () => this.model.window(0, this.model.end)),
      button("Next preemption", "Go to the next preemption", () => this.next(
        data.run.preemptions.map(([a]) => this.model.npu[a].end))),
      button("Next miss", "Go to the next missed deadline", () => this.next(this.model.misses())),
      this.position);
  }

  keys() {
    const key = (name) => element("kbd", {}, name);
    return element("p", { class: "note", id: "timeline-keys" }, "Drag or ", key("←"), " ", key("→"), " to move, ",
      key("Ctrl"), " + wheel, pinch, ", key("+"), " or ", key(MINUS), " to zoom, ", key("0"), " for the whole run, ",
      key(","), " ", key("."), " for the segment before or after, ", key("m"), " for the next missed deadline.");
  }

  redraw() {
    const width = this.canvas.parentElement.clientWidth;
    if (width < 100) return;
    this.model.layout(width);
    this.model.draw(this.context(this.canvas, width, this.model.height), this.paint);
    this.drawOverview(this.context(this.overview, width, 30), width);
    const { from, to } = this.model;
    const instant = (ns) => timeTick(ns, (to - from) / 100, to);
    this.position.textContent = `${instant(from)} – ${instant(to)}`;
  }

  context(canvas, width, height) {
    const ratio = devicePixelRatio || 1;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  // The NPU's share of each column of the whole run, and where the window is.
  drawOverview(context, width) {
    const { npu, end, from, to } = this.model;
    if (!this.load || this.load.length !== width) {
      this.load = new Float64Array(width);
      for (const s of npu) {
        const last = Math.min(Math.floor(s.end / end * width), width - 1);
        for (let column = Math.floor(s.start / end * width); column <= last; column++) {
          const [a, b] = [column * end / width, (column + 1) * end / width];
          this.load[column] += (Math.min(s.end, b) - Math.max(s.start, a)) / (b - a);
        }
      }
    }
    context.fillStyle = this.paint("var(--panel)");
    context.fillRect(0, 0, width, 30);
    context.fillStyle = this.paint("var(--soft)");
    this.load.forEach((share, column) => context.fillRect(column, 27 - 22 * share, 1, 22 * share));
    context.fillStyle = this.paint("var(--bad)");
    for (const at of this.model.misses()) context.fillRect(at / end * width - 1, 0, 2, 30);
    const [x, right] = [from / end * width, to / end * width];
    context.globalAlpha = 0.18;
    context.fillStyle = this.paint("var(--link)");
    context.fillRect(x, 0, Math.max(right - x, 2), 30);
    context.globalAlpha = 1;
    context.strokeStyle = this.paint("var(--link)");
    context.lineWidth = 2;
    context.strokeRect(x + 1, 1, Math.max(right - x - 2, 2), 28);
    context.lineWidth = 1;
  }

  listen() {
    const pointers = new Map();
    const canvas = this.canvas;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, place(event));
      this.moved = false;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      const before = pointers.get(event.pointerId);
      if (!before) {
        const found = this.model.at(x, y);
        if (found) showTip(event, ...describe(found));
        else hideTip();
        return;
      }
      hideTip();
      this.drag(pointers, event.pointerId, before, x);
      pointers.set(event.pointerId, [x, y]);
      this.redraw();
    });
    const release = (event) => {
      const known = pointers.delete(event.pointerId);
      if (known && !this.moved && event.type === "pointerup") this.select(this.model.at(...place(event)));
    };
    canvas.addEventListener("pointerup", release);
    canvas.addEventListener("pointercancel", release);
    canvas.addEventListener("pointerleave", hideTip);
    canvas.addEventListener("wheel", (event) => this.wheel(event, place(event)[0]), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
    const centre = (event) => {
      if (event.buttons !== 1) return;
      const box = this.overview.getBoundingClientRect();
      const at = (event.clientX - box.left) / box.width * this.model.end;
      const half = (this.model.to - this.model.from) / 2;
      this.model.window(at - half, at + half);
      this.redraw();
    };
    this.overview.addEventListener("pointerdown", centre);
    this.overview.addEventListener("pointermove", centre);
  }

  // One pointer moves the window, two stretch it.
  drag(pointers, id, before, x) {
    if (Math.abs(x - before[0]) > 1) this.moved = true;
    const other = [...pointers.entries()].find(([key]) => key !== id);
    const { model } = this;
    if (!other) {
      model.pan((before[0] - x) / (model.width - model.left));
      return;
    }
    const fixed = other[1][0];
    const [was, is] = [Math.abs(before[0] - fixed), Math.abs(x - fixed)];
    if (was > 4 && is > 4) model.zoom(was / is, model.ns(fixed));
  }

  // The plain wheel scrolls the page, as everywhere else on it.
  wheel(event, x) {
    if (event.ctrlKey || event.metaKey) this.model.zoom(1.0015 ** event.deltaY, this.model.ns(x));
    else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.model.pan(event.deltaX / this.model.width);
    else return;
    event.preventDefault();
    this.redraw();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const far = event.shiftKey ? 0.8 : 0.15;
    const acts = {
      ArrowLeft: () => this.model.pan(-far),
      ArrowRight: () => this.model.pan(far),
      "+": () => this.model.zoom(0.6, this.model.focus()),
      "=": () => this.model.zoom(0.6, this.model.focus()),
      "-": () => this.model.zoom(1 / 0.6, this.model.focus()),
      0: () => this.model.window(0, this.model.end),
      Home: () => this.model.window(0, this.model.to - this.model.from),
      End: () => this.model.window(this.model.end - (this.model.to - this.model.from), this.model.end),
      ",": () => this.step(-1),
      ".": () => this.step(1),
      m: () => this.next(this.model.misses()),
      p: () => this.next(data.run.preemptions.map(([a]) => this.model.npu[a].end)),
      Escape: () => this.select(null),
    };
    if (!(event.key in acts)) return;
    event.preventDefault();
    acts[event.key]();
    this.redraw();
  }

  step(by) {
    const { model } = this;
    const at = model.selected ? model.selected.index + by
      : firstAfter(model.npu, model.from, (row) => row.end);
    const row = model.npu[Math.min(Math.max(at, 0), model.npu.length - 1)];
    if (!row) return;
    if (row.start < model.from || row.end > model.to) {
      const half = Math.max(model.to - model.from, 1.5 * (row.end - row.start)) / 2;
      model.window((row.start + row.end) / 2 - half, (row.start + row.end) / 2 + half);
    }
    this.select({ kind: "segment", row });
  }

  select(found) {
    this.model.selected = found && found.kind === "segment" ? found.row : null;
    this.readout.textContent = found ? sentence(describe(found)) : "Nothing selected.";
    this.redraw();
  }

  // Centres the window on the next of some instants, round to the first after the last.
  next(instants) {
    const middle = (this.model.from + this.model.to) / 2;
    const sorted = [...instants].sort((a, b) => a - b);
    const at = sorted.find((ns) => ns > middle + 1) ?? sorted[0];
    if (at === undefined) {
      this.readout.textContent = "There is none in this run.";
      return;
    }
    const half = (this.model.to - this.model.from) / 2;
    this.model.window(at - half, at + half);
  }

  showSlowest(index) {
    const lane = this.model.lanes.find((l) => l.kind === "task" && l.index === index);
    const ended = lane.jobs.filter((job) => job.end_ns !== null);
    const job = ended.reduce((a, b) => (b.end_ns - b.release_ns > a.end_ns - a.release_ns ? b : a));
    const span = Math.max(job.end_ns, job.deadline_ns) - job.release_ns;
    const until = job.end_ns + (job.end_ns - job.release_ns) * 0.5;
    this.model.window(job.release_ns - span * 0.05, Math.min(until, job.release_ns + span * 1.1));
    this.select({ kind: "job", row: job, task: index });
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    document.getElementById("timeline").scrollIntoView({ behavior: still ? "auto" : "smooth" });
    this.canvas.focus({ preventScroll: true });
  }

  rethemed() {
    this.paint = palette();
    this.redraw();
  }
}
