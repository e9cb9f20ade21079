// SPDX-License-Identifier: Apache-2.0
// The timeline's state and drawing: what is visible, and where everything lies on the canvas.
const AXIS = 24;
const RESOURCE = 30;
const LANE = 46;
// The CPU's work has its task's colour; its height shows its kind.
const HEIGHTS = { dispatch: 0.45, release: 0.45, resume: 0.7, body: 1 };

// Index of the first row whose end lies after `at`; rows do not overlap and are in order.
function firstAfter(rows, at, endOf) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (endOf(rows[middle]) > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

// CSS variables as the canvas needs them: looked up anew when the theme changes.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const known = new Map();
  return (paint) => {
    if (!known.has(paint)) {
      const name = /^var\((.*)\)$/.exec(paint);
      known.set(paint, name ? style.getPropertyValue(name[1]).trim() : paint);
    }
    return known.get(paint);
  };
}

class Timeline {
  constructor() {
    const run = data.run;
    this.npu = run.npu.map(([task, job, step, start, end], index) => ({ task, job, step, start, end, index }));
    this.cpu = run.cpu.map(([task, kind, start, end]) => ({ task, kind, start, end }));
    this.cpu.sort((a, b) => a.start - b.start);
    this.end = Math.max(run.duration_ns, ...this.npu.slice(-1).map((s) => s.end), 1);
    this.ends = new Map(this.npu.map((s) => [`${s.task} ${s.job}`, s.end]));
    this.lanes = [
      { kind: "npu", label: "NPU", height: RESOURCE, rows: this.npu },
      ...(this.cpu.length ? [{ kind: "cpu", label: "CPU", height: RESOURCE, rows: this.cpu }] : []),
      ...byPriority().map(({ task, index }) => ({
        kind: "task", label: task.name, height: LANE, task, index,
        rows: this.npu.filter((s) => s.task === index),
        jobs: task.jobs.map((job, place) => this.span(job, index, place)).sort((a, b) => a.release_ns - b.release_ns),
        waits: run.preemptions.map(([a, b]) => [this.npu[a], this.npu[b]]).filter(([a]) => a.task === index),
      })),
    ];
    let top = AXIS;
    for (const lane of this.lanes) {
      lane.top = top;
      top += lane.height;
    }
    this.height = top + 6;
    this.selected = null;
    this.window(...this.opening());
  }

  // A job with the time until which it is drawn.
  span(job, task, place) {
    const last = this.ends.get(`${task} ${place}`) ?? job.release_ns;
    return { ...job, task, place, until: job.end_ns === null ? last : job.end_ns };
  }

  // Where it is interesting first: a missed deadline, else a preemption.
  opening() {
    const shortest = Math.min(...data.run.tasks.map((task) => task.period_ns), this.end);
    const span = Math.min(6 * shortest, this.end);
    const missed = this.misses()[0];
    const pair = data.run.preemptions[0];
    const focus = missed !== undefined ? missed : pair ? this.npu[pair[0]].end : 0;
    const start = Math.max(Math.floor((focus - span / 3) / shortest) * shortest, 0);
    return [start, start + span];
  }

  misses() {
    if (this.missed) return this.missed;
    const found = [];
    for (const task of data.run.tasks) {
      for (const job of task.jobs) {
        if (job.outcome !== "done" && job.outcome !== "cut off") found.push(job.deadline_ns);
      }
      for (const at of task.skipped_ns) found.push(at + task.deadline_ns);
    }
    this.missed = found.sort((a, b) => a - b);
    return this.missed;
  }

  window(from, to) {
    const span = Math.min(Math.max(to - from, 200), this.end);
    this.from = Math.min(Math.max((from + to - span) / 2, 0), this.end - span);
    this.to = this.from + span;
  }

  pan(share) {
    const by = share * (this.to - this.from);
    this.window(this.from + by, this.to + by);
  }

  zoom(factor, at = (this.from + this.to) / 2) {
    const span = Math.min(Math.max((this.to - this.from) * factor, 200), this.end);
    const from = at - (at - this.from) / (this.to - this.from) * span;
    this.window(from, from + span);
  }

  // What the keyboard zooms about: the selected segment if it is in sight.
  focus() {
    const s = this.selected;
    const seen = s && s.end > this.from && s.start < this.to;
    return seen ? (Math.max(s.start, this.from) + Math.min(s.end, this.to)) / 2 : (this.from + this.to) / 2;
  }

  layout(width) {
    this.width = width;
    this.left = width < 560 ? 78 : 120;
  }

