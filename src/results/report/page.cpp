// The page's style and script.
#include "results/report/html.h"

namespace qb::report {

std::string_view page_style() {
  return R"css(
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --paper: #ffffff;
  --panel: #f6f8fa; --accent: #0b66c3; --warn: #a4410a; --mark: #0b66c3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --soft: #9aa7b8; --line: #313b48;
  --paper: #12171e; --panel: #1a212b; --accent: #69b1ff; --warn: #ffab73; --mark: #69b1ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 92rem; background: var(--paper);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; } .soft { color: var(--soft); } a { color: var(--accent); }
.chart { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: .5rem;
  overflow-x: auto; }
svg { width: 100%; min-width: 600px; height: auto; display: block; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .tick { fill: var(--soft); font-size: 11px; } svg .axis { fill: var(--soft); }
svg .grid { stroke: var(--line); } svg .frontier { fill: none; stroke: var(--soft); stroke-dasharray: 5 4; }
svg circle { fill: var(--mark); stroke: var(--paper); stroke-width: 1.5; } svg circle.pytorch { fill: #d9480f; }
svg circle.mlx { fill: #7048e8; } svg circle.coreml { fill: #2b8a3e; } svg circle.reference { fill: var(--soft); }
svg circle.unlike { fill: var(--panel); stroke: var(--soft); stroke-dasharray: 2 2; }
ul.verdict { margin: .5rem 0 .75rem; padding-left: 1.2rem; }
svg .mark:focus { outline: none; } svg .mark:focus circle, svg .mark:hover circle { r: 9; }
.table { overflow-x: auto; margin-top: .75rem; } table { border-collapse: collapse; width: 100%;
  font-size: 13.5px; }
th, td { padding: .35rem .42rem; border-bottom: 1px solid var(--line); white-space: nowrap; text-align: left; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
th button { all: unset; cursor: pointer; color: var(--soft); font-weight: 600; font-size: 13px; }
th button:focus-visible, .mark:focus-visible { outline: 2px solid var(--accent); border-radius: 3px; }
th[aria-sort=ascending] button::after { content: " ▲"; } th[aria-sort=descending] button::after { content: " ▼"; }
td.long { white-space: normal; min-width: 22rem; font-size: 13px; }
td.best { font-weight: 700; } .bad { color: var(--warn); }
details { margin: .5rem 0; } summary { cursor: pointer; color: var(--accent); }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
  overflow-x: auto; font-size: 12.5px; }
)css";
}

std::string_view page_script() {
  return R"js(
for (const table of document.querySelectorAll("table.sortable")) {
  table.querySelectorAll("th button").forEach((button, column) => button.addEventListener("click", () => {
    const heading = button.parentElement;
    const up = heading.getAttribute("aria-sort") !== "ascending";
    table.querySelectorAll("th").forEach(other => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => {
      const cell = row.cells[column];
      return "value" in cell.dataset ? Number(cell.dataset.value) : heading.classList.contains("number") ? null : cell.textContent;
    };
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const x = key(a), y = key(b);
      if (x === null || y === null) return (x === null) - (y === null);
      return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
    });
    table.tBodies[0].append(...rows);
  }));
}
)js";
}

}  // namespace qb::report
