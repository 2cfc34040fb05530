// Frameworks by schemes: one metric as a map, outcomes that are not ok in their cells.
import {figureOf} from "qbench/data.js";
import {choicesOf, isQuality, lineOf, textOf} from "qbench/figures.js";
import {categoryAxis} from "qbench/theme.js";
import {quantity} from "qbench/units.js";

/** @param {import("qbench/data.js").RecordOf} record @returns {string} all of its label but the scheme */
const placeOf = record =>
  record.label.startsWith(record.variant) ? record.label.slice(record.variant.length).trim() : record.label;

/**
 * Where shades begin: at 0, so that they go by ratios. Shares lie near 1, so theirs go by differences, and
 * those below a twentieth are no other shade.
 * @param {number[]} values @param {import("qbench/data.js").Metric} metric @returns {number}
 */
const leastShade = (values, metric) =>
  isQuality(metric) && metric.better === "higher" ? Math.min(Math.min(...values), Math.max(...values) - 0.05) : 0;

/** @type {import("qbench/panel.js").View} */
export const heatMap = {
  name: "map",
  title: "Frameworks and schemes",
  help: "Stronger is better. A cell without a figure says what became of the case; click one for the whole record.",
  choices: (records, metrics) => [
    {
      name: "metric",
      label: "Figure",
      values: choicesOf(records, metrics, metric => metric.better !== "neither", records[0]?.speed_metric),
    },
  ],
  draw({records, metrics, theme, chosen}) {
    const name = chosen("metric");
    const variants = [...new Set(records.map(record => record.variant))],
      places = [...new Set(records.map(placeOf))];
    if (records.length < 2 || !name) return null;
    const cells = records.map((record, place) => {
      const figure = figureOf(record, name);
      return {
        figure,
        outcome: record.outcome,
        value: [variants.indexOf(record.variant), places.indexOf(placeOf(record)), figure ? figure.value : "-"],
        record: place,
        tip: {
          title: record.label,
          lines: [
            figure ? lineOf(record, name, metrics) : `${record.outcome}${record.reason ? ": " + record.reason : ""}`,
          ],
        },
      };
    });
    const values = cells.flatMap(cell => (cell.figure ? [Number(cell.figure.value)] : []));
    if (values.length === 0) return null;
    const style = getComputedStyle(document.documentElement);
    const colours = [style.getPropertyValue("--heat-low").trim(), style.getPropertyValue("--heat-high").trim()];
    const label = (/** @type {string} */ colour) => ({show: true, color: colour, fontSize: 12});
    return {
      height: 84 + 38 * places.length,
      table: {
        columns: [
          {heading: "case"},
          {heading: textOf(name, metrics), isNumber: true},
          {heading: "outcome"},
          {heading: "reason"},
        ],
        rows: records.map(record => [
          {text: record.label},
          {
            text: quantity(figureOf(record, name)?.value, metrics[name].unit),
            value: figureOf(record, name)?.value ?? null,
          },
          {text: record.outcome},
          {text: record.reason},
        ]),
      },
      option: {
        legend: {show: false},
        grid: {top: 10, bottom: 8},
        xAxis: categoryAxis(theme, variants, {
          position: "bottom",
          axisLine: {show: false},
          axisLabel: {color: theme.ink, interval: 0, hideOverlap: false, width: 110, overflow: "break"},
        }),
        yAxis: categoryAxis(theme, places, {inverse: true, axisLine: {show: false}}),
        visualMap: {
          show: false,
          min: leastShade(values, metrics[name]),
          max: Math.max(...values),
          seriesIndex: 0,
          dimension: 2,
          inRange: {color: metrics[name].better === "lower" ? [...colours].reverse() : colours},
        },
        series: [
          {
            type: "heatmap",
            data: cells.filter(cell => cell.figure),
            itemStyle: {borderColor: theme.paper, borderWidth: 3},
            label: {
              ...label(theme.ink),
              formatter: (/** @type {any} */ point) => quantity(point.value[2], metrics[name].unit),
            },
          },
          {
            type: "scatter",
            symbol: "rect",
            symbolSize: [64, 18],
            itemStyle: {color: "transparent"},
            data: cells
              .filter(cell => !cell.figure)
              .map(cell => ({
                ...cell,
                value: cell.value.slice(0, 2),
                outcome: cell.outcome === "ok" ? "–" : cell.outcome.replaceAll("_", " "),
              })),
            label: {
              ...label(theme.soft),
              fontStyle: "italic",
              formatter: (/** @type {any} */ point) => point.data.outcome,
            },
          },
        ],
      },
    };
  },
};
