// A chart with its choices, its exports and the table behind it.
import {csvOf, download, element, tableOf} from "qbench/elements.js";
import {keepChoice, readChoices} from "qbench/state.js";
import {baseOption, theme} from "qbench/theme.js";

/**
 * @typedef {import("qbench/data.js").RecordOf} RecordOf
 * @typedef {import("qbench/data.js").Metric} Metric
 * @typedef {import("qbench/elements.js").TableData} TableData
 * @typedef {{name: string, label: string, values: {value: string, text: string}[]}} Choice
 * @typedef {{records: RecordOf[], metrics: Record<string, Metric>, theme: import("qbench/theme.js").Theme,
 *   chosen: (name: string) => string}} Context
 * @typedef {{title: string, lines: string[]}} Tip
 * @typedef {{option: Record<string, any>, table: TableData, height?: number, isLarge?: boolean}} Drawing
 *   A point of a series that has `tip` is shown by hover and keyboard; one that has `record`, a place in
 *   the records, opens it.
 * @typedef {{name: string, title: string, help: string,
 *   choices?: (records: RecordOf[], metrics: Record<string, Metric>) => Choice[],
 *   draw: (context: Context) => Drawing|null}} View
 *   `draw` gives null where there is nothing to show.
 */

/** @param {{data?: {tip?: Tip}}} point @returns {HTMLElement|string} */
function tipOf(point) {
  const tip = point.data?.tip;
  if (!tip) return "";
  return element("div", {}, element("b", {}, tip.title), ...tip.lines.map(line => element("div", {}, line)));
}

export class Panel {
  /**
   * @param {View} view @param {string} key of its choices in the URL @param {Record<string, Metric>} metrics
   * @param {(record: RecordOf) => void} open
   */
  constructor(view, key, metrics, open) {
    this.view = view;
    this.key = key;
    this.metrics = metrics;
    this.open = open;
    /** @type {RecordOf[]} */
    this.records = [];
    /** @type {Chart|null} */
    this.chart = null;
    this.renderer = "";
    /** @type {Drawing|null} */
    this.drawing = null;
    /** @type {Choice[]} */
    this.choices = [];
    this.isSeen = false;
    this.isStale = true;
    this.place = -1; // of the point that the keyboard is at
    this.selects = element("div", {class: "choices"});
    this.plot = element("div", {
      class: "plot",
      tabindex: "0",
      role: "application",
      "aria-roledescription": "chart",
      "aria-label": `${view.title}: arrow keys go from point to point, Enter opens one; the table below says the same`,
    });
    this.said = element("p", {class: "said", "aria-live": "polite"});
    this.behind = element("details", {class: "behind"}, element("summary", {}, "The table behind it"));
    this.element = element(
      "section",
      {class: "panel", "data-view": view.name},
      element("div", {class: "panel-head"}, element("h3", {}, view.title), this.selects),
      element("p", {class: "soft"}, view.help),
      this.plot,
      this.said,
      element("div", {class: "panel-foot"}, this.behind, this.exports()),
    );
    this.behind.addEventListener("toggle", () => this.fillTable());
    this.plot.addEventListener("keydown", event => this.press(event));
    new IntersectionObserver(
      seen => {
        this.isSeen = seen.some(entry => entry.isIntersecting);
        if (this.isSeen) this.render();
      },
      {rootMargin: "400px"},
    ).observe(this.element);
    new ResizeObserver(() => this.chart?.resize()).observe(this.plot);
  }

  /** @param {RecordOf[]} records that are not filtered out */
  update(records) {
    this.records = records;
    this.isStale = true;
    this.fillChoices();
    const nothing = this.drawn() === null;
    this.element.hidden = nothing;
    if (this.isSeen) this.render();
    this.fillTable();
  }

  /** Also off the screen, for printing. */
  render() {
    if (!this.isStale || this.element.hidden || this.plot.clientWidth === 0) return;
    const drawing = this.drawing;
    if (!drawing) return;
    if (!("echarts" in globalThis)) {
      // still on its way
      document.getElementById("charts")?.addEventListener("load", () => this.render(), {once: true});
      return;
    }
    this.isStale = false;
    this.place = -1;
    this.plot.style.height = `${drawing.height ?? 380}px`;
    const renderer = drawing.isLarge ? "canvas" : "svg";
    if (!this.chart || this.renderer !== renderer) {
      this.chart?.dispose();
      this.renderer = renderer;
      this.chart = echarts.init(this.plot, null, {renderer});
      this.chart.on("click", event => this.openPoint(event.data));
    }
    this.chart.resize();
    this.chart.setOption(drawing.option, {notMerge: true});
  }

