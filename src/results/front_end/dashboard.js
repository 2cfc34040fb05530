// The dashboard: all runs of a store, filtered, over time, compared, live.
import {ask, follow} from "qbench/asking.js";
import {element, tableOf} from "qbench/elements.js";
import {textOf} from "qbench/figures.js";
import {overTime} from "qbench/over_time.js";
import {Panel} from "qbench/panel.js";
import {openRecord} from "qbench/record.js";
import {runsView} from "qbench/runs.js";
import {keepChoice, readChoices} from "qbench/state.js";
import {quantityWithInterval} from "qbench/units.js";

const columns = ["machine", "model", "scheme", "framework", "version", "device", "outcome"];
const liveInterval = 1000;
const tabs = [
  ["records", "Records"],
  ["time", "Over time"],
  ["runs", "Runs"],
];

/** @returns {[string, string][]} what the server is asked for */
function wanted() {
  const choices = readChoices();
  return ["find", ...columns].flatMap(name =>
    choices[name] ? [/** @type {[string, string]} */ ([name, choices[name]])] : [],
  );
}

/** @param {number} count @param {string} noun */
const counted = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

const tab = () => readChoices().view ?? "records";
const page = () => Number(readChoices().page ?? 0);

class Dashboard {
  constructor() {
    this.content = /** @type {HTMLElement} */ (document.getElementById("content"));
    this.summary = /** @type {HTMLElement} */ (document.getElementById("summary"));
    this.filters = element("nav", {class: "filters", "aria-label": "Filter"});
    this.tabs = element("nav", {class: "tabs", "aria-label": "Views"});
    this.problem = element("p", {class: "bad", role: "alert", hidden: true});
    this.body = element("div", {id: "body"});
    this.content.append(this.filters, this.tabs, this.problem, this.body);
    /** @type {Record<string, import("qbench/data.js").Metric>} */
    this.metrics = {};
    this.revision = -1;
    this.asked = 0;
    /** @type {import("qbench/over_time.js").Point[]} */
    this.points = [];
    /** @type {Panel|null} */
    this.timePanel = null;
  }

  /** Asks anew for what is chosen; an answer that comes too late is dropped. */
  async show() {
    const asked = ++this.asked;
    try {
      const overviewing = ask("overview", wanted());
      if (this.revision < 0) this.metrics = (await overviewing).metrics;
      const [overview, body] = await Promise.all([overviewing, this.view(tab())]);
      if (asked !== this.asked) return;
      this.revision = overview.revision;
      this.summarize(overview);
      this.fillFilters(overview.facets);
      this.fillTabs();
      this.body.replaceChildren(body.element);
      body.draw?.();
      this.problem.hidden = true;
    } catch (error) {
      if (asked !== this.asked) return;
      this.problem.textContent = error instanceof Error ? error.message : String(error);
      this.problem.hidden = false;
    }
    document.documentElement.dataset.ready = String(asked);
  }

  /** @param {any} overview */
  summarize(overview) {
    const newest = overview.newest_run;
    this.summary.textContent =
      `${overview.store}: ${counted(overview.run_count, "run")}, ${counted(overview.record_count, "record")}` +
      (newest ? `; the newest run began ${newest.started_at} and has ${counted(newest.record_count, "record")}` : "");
  }

  /** @param {{column: string, values: {value: string, count: number}[]}[]} facets */
  fillFilters(facets) {
    const focused = /** @type {HTMLElement|null} */ (document.activeElement)?.getAttribute("name");
    const choices = readChoices();
    const selects = facets
      .filter(({column, values}) => values.length > 1 || choices[column])
      .map(({column, values}) => {
        const select = element(
          "select",
          {name: column},
          element("option", {value: ""}, "all"),
          ...values.map(({value, count}) =>
            element("option", {value, ...(value === choices[column] ? {selected: true} : {})}, `${value} (${count})`),
          ),
        );
        select.addEventListener("change", () => this.choose(column, select.value));
        return element("label", {class: "choices"}, column + " ", select);
      });
    const find = element("input", {
      type: "search",
      name: "find",
      placeholder: "part of a case",
      "aria-label": "Find cases",
      value: choices.find ?? "",
    });
    find.addEventListener("change", () => this.choose("find", find.value));
    const typed =
      document.activeElement?.getAttribute("name") === "find"
        ? /** @type {HTMLInputElement} */ (document.activeElement).value
        : null;
    if (typed !== null) find.value = typed;
    this.filters.hidden = tab() === "runs"; // which shows whole runs
    this.filters.replaceChildren(...selects, find);
    if (focused) /** @type {HTMLElement|null} */ (this.filters.querySelector(`[name=${focused}]`))?.focus();
  }

  /** @param {string} name @param {string} value */
  choose(name, value) {
    keepChoice(name, value);
    keepChoice("page", "");
    void this.show();
  }