  x(ns) {
    return this.left + (ns - this.from) / (this.to - this.from) * (this.width - this.left - 8);
  }

  ns(x) {
    return this.from + (x - this.left) / (this.width - this.left - 8) * (this.to - this.from);
  }

  draw(context, paint) {
    context.clearRect(0, 0, this.width, this.height);
    context.font = "12px system-ui, 'DejaVu Sans', sans-serif";
    this.drawAxis(context, paint);
    for (const lane of this.lanes) {
      context.save();
      context.beginPath();
      context.rect(this.left - 4, lane.top, this.width - this.left + 4, lane.height);
      context.clip();
      if (lane.kind === "task") this.drawTask(context, paint, lane);
      else this.drawRows(context, paint, lane.rows, lane.top + 6, lane.height - 10, (row) => colour(row.task));
      context.restore();
      this.drawLabel(context, paint, lane);
    }
    if (this.selected) this.drawSelected(context, paint);
  }

  drawAxis(context, paint) {
    const steps = ticks(this.from, this.to, Math.max(Math.floor((this.width - this.left) / 110), 2));
    const step = steps.length > 1 ? steps[1] - steps[0] : this.to - this.from;
    context.textAlign = "center";
    for (const at of steps) {
      const x = Math.round(this.x(at)) + 0.5;
      context.strokeStyle = paint("var(--grid)");
      context.beginPath();
      context.moveTo(x, AXIS - 4);
      context.lineTo(x, this.height);
      context.stroke();
      context.fillStyle = paint("var(--soft)");
      const label = timeTick(at, step, this.to);
      const half = context.measureText(label).width / 2;
      if (x - half > 4 && x + half < this.width - 2) context.fillText(label, x, 14);
    }
  }

  drawLabel(context, paint, lane) {
    context.strokeStyle = paint("var(--line)");
    context.beginPath();
    context.moveTo(0, lane.top + 0.5);
    context.lineTo(this.width, lane.top + 0.5);
    context.stroke();
    context.textAlign = "left";
    context.fillStyle = paint(lane.kind === "task" ? colour(lane.index) : "var(--soft)");
    const middle = lane.top + lane.height / 2;
    if (lane.kind === "task") context.fillRect(6, middle - 5, 9, 9);
    context.fillStyle = paint("var(--text)");
    const x = lane.kind === "task" ? 20 : 6;
    let label = lane.label;
    while (label.length > 1 && context.measureText(label).width > this.left - x - 4) {
      label = `${label.replace(/…$/, "").slice(0, -1)}…`;
    }
    context.fillText(label, x, middle + 4);
  }

  // Rows narrower than a pixel are drawn once a pixel.
  drawRows(context, paint, rows, top, height, paintOf) {
    let drawnTo = -1;
    for (let i = firstAfter(rows, this.from, (row) => row.end); i < rows.length; i++) {
      const row = rows[i];
      if (row.start >= this.to) break;
      const [x, right] = [this.x(row.start), this.x(row.end)];
      if (right <= drawnTo) continue;
      const width = Math.max(right - x, 1);
      const tall = height * (HEIGHTS[row.kind] || 1);
      context.fillStyle = paint(paintOf(row));
      // A gap of its own keeps neighbouring segments apart once they are wide enough.
      context.fillRect(x, top + height - tall, width > 4 ? width - 1 : width, tall);
      drawnTo = width > 1 ? right : Math.ceil(x);
    }
  }

  drawTask(context, paint, lane) {
    const own = colour(lane.index);
    const [top, height, base] = [lane.top + 11, 20, lane.top + 31];
    const deadline = lane.task.deadline_ns;
    for (const job of lane.jobs) {
      if (job.release_ns > this.to || Math.max(job.until, job.deadline_ns) < this.from) continue;
      context.globalAlpha = 0.22;
      context.fillStyle = paint(own);
      context.fillRect(this.x(job.release_ns), top + 6, this.x(job.until) - this.x(job.release_ns), height - 6);
      context.globalAlpha = 1;
      if (job.until > job.deadline_ns) {
        context.fillStyle = paint("var(--bad)");
        context.fillRect(this.x(job.deadline_ns), base - 2, this.x(job.until) - this.x(job.deadline_ns), 3);
      }
    }
    for (const [before, after] of lane.waits) {
      if (after.start > this.from && before.end < this.to) this.drawWait(context, paint, before.end, after.start, top + 6, height - 6);
    }
    this.drawRows(context, paint, lane.rows, top, height, () => own);
    const dense = (lane.task.period_ns / (this.to - this.from)) * (this.width - this.left) < 9;
    for (let i = Math.max(Math.floor((this.from - lane.task.offset_ns - deadline) / lane.task.period_ns), 0); i < lane.task.releases; i++) {
      const at = lane.task.offset_ns + i * lane.task.period_ns;
      if (at > this.to) break;
      if (dense) continue;
      this.drawRelease(context, paint, this.x(at), base);
      this.drawDeadline(context, paint, this.x(at + deadline), lane.top + 3);
    }
    for (const at of this.missesOf(lane)) {
      if (at >= this.from && at <= this.to) this.drawMiss(context, paint, this.x(at), lane.top + 7);
    }
  }

