// SPDX-License-Identifier: Apache-2.0
// The verdict, the facts of the run, and the table of tasks.
function responses(task) {
  return task.jobs.filter((job) => job.end_ns !== null).map((job) => job.end_ns - job.release_ns);
}

function verdict() {
  const tasks = data.run.tasks;
  const misses = tasks.reduce((sum, task) => sum + task.misses, 0);
  const releases = tasks.reduce((sum, task) => sum + task.releases, 0);
  const unbounded = tasks.filter((task) => task.bound_ns === null);
  const bounded = !unbounded.length;
  const some = unbounded.length < tasks.length;
  const proved = bounded && tasks.every((task) => task.bound_ns <= task.deadline_ns);
  const broken = tasks.filter((task) => task.bound_ns !== null && responses(task).some((ns) => ns > task.bound_ns));
  const verified = data.application.verified;
  const place = document.getElementById("verdict");
  const span = time(data.run.duration_ns);
  const parts = [!releases ? `No job was released in ${span}.` : misses
    ? `✗ ${number(misses)} of ${number(releases)} deadlines missed in ${span}.`
    : `✓ No deadline missed: ${plural(releases, "release")} in ${span}.`];
  if (broken.length) parts.push(`✗ A response was longer than its bound: ${broken.map((task) => task.name).join(", ")}.`);
  else if (proved) parts.push("Every bound on a response time is within its deadline.");
  else if (bounded) parts.push("A bound on a response time is beyond its deadline.");
  else if (some) parts.push(`No bound is known for ${unbounded.map((task) => task.name).join(", ")}.`);
  else parts.push("Observed in this run; response times were not bounded by analysis.");
  if (verified && verified.mismatches.length) {
    parts.push(`✗ Outputs of ${verified.mismatches.map((m) => m.task).join(", ")} differ from tflite_micro's.`);
  }
  const bad = misses || broken.length || (verified && verified.mismatches.length);
  place.className = `verdict ${bad ? "bad" : !releases || (some && !proved) ? "unsure" : "good"}`;
  place.textContent = parts.join(" ");
}

function facts() {
  const about = data.application;
  const verified = about.verified;
  const rows = [
    ["Application", about.file],
    ["Accelerator", `${about.accelerator}, ${hertz(about.npu_hz)}`],
    ["Board and CPU", `${about.board}, ${hertz(about.cpu_hz)}`],
    ["NPU policy", about.policy_name],
    ["Cut", about.cut],
    ["Proved with", about.cycles === "worst" ? "worst-case cycles" : "nominal cycles"],
    ["Virtual time", time(data.run.duration_ns)],
    ["NPU busy", percent(data.run.npu_busy_ns, data.run.duration_ns)],
    ["CPU busy", percent(data.run.cpu.reduce((sum, [, , start, end]) => sum + end - start, 0), data.run.duration_ns)],
    ["Outputs", verified === null ? "not verified"
      : verified.mismatches.length ? "differ from tflite_micro"
        : `${plural(verified.jobs, "job")} as tflite_micro, bit for bit`],
  ];
  const list = document.getElementById("facts");
  for (const [term, value] of rows) {
    list.append(element("div", {}, element("dt", {}, term), element("dd", {}, value)));
  }
}

function byPriority() {
  return data.run.tasks.map((task, index) => ({ task, index }))
    .sort((a, b) => a.task.priority - b.task.priority || a.index - b.index);
}

function taskTable(timeline) {
  const rows = byPriority().map(({ task, index }) => {
    const found = responses(task);
    const worst = found.length ? greatest(found) : null;
    const mean = found.length ? found.reduce((a, b) => a + b, 0) / found.length : null;
    return { task, index, worst, mean, best: found.length ? least(found) : null };
  });
  const or = (value) => (value === null ? "–" : time(value));
  const plain = (title, pick, show = or) => ({ title, cell: (row) => show(pick(row)), key: pick });
  const columns = [
    { title: "Task", left: true, key: (row) => row.task.name, name: true,
      cell: (row) => element("span", { title: row.task.name }, swatch(colour(row.index)), row.task.name) },
    plain("Priority", (row) => row.task.priority, String),
    plain("Period", (row) => row.task.period_ns),
    plain("Deadline", (row) => row.task.deadline_ns),
    plain("Releases", (row) => row.task.releases, number),
    { ...plain("Missed", (row) => row.task.misses, number), mark: (row) => (row.task.misses ? "missed" : "") },
    plain("Fastest", (row) => row.best),
    plain("Mean", (row) => row.mean),
    plain("Slowest", (row) => row.worst),
    ...(rows.some((row) => row.task.bound_ns !== null) ? [plain("Bound", (row) => row.task.bound_ns)] : []),
    plain("Slack", (row) => {
      const reach = row.task.bound_ns === null ? row.worst : row.task.bound_ns;
      return reach === null ? null : row.task.deadline_ns - reach;
    }),
    plain("Blocked", (row) => row.task.blocking_ns),
    { title: "NPU", cell: (row) => percent(row.task.npu_ns, data.run.duration_ns), key: (row) => row.task.npu_ns },
    { title: "Show", cell: (row) => (row.worst === null ? "–" : element("button", {
      type: "button", "aria-label": `Show the slowest job of ${row.task.name} in the timeline`,
      onclick: () => timeline.showSlowest(row.index),
    }, "slowest job")) },
  ];
  const bounded = rows.some((row) => row.task.bound_ns !== null);
  document.getElementById("tasks").append(
    element("p", { class: "note" }, "Response times run from the nominal release to the end of the job. ",
      `Slack is what is left of the deadline after the ${bounded ? "bound" : "slowest response seen"}; `
      + "blocked is the longest that one segment of a less urgent task kept a job waiting."),
    table("Tasks", columns, rows));
}