  drawn() {
    const t = theme();
    const drawing = this.view.draw({
      records: this.records,
      metrics: this.metrics,
      theme: t,
      chosen: name => this.chosen(name),
    });
    const base = baseOption(t);
    this.drawing = drawing && {
      ...drawing,
      option: {
        ...base,
        ...drawing.option,
        grid: {...base.grid, ...drawing.option.grid},
        legend: {...base.legend, ...drawing.option.legend},
        tooltip: {...base.tooltip, formatter: tipOf, ...drawing.option.tooltip},
      },
    };
    return this.drawing;
  }

  /** @param {string} name @returns {string} the choice, or the first value there is */
  chosen(name) {
    const values = this.choices.find(choice => choice.name === name)?.values ?? [];
    const kept = readChoices()[`${this.key}.${name}`];
    return values.some(value => value.value === kept) ? kept : (values[0]?.value ?? "");
  }

  fillChoices() {
    this.choices = this.view.choices?.(this.records, this.metrics) ?? [];
    this.selects.replaceChildren(
      ...this.choices
        .filter(choice => choice.values.length > 1)
        .map(choice => {
          const select = element(
            "select",
            {name: choice.name},
            ...choice.values.map(value =>
              element(
                "option",
                {value: value.value, ...(value.value === this.chosen(choice.name) ? {selected: true} : {})},
                value.text,
              ),
            ),
          );
          select.addEventListener("change", () => {
            keepChoice(`${this.key}.${choice.name}`, select.value);
            const focused = document.activeElement === select;
            this.update(this.records);
            if (focused) /** @type {HTMLElement|null} */ (this.selects.querySelector(`[name=${choice.name}]`))?.focus();
          });
          return element("label", {}, choice.label + " ", select);
        }),
    );
  }

  exports() {
    const name = (/** @type {string} */ ending) => `${this.key}.${ending}`;
    /** @type {[string, () => void][]} */
    const kinds = [
      ["PNG", () => download(name("png"), "image/png", this.png())],
      ["SVG", () => download(name("svg"), "image/svg+xml", this.svg())],
      ["CSV", () => this.drawing && download(name("csv"), "text/csv", csvOf(this.drawing.table))],
      ["JSON", () => download(name("json"), "application/json", JSON.stringify(this.records, null, 1))],
    ];
    return element(
      "div",
      {class: "exports", role: "group", "aria-label": `Save ${this.view.title}`},
      ...kinds.map(([kind, save]) =>
        element("button", {type: "button", onclick: save, title: `Save as ${kind}`}, kind),
      ),
    );
  }

  svg() {
    const chart = echarts.init(null, null, {
      renderer: "svg",
      ssr: true,
      width: this.plot.clientWidth,
      height: this.plot.clientHeight,
    });
    chart.setOption(this.drawing?.option ?? {});
    const text = chart.renderToSVGString();
    chart.dispose();
    return text;
  }

  /** @returns {Blob} twice the size on the screen, on the page's colour */
  png() {
    const holder = element("div");
    holder.style.cssText = `width: ${this.plot.clientWidth}px; height: ${this.plot.clientHeight}px`;
    const chart = echarts.init(holder, null, {
      renderer: "canvas",
      width: this.plot.clientWidth,
      height: this.plot.clientHeight,
    });
    chart.setOption(this.drawing?.option ?? {});
    const address = chart.getDataURL({type: "png", pixelRatio: 2, backgroundColor: theme().paper});
    chart.dispose();
    return new Blob([Uint8Array.from(atob(address.split(",")[1]), digit => digit.charCodeAt(0))], {type: "image/png"});
  }

  fillTable() {
    this.behind.querySelector(".table")?.remove();
    if (this.behind.open && this.drawing) this.behind.append(tableOf(this.drawing.table));
  }

  /** @param {{record?: number}|undefined} point */
  openPoint(point) {
    if (point?.record !== undefined) this.open(this.records[point.record]);
  }

  /** @returns {{series: number, place: number, point: any}[]} */
  points() {
    return (this.drawing?.option.series ?? []).flatMap((/** @type {any} */ series, /** @type {number} */ number) =>
      (series.data ?? [])
        .map((/** @type {any} */ point, /** @type {number} */ place) => ({series: number, place, point}))
        .filter((/** @type {any} */ entry) => entry.point?.tip),
    );
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const points = this.points();
    const steps = /** @type {Record<string, number>} */ ({ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1});
    if (event.key in steps && points.length > 0) {
      this.place =
        this.place < 0 && steps[event.key] < 0
          ? points.length - 1
          : (this.place + steps[event.key] + points.length) % points.length;
      const {series, place, point} = points[this.place];
      this.chart?.dispatchAction({type: "showTip", seriesIndex: series, dataIndex: place});
      this.said.textContent = [point.tip.title, ...point.tip.lines].join(", ");
    } else if (event.key === "Enter" && this.place >= 0) {
      this.openPoint(points[this.place].point);
    } else if (event.key === "Escape") {
      this.place = -1;
      this.chart?.dispatchAction({type: "hideTip"});
      this.said.textContent = "";
    } else {
      return;
    }
    event.preventDefault();
  }
}
