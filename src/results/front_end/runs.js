// The dashboard's runs: a list, one whole, two compared.
import {ask} from "qbench/asking.js";
import {element, tableOf} from "qbench/elements.js";
import {textOf} from "qbench/figures.js";
import {Panel} from "qbench/panel.js";
import {openRecord} from "qbench/record.js";
import {keepChoice, readChoices} from "qbench/state.js";
import {quantity} from "qbench/units.js";
import {views} from "qbench/views.js";

/**
 * @typedef {import("qbench/data.js").Metric} Metric
 * @typedef {(name: string, value: string) => void} Choose
 * @typedef {{element: HTMLElement, draw?: () => void}} Shown to be drawn once it is in the page
 */

// What one looks for first.
const answers = ["worse", "better", "undecided", "same"];

/** @param {Choose} choose @param {(answer: any) => HTMLElement} pager @returns {Promise<Shown>} the runs of a page */
async function list(choose, pager) {
  const answer = await ask("runs", [["page", readChoices().page ?? "0"]]);
  const table = tableOf({
    columns: [
      ...["began", "suite", "machine", "versions"].map(heading => ({heading})),
      {heading: "records", isNumber: true},
      {heading: "compare"},
      {heading: ""},
    ],
    rows: answer.runs.map((/** @type {any} */ run) => [
      {text: run.started_at, title: run.run},
      {text: run.suite},
      {text: run.machine},
      {text: run.versions.join(", ")},
      {text: String(run.record_count), value: run.record_count},
      {text: ""},
      {text: ""},
    ]),
  });
  /** @type {string[]} */
  let chosen = [];
  const compare = element(
    "button",
    {
      type: "button",
      class: "chip",
      disabled: true,
      onclick: () => {
        const [before, now] = answer.runs
          .filter((/** @type {any} */ run) => chosen.includes(run.run))
          .map((/** @type {any} */ run) => run.run)
          .reverse();
        keepChoice("before", before);
        choose("now", now);
      },
    },
    "compare the two",
  );
  table.querySelectorAll("tbody tr").forEach((row, place) => {
    const run = answer.runs[place].run;
    const box = element("input", {type: "checkbox", "aria-label": `Compare ${run}`});
    box.addEventListener("change", () => {
      chosen = box.checked ? [...chosen, run] : chosen.filter(other => other !== run);
      compare.disabled = chosen.length !== 2;
    });
    row.children[5].append(box);
    row.children[6].append(
      element(
        "button",
        {
          type: "button",
          class: "chip plain",
          "aria-label": `Open run ${run}`,
          onclick: () => choose("run", run),
        },
        "open",
      ),
    );
  });
  return {
    element: element(
      "div",
      {},
      pager(answer),
      element("p", {}, compare, element("span", {class: "soft"}, " tick two runs")),
      table,
    ),
  };
}

/** @param {Choose} choose */
function back(choose) {
  return element(
    "p",
    {},
    element(
      "button",
      {
        type: "button",
        class: "chip plain",
        onclick: () => {
          for (const name of ["run", "before"]) keepChoice(name, "");
          choose("now", "");
        },
      },
      "← all runs",
    ),
  );
}

/** @param {string} id @param {Choose} choose @returns {Promise<Shown>} the charts of one run */
async function whole(id, choose) {
  const content = await ask("document", [["run", id]]);
  const tables = [...new Set(content.records.map((/** @type {any} */ record) => record.table))];
  /** @type {[Panel, any[]][]} */
  const panels = [];
  const sections = tables.map((table, number) => {
    const records = content.records.filter((/** @type {any} */ record) => record.table === table);
    const own = views.map(
      view =>
        new Panel(view, `${number + 1}.${view.name}`, content.metrics, record => openRecord(record, content.metrics)),
    );
    own.forEach(panel => panels.push([panel, records]));
    return element(
      "section",
      {},
      element("h2", {}, String(table)),
      own[0].element,
      element("div", {class: "panels"}, ...own.slice(1).map(panel => panel.element)),
    );
  });
  const title = element("p", {class: "soft"}, `run ${content.run}, ${content.started_at}, suite ${content.suite}`);
  return {
    element: element("div", {}, back(choose), title, ...sections),
    draw: () => panels.forEach(([panel, records]) => panel.update(records)),
  };
}

/**
 * @param {string} before @param {string} now @param {Choose} choose @param {Record<string, Metric>} metrics
 * @returns {Promise<Shown>}
 */
async function comparison(before, now, choose, metrics) {
  const answer = await ask("comparison", [
    ["before", before],
    ["now", now],
  ]);
  const figure = (/** @type {number|null} */ f, /** @type {string} */ unit) => ({text: quantity(f, unit), value: f});
  const table = tableOf({
    columns: [
      {heading: "case"},
      {heading: "figure"},
      {heading: "before", isNumber: true},
      {heading: "now", isNumber: true},
      {heading: "change", isNumber: true},
      {heading: "answer"},
    ],
    rows: answer.comparisons
      .sort((/** @type {any} */ a, /** @type {any} */ b) => answers.indexOf(a.answer) - answers.indexOf(b.answer))
      .map((/** @type {any} */ c) => [
        {text: c.case},
        {text: textOf(c.metric, metrics), title: c.metric},
        figure(c.before, c.unit),
        figure(c.now, c.unit),
        {text: c.change, value: c.ratio ?? c.difference ?? null, title: c.basis},
        {text: c.answer === "undecided" ? "can't tell yet" : c.answer},
      ]),
  });
  return {
    element: element(
      "div",
      {},
      back(choose),
      element("p", {}, `Before: ${answer.before}. Now: ${answer.now}.`),
      element(
        "ul",
        {class: "soft"},
        ...answer.differences.map((/** @type {any} */ d) => element("li", {}, `${d.aspect}: ${d.text}`)),
      ),
      table,
    ),
  };
}

/**
 * What the address asks for.
 * @param {Choose} choose @param {(answer: any) => HTMLElement} pager @param {Record<string, Metric>} metrics
 * @returns {Promise<Shown>}
 */
export function runsView(choose, pager, metrics) {
  const {run, before, now} = readChoices();
  if (run) return whole(run, choose);
  return before && now ? comparison(before, now, choose, metrics) : list(choose, pager);
}