  missesOf(lane) {
    if (!lane.misses) {
      lane.misses = [
        ...lane.jobs.filter((job) => job.outcome !== "done" && job.outcome !== "cut off").map((job) => job.deadline_ns),
        ...lane.task.skipped_ns.map((at) => at + lane.task.deadline_ns),
      ];
    }
    return lane.misses;
  }

  drawWait(context, paint, start, end, top, height) {
    const [x, right] = [Math.max(this.x(start), this.left), Math.min(this.x(end), this.width)];
    context.save();
    context.beginPath();
    context.rect(x, top, right - x, height);
    context.clip();
    context.strokeStyle = paint("var(--soft)");
    context.beginPath();
    for (let at = Math.floor((x - height) / 7) * 7; at < right; at += 7) {
      context.moveTo(at, top + height);
      context.lineTo(at + height, top);
    }
    context.stroke();
    context.restore();
  }

  // Releases point up from the base line, deadlines down to the top of the lane.
  drawRelease(context, paint, x, base) {
    context.strokeStyle = context.fillStyle = paint("var(--text)");
    context.beginPath();
    context.moveTo(x, base + 12);
    context.lineTo(x, base + 2);
    context.stroke();
    context.beginPath();
    context.moveTo(x - 3.5, base + 7);
    context.lineTo(x, base + 1);
    context.lineTo(x + 3.5, base + 7);
    context.fill();
  }

  drawDeadline(context, paint, x, top) {
    context.strokeStyle = context.fillStyle = paint("var(--soft)");
    context.beginPath();
    context.moveTo(x, top);
    context.lineTo(x, top + 29);
    context.stroke();
    context.beginPath();
    context.moveTo(x - 3.5, top);
    context.lineTo(x, top + 6);
    context.lineTo(x + 3.5, top);
    context.fill();
  }

  drawMiss(context, paint, x, y) {
    context.strokeStyle = paint("var(--bad)");
    context.lineWidth = 2.5;
    context.beginPath();
    context.moveTo(x - 5, y - 5);
    context.lineTo(x + 5, y + 5);
    context.moveTo(x + 5, y - 5);
    context.lineTo(x - 5, y + 5);
    context.stroke();
    context.lineWidth = 1;
  }

  drawSelected(context, paint) {
    const s = this.selected;
    context.strokeStyle = paint("var(--text)");
    context.lineWidth = 2;
    for (const lane of this.lanes) {
      if (lane.kind === "cpu" || (lane.kind === "task" && lane.index !== s.task)) continue;
      const [top, height] = lane.kind === "npu" ? [lane.top + 6, lane.height - 10] : [lane.top + 11, 20];
      const [x, right] = [Math.max(this.x(s.start), this.left), Math.min(this.x(s.end), this.width)];
      if (right > x) context.strokeRect(x, top, right - x, height);
    }
    context.lineWidth = 1;
  }

  // What lies under a point: a segment, CPU work, a wait or a job.
  at(x, y) {
    const lane = this.lanes.find((l) => y >= l.top && y < l.top + l.height);
    if (!lane || x < this.left) return null;
    const slack = 1.5 * (this.to - this.from) / (this.width - this.left);
    const ns = this.ns(x);
    const row = lane.rows[firstAfter(lane.rows, ns - slack, (r) => r.end)];
    if (row && row.start <= ns + slack) return { kind: lane.kind === "cpu" ? "cpu" : "segment", row };
    if (lane.kind !== "task") return null;
    const wait = lane.waits.find(([a, b]) => a.end <= ns && ns < b.start);
    if (wait) return { kind: "wait", row: wait };
    const job = lane.jobs.find((j) => j.release_ns <= ns && ns < Math.max(j.until, j.release_ns + 1));
    return job ? { kind: "job", row: job, task: lane.index } : null;
  }
}
