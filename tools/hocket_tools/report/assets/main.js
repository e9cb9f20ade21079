// SPDX-License-Identifier: Apache-2.0
// Puts the report together, and follows the system's colour scheme until the reader chooses.
function themes(rethemed) {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  function apply() {
    const theme = chosen || (dark.matches ? "dark" : "light");
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === "dark" ? "Light theme" : "Dark theme";
    rethemed();
  }
  button.addEventListener("click", () => {
    chosen = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    apply();
  });
  dark.addEventListener("change", apply);
  apply();
}

verdict();
facts();
const view = new TimelineView(document.getElementById("timeline"));
taskTable(view);
drawResponses();
drawNetworks();
drawMemories();
document.getElementById("footer").textContent = `Made by ${data.generator}. `
  + "Times are virtual: NPU cycles by the timing model, CPU costs by the board's profile; nothing here was measured on silicon.";
themes(() => view.rethemed());