  fillTabs() {
    this.tabs.replaceChildren(
      ...tabs.map(([name, title]) =>
        element(
          "button",
          {
            type: "button",
            class: "tab",
            ...(tab().startsWith(name) ? {"aria-current": "page"} : {}),
            onclick: () => this.choose("view", name),
          },
          title,
        ),
      ),
    );
  }

  /** @param {string} name @returns {Promise<{element: HTMLElement, draw?: () => void}>} */
  view(name) {
    if (name === "time") return this.time();
    if (name === "runs")
      return runsView(
        (choice, value) => this.choose(choice, value),
        answer => this.pager(answer),
        this.metrics,
      );
    return this.records();
  }

  async records() {
    const answer = await ask("records", [...wanted(), ["page", String(page())]]);
    const figure = (/** @type {any} */ f) => ({
      text: f.value === null ? "–" : quantityWithInterval(f, f.unit),
      value: f.value,
      title: f.name,
    });
    const table = tableOf({
      columns: [
        {heading: "recorded at"},
        ...["model", "scheme", "framework", "version", "machine", "outcome"].map(heading => ({heading})),
        {heading: "speed", isNumber: true},
        {heading: "quality", isNumber: true},
        {heading: ""},
      ],
      rows: answer.records.map((/** @type {any} */ r) => [
        {text: r.recorded_at.replace("T", " ").replace("Z", "")},
        {text: r.model},
        {text: r.scheme, title: r.case},
        {text: r.framework},
        {text: r.version},
        {text: r.machine},
        {text: r.outcome},
        figure(r.speed),
        figure(r.quality),
        {text: ""},
      ]),
    });
    table.querySelectorAll("tbody tr").forEach((row, place) => {
      const record = answer.records[place];
      row.lastElementChild?.append(
        element(
          "button",
          {
            type: "button",
            class: "chip plain",
            "aria-label": `Open ${record.case}`,
            onclick: () => this.open(record.run, record.case),
          },
          "open",
        ),
      );
    });
    return {element: element("div", {}, this.pager(answer), table)};
  }

  /** @param {{count: number, page: number, page_size: number}} answer */
  pager(answer) {
    const last = Math.max(0, Math.ceil(answer.count / answer.page_size) - 1);
    const go = (/** @type {string} */ text, /** @type {number} */ to) =>
      element(
        "button",
        {
          type: "button",
          class: "chip plain",
          ...(to < 0 || to > last ? {disabled: true} : {}),
          onclick: () => {
            keepChoice("page", to > 0 ? String(to) : "");
            void this.show();
          },
        },
        text,
      );
    const first = answer.count === 0 ? 0 : answer.page * answer.page_size + 1;
    return element(
      "p",
      {class: "soft pager"},
      `${first} to ${Math.min(answer.count, (answer.page + 1) * answer.page_size)} of ${answer.count}, the newest first `,
      go("newer", answer.page - 1),
      go("older", answer.page + 1),
    );
  }

  /** @param {string} run @param {string} id */
  async open(run, id) {
    const content = await ask("record", [
      ["run", run],
      ["case", id],
    ]);
    openRecord(content.records[0], content.metrics);
  }

  async time() {
    const metric = readChoices().metric ?? "";
    const answer = await ask("series", [
      ...wanted(),
      ...(metric ? [/** @type {[string, string]} */ (["metric", metric])] : []),
    ]);
    this.points = answer.points;
    const panel = new Panel(
      overTime(() => this.points),
      "time",
      this.metrics,
      () => {},
    );
    const select = element(
      "select",
      {name: "metric"},
      element("option", {value: ""}, "speed"),
      ...Object.keys(this.metrics).map(name =>
        element(
          "option",
          {value: name, ...(name === metric ? {selected: true} : {})},
          `${textOf(name, this.metrics)} (${name})`,
        ),
      ),
    );
    select.addEventListener("change", () => this.choose("metric", select.value));
    const said =
      answer.points.length === 0
        ? "None of these records has that figure."
        : answer.looked_at < answer.count
          ? `The newest ${answer.looked_at} of ${answer.count} records: filter for more of one case.`
          : `${answer.count} records.`;
    return {
      element: element(
        "div",
        {},
        element("p", {class: "soft"}, element("label", {class: "choices"}, "figure ", select), " ", said),
        panel.element,
      ),
      draw: () => {
        panel.isSeen = true;
        panel.update([]);
      },
    };
  }
}

export async function start() {
  const dashboard = new Dashboard();
  addEventListener("hashchange", () => void dashboard.show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void dashboard.show());
  await dashboard.show();
  let isWaiting = false;
  follow(
    revision => {
      if (isWaiting || revision === dashboard.revision) return;
      isWaiting = true; // a run that goes on tells of each launch
      setTimeout(() => {
        isWaiting = false;
        void dashboard.show();
      }, liveInterval);
    },
    isConnected => {
      document.documentElement.dataset.connected = String(isConnected);
    },
  );
}
