// The dashboard: all runs of a store, filtered, over time, compared, live.
import {ask, follow} from "qbench/asking.js";
import {element, tableOf} from "qbench/elements.js";
import {textOf} from "qbench/figures.js";
import {overTime} from "qbench/over_time.js";
import {Panel} from "qbench/panel.js";
import {openRecord} from "qbench/record.js";
import {keepChoice, readChoices} from "qbench/state.js";
import {quantity, quantityWithInterval} from "qbench/units.js";
import {views} from "qbench/views.js";

const columns = ["machine", "model", "scheme", "framework", "version", "device", "outcome"];
const tabs = [["records", "Records"], ["time", "Over time"], ["runs", "Runs"]];

// What one looks for first.
const answers = ["worse", "better", "undecided", "same"];

/** @returns {[string, string][]} what the server is asked for */
function wanted() {
  const choices = readChoices();
  return ["find", ...columns].flatMap(name => choices[name] ? [/** @type {[string, string]} */ ([name, choices[name]])] : []);
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
    this.summary.textContent = `${overview.store}: ${counted(overview.run_count, "run")}, ${counted(overview.record_count, "record")}` +
      (newest ? `; the newest run began ${newest.started_at} and has ${counted(newest.record_count, "record")}` : "");
  }

  /** @param {{column: string, values: {value: string, count: number}[]}[]} facets */
  fillFilters(facets) {
    const focused = /** @type {HTMLElement|null} */ (document.activeElement)?.getAttribute("name");
    const choices = readChoices();
    const selects = facets.filter(({column, values}) => values.length > 1 || choices[column]).map(({column, values}) => {
      const select = element("select", {name: column}, element("option", {value: ""}, "all"), ...values.map(({value, count}) =>
        element("option", {value, ...(value === choices[column] ? {selected: true} : {})}, `${value} (${count})`)));
      select.addEventListener("change", () => this.choose(column, select.value));
      return element("label", {class: "choices"}, column + " ", select);
    });
    const find = element("input", {type: "search", name: "find", placeholder: "part of a case", "aria-label": "Find cases", value: choices.find ?? ""});
    find.addEventListener("change", () => this.choose("find", find.value));
    const typed = document.activeElement?.getAttribute("name") === "find" ? /** @type {HTMLInputElement} */ (document.activeElement).value : null;
    if (typed !== null) find.value = typed;
    this.filters.hidden = tab() === "runs";  // which shows whole runs
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
    this.tabs.replaceChildren(...tabs.map(([name, title]) => element("button",
      {type: "button", class: "tab", ...(tab().startsWith(name) ? {"aria-current": "page"} : {}), onclick: () => this.choose("view", name)}, title)));
  }

  /** @param {string} name @returns {Promise<{element: HTMLElement, draw?: () => void}>} */
  view(name) {
    if (name === "time") return this.time();
    if (name === "runs") return this.runs();
    return this.records();
  }

  async records() {
    const answer = await ask("records", [...wanted(), ["page", String(page())]]);
    const figure = (/** @type {any} */ f) => ({text: f.value === null ? "–" : quantityWithInterval(f, f.unit), value: f.value, title: f.name});
    const table = tableOf({
      columns: [{heading: "recorded at"}, ...["model", "scheme", "framework", "version", "machine", "outcome"].map(heading => ({heading})), {heading: "speed", isNumber: true}, {heading: "quality", isNumber: true}, {heading: ""}],
      rows: answer.records.map((/** @type {any} */ r) => [{text: r.recorded_at.replace("T", " ").replace("Z", "")}, {text: r.model}, {text: r.scheme, title: r.case}, {text: r.framework}, {text: r.version}, {text: r.machine}, {text: r.outcome}, figure(r.speed), figure(r.quality), {text: ""}]),
    });
    table.querySelectorAll("tbody tr").forEach((row, place) => {
      const record = answer.records[place];
      row.lastElementChild?.append(element("button", {type: "button", class: "chip plain", "aria-label": `Open ${record.case}`, onclick: () => this.open(record.run, record.case)}, "open"));
    });
    return {element: element("div", {}, this.pager(answer), table)};
  }

  /** @param {{count: number, page: number, page_size: number}} answer */
  pager(answer) {
    const last = Math.max(0, Math.ceil(answer.count / answer.page_size) - 1);
    const go = (/** @type {string} */ text, /** @type {number} */ to) => element("button", {type: "button", class: "chip plain", ...(to < 0 || to > last ? {disabled: true} : {}),
      onclick: () => { keepChoice("page", to > 0 ? String(to) : ""); void this.show(); }}, text);
    const first = answer.count === 0 ? 0 : answer.page * answer.page_size + 1;
    return element("p", {class: "soft pager"}, `${first} to ${Math.min(answer.count, (answer.page + 1) * answer.page_size)} of ${answer.count}, the newest first `,
      go("newer", answer.page - 1), go("older", answer.page + 1));
  }

  /** @param {string} run @param {string} id */
  async open(run, id) {
    const content = await ask("record", [["run", run], ["case", id]]);
    openRecord(content.records[0], content.metrics);
  }

  async time() {
    const metric = readChoices().metric ?? "";
    const answer = await ask("series", [...wanted(), ...(metric ? [/** @type {[string, string]} */ (["metric", metric])] : [])]);
    this.points = answer.points;
    const panel = new Panel(overTime(() => this.points), "time", this.metrics, () => {});
    const select = element("select", {name: "metric"}, element("option", {value: ""}, "speed"), ...Object.keys(this.metrics).map(name =>
      element("option", {value: name, ...(name === metric ? {selected: true} : {})}, `${textOf(name, this.metrics)} (${name})`)));
    select.addEventListener("change", () => this.choose("metric", select.value));
    const said = answer.points.length === 0 ? "None of these records has that figure."
      : answer.looked_at < answer.count ? `The newest ${answer.looked_at} of ${answer.count} records: filter for more of one case.` : `${answer.count} records.`;
    return {
      element: element("div", {}, element("p", {class: "soft"}, element("label", {class: "choices"}, "figure ", select), " ", said), panel.element),
      draw: () => { panel.isSeen = true; panel.update([]); },
    };
  }

  async runs() {
    const choices = readChoices();
    if (choices.run) return this.run(choices.run);
    if (choices.before && choices.now) return this.comparison(choices.before, choices.now);
    const answer = await ask("runs", [["page", String(page())]]);
    const table = tableOf({
      columns: [...["began", "suite", "machine", "versions"].map(heading => ({heading})), {heading: "records", isNumber: true}, {heading: "compare"}, {heading: ""}],
      rows: answer.runs.map((/** @type {any} */ run) => [{text: run.started_at, title: run.run}, {text: run.suite}, {text: run.machine}, {text: run.versions.join(", ")}, {text: String(run.record_count), value: run.record_count}, {text: ""}, {text: ""}]),
    });
    /** @type {string[]} */
    let chosen = [];
    const compare = element("button", {type: "button", class: "chip", disabled: true, onclick: () => {
      const [before, now] = answer.runs.filter((/** @type {any} */ run) => chosen.includes(run.run)).map((/** @type {any} */ run) => run.run).reverse();
      keepChoice("before", before);
      this.choose("now", now);
    }}, "compare the two");
    table.querySelectorAll("tbody tr").forEach((row, place) => {
      const run = answer.runs[place].run;
      const box = element("input", {type: "checkbox", "aria-label": `Compare ${run}`});
      box.addEventListener("change", () => {
        chosen = box.checked ? [...chosen, run] : chosen.filter(other => other !== run);
        compare.disabled = chosen.length !== 2;
      });
      row.children[5].append(box);
      row.children[6].append(element("button", {type: "button", class: "chip plain", "aria-label": `Open run ${run}`, onclick: () => this.choose("run", run)}, "open"));
    });
    return {element: element("div", {}, this.pager(answer), element("p", {}, compare, element("span", {class: "soft"}, " tick two runs")), table)};
  }

  back() {
    return element("p", {}, element("button", {type: "button", class: "chip plain", onclick: () => {
      for (const name of ["run", "before"]) keepChoice(name, "");
      this.choose("now", "");
    }}, "← all runs"));
  }

  /** @param {string} id */
  async run(id) {
    const content = await ask("document", [["run", id]]);
    const models = [...new Set(content.records.map((/** @type {any} */ record) => record.model))];
    /** @type {[Panel, any[]][]} */
    const panels = [];
    const sections = models.map((model, number) => {
      const records = content.records.filter((/** @type {any} */ record) => record.model === model);
      const own = views.map(view => new Panel(view, `${number + 1}.${view.name}`, content.metrics, record => openRecord(record, content.metrics)));
      own.forEach(panel => panels.push([panel, records]));
      return element("section", {}, element("h2", {}, String(model)), own[0].element, element("div", {class: "panels"}, ...own.slice(1).map(panel => panel.element)));
    });
    const title = element("p", {class: "soft"}, `run ${content.run}, ${content.started_at}, suite ${content.suite}`);
    return {element: element("div", {}, this.back(), title, ...sections), draw: () => panels.forEach(([panel, records]) => panel.update(records))};
  }

  /** @param {string} before @param {string} now */
  async comparison(before, now) {
    const answer = await ask("comparison", [["before", before], ["now", now]]);
    const figure = (/** @type {number|null} */ f, /** @type {string} */ unit) => ({text: quantity(f, unit), value: f});
    const table = tableOf({
      columns: [{heading: "case"}, {heading: "figure"}, {heading: "before", isNumber: true}, {heading: "now", isNumber: true}, {heading: "change", isNumber: true}, {heading: "answer"}],
      rows: answer.comparisons.sort((/** @type {any} */ a, /** @type {any} */ b) => answers.indexOf(a.answer) - answers.indexOf(b.answer)).map((/** @type {any} */ c) => [{text: c.case}, {text: textOf(c.metric, this.metrics), title: c.metric}, figure(c.before, c.unit), figure(c.now, c.unit), {text: c.change, value: c.ratio ?? c.difference ?? null, title: c.basis}, {text: c.answer === "undecided" ? "can't tell yet" : c.answer}]),
    });
    return {element: element("div", {}, this.back(), element("p", {}, `Before: ${answer.before}. Now: ${answer.now}.`),
      element("ul", {class: "soft"}, ...answer.differences.map((/** @type {any} */ d) => element("li", {}, `${d.aspect}: ${d.text}`))), table)};
  }
}

export async function start() {
  const dashboard = new Dashboard();
  addEventListener("hashchange", () => void dashboard.show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => void dashboard.show());
  await dashboard.show();
  follow(revision => {
    if (revision !== dashboard.revision) void dashboard.show();
  }, isConnected => {
    document.documentElement.dataset.connected = String(isConnected);
  });
}
