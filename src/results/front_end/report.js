// The report's page: reads the document that it carries and adds what a browser can do to its tables.
import {inflate} from "qbench/data.js";
import {element, download, makeSortable} from "qbench/elements.js";
import {filterBar, filtered} from "qbench/filters.js";
import {Panel} from "qbench/panel.js";
import {openRecord} from "qbench/record.js";
import {hiddenOf} from "qbench/state.js";
import {views} from "qbench/views.js";

/**
 * @typedef {import("qbench/data.js").Document} Document
 * @typedef {import("qbench/data.js").RecordOf} RecordOf
 */

/** @param {string} id @returns {Promise<string>} */
const carried = id => inflate(document.getElementById(id)?.textContent ?? "");

/** Rows of tables that were written by the program follow the chips too. */
function filterRows() {
  const hidden = {framework: hiddenOf("framework"), scheme: hiddenOf("scheme")};
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (
    document.querySelectorAll("section[data-records] > .table > table.sortable")
  )) {
    const headings = [...table.querySelectorAll("th")].map(heading => heading.textContent);
    for (const row of table.tBodies[0].rows)
      row.hidden = Object.entries(hidden).some(([name, values]) => {
        const column = headings.indexOf(name);
        return column >= 0 && values.has(row.cells[column].textContent ?? "");
      });
  }
}

/**
 * The charts of one section; the first takes the place of the program's own picture.
 * @param {HTMLElement} section @param {Document} content @param {number} number
 */
function addPanels(section, content, number) {
  const records = (section.dataset.records ?? "")
    .split(" ")
    .filter(Boolean)
    .map(place => content.records[Number(place)]);
  const panels = views.map(
    view =>
      new Panel(view, `${number + 1}.${view.name}`, content.metrics, record => openRecord(record, content.metrics)),
  );
  const picture = section.querySelector(":scope > .chart");
  const table = section.querySelector(":scope > .table");
  if (picture) picture.replaceWith(panels[0].element);
  else table?.before(panels[0].element);
  const more = element("div", {class: "panels"}, ...panels.slice(1).map(panel => panel.element));
  (table ?? section.lastElementChild)?.after(more);
  return {panels, records};
}

export async function start() {
  document.querySelectorAll("table.sortable").forEach(table => makeSortable(/** @type {HTMLTableElement} */ (table)));
  document.querySelectorAll(".table").forEach(table => {
    table.setAttribute("tabindex", "0");
    table.setAttribute("role", "region");
    table.setAttribute("aria-label", "Table");
  });
  await new Promise(done => requestAnimationFrame(() => setTimeout(done))); // the tables are painted first
  const [text, library] = await Promise.all([carried("document"), carried("charts")]);
  document.head.append(element("script", {}, library));
  /** @type {Document} */
  const content = JSON.parse(text);
  const sections = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("section[data-records]"))].map(
    (section, number) => addPanels(section, content, number),
  );
  const update = () => {
    filterRows();
    for (const {panels, records} of sections) for (const panel of panels) panel.update(filtered(records));
  };
  let bar = filterBar(content.records, update);
  bar.append(
    element(
      "button",
      {type: "button", class: "chip plain", onclick: () => download(`${content.run}.json`, "application/json", text)},
      "save all as JSON",
    ),
  );
  document.querySelector("header")?.after(bar);
  update();
  addEventListener("hashchange", () => {
    const anew = filterBar(content.records, update);
    bar.replaceWith(anew);
    bar = anew;
    update();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", update);
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.printing = "true";
    update();
    for (const {panels} of sections) for (const panel of panels) panel.render();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.printing;
    update();
  });
  document.documentElement.dataset.ready = "true";
}
