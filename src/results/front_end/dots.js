// Views with a row for each case and marks on it: memory by phase, quality, energy.
import {countedLaunches, figureOf, quantile} from "qbench/data.js";
import {axisScale, caseTable, choicesOf, headingOf, isEnergy, isQuality, lineOf} from "qbench/figures.js";
import {axisExtent, errorBars, extentOf} from "qbench/intervals.js";
import {categoryAxis, colourOf, symbolOf, valueAxis} from "qbench/theme.js";
import {quantity} from "qbench/units.js";

/** @typedef {import("qbench/data.js").RecordOf} RecordOf */

/** Facts of a launch in the order of its phases. @type {{fact: string, name: string, symbol: string, size: number}[]} */
const phases = [
  {fact: "rss_bytes_start", name: "at its start", symbol: "circle", size: 9},
  {fact: "rss_bytes_peak_compile", name: "compiling, peak", symbol: "triangle", size: 10},
  {fact: "rss_bytes_peak_run", name: "running, peak", symbol: "diamond", size: 8},
  {fact: "rss_bytes_steady", name: "after the timed part", symbol: "circle", size: 15},
];

/** @param {RecordOf} record @param {string} fact @returns {number|null} the median over launches */
function medianFact(record, fact) {
  const values = countedLaunches(record)
    .map(launch => launch.facts[fact])
    .filter(value => typeof value === "number")
    .sort((a, b) => a - b);
  return values.length > 0 ? quantile(values, 0.5) : null;
}

/** @type {import("qbench/panel.js").View} */
export const memory = {
  name: "memory",
  title: "Memory by phase",
  help: "Resident memory of the worker, the median over launches. Weights are mapped from a file, so they count as they are touched.",
  draw({records, theme}) {
    const rows = records.flatMap((record, place) => {
      const values = phases.map(phase => medianFact(record, phase.fact));
      return values.some(value => value !== null) ? [{record, place, values}] : [];
    });
    if (rows.length === 0) return null;
    const scale = axisScale(
      rows.flatMap(row => row.values.map(Number)),
      "B",
    );
    const colours = [theme.soft, theme.accent, theme.ink, theme.soft];
    return {
      height: 96 + 26 * rows.length,
      table: {
        columns: [{heading: "case"}, ...phases.map(phase => ({heading: phase.name, isNumber: true}))],
        rows: rows.map(row => [
          {text: row.record.label},
          ...row.values.map(value => ({text: quantity(value, "B"), value})),
        ]),
      },
      option: {
        legend: {
          data: phases.map((phase, place) => ({
            name: phase.name,
            icon: phase.symbol,
            ...(place % 3 === 0 ? {itemStyle: {color: theme.paper, borderColor: theme.soft, borderWidth: 1.5}} : {}),
          })),
        },
        xAxis: valueAxis(theme, `resident memory (${scale.unit}), smaller to the left`, {scale: false}),
        yAxis: categoryAxis(
          theme,
          rows.map(row => row.record.label),
          {inverse: true, splitLine: {show: true, lineStyle: {color: theme.line}}},
        ),
        series: phases.map((phase, number) => ({
          type: "scatter",
          name: phase.name,
          symbol: phase.symbol,
          symbolSize: phase.size,
          z: phase.size < 9 ? 4 : 3,
          itemStyle:
            number % 3 === 0
              ? {color: theme.paper, borderColor: colours[number], borderWidth: 1.5}
              : {color: colours[number]},
          data: rows.flatMap((row, y) =>
            row.values[number] === null
              ? []
              : [
                  {
                    value: [Number(row.values[number]) * scale.factor, y],
                    record: row.place,
                    tip: {title: row.record.label, lines: [`${phase.name}: ${quantity(row.values[number], "B")}`]},
                  },
                ],
          ),
        })),
      },
    };
  },
};

/**
 * One figure a case with its interval.
 * @param {import("qbench/panel.js").Context} context @param {string} name @param {string[]} tableNames
 * @returns {import("qbench/panel.js").Drawing|null}
 */
function drawFigures({records, metrics, theme}, name, tableNames) {
  const rows = records.flatMap((record, place) => {
    const figure = figureOf(record, name);
    return figure ? [{record, place, figure}] : [];
  });
  if (rows.length === 0) return null;
  const metric = metrics[name],
    scale = axisScale(
      rows.map(row => Number(row.figure.value)),
      metric.unit,
    );
  const scaled = (/** @type {number|null} */ value) => (value === null ? NaN : value * scale.factor);
  const word = metric.better === "neither" ? "" : `, better to the ${metric.better === "higher" ? "right" : "left"}`;
  return {
    height: 80 + 26 * rows.length,
    table: caseTable(
      rows.map(row => row.record),
      tableNames,
      metrics,
    ),
    option: {
      legend: {show: false},
      grid: {top: 10, bottom: 36},
      xAxis: valueAxis(
        theme,
        headingOf(name, metrics, scale.unit) + word,
        axisExtent(
          extentOf(
            rows.map(row => ({
              value: scaled(row.figure.value),
              low: row.figure.low === null ? null : scaled(row.figure.low),
              high: row.figure.high === null ? null : scaled(row.figure.high),
            })),
          ),
        ),
      ),
      yAxis: categoryAxis(
        theme,
        rows.map(row => row.record.label),
        {inverse: true, splitLine: {show: true, lineStyle: {color: theme.line}}},
      ),
      series: [
        errorBars(
          rows.map((row, y) => ({
            value: [scaled(row.figure.value), y, scaled(row.figure.low), scaled(row.figure.high), null, null],
          })),
          theme.soft,
        ),
        {
          type: "scatter",
          symbolSize: 10,
          z: 3,
          data: rows.map((row, y) => ({
            value: [scaled(row.figure.value), y],
            record: row.place,
            symbol: symbolOf(row.record.framework),
            itemStyle: row.record.is_judged_alike
              ? {color: colourOf(row.record.framework)}
              : {color: "transparent", borderColor: theme.soft, borderWidth: 1.5},
            tip: {
              title: row.record.label,
              lines: tableNames
                .filter(other => figureOf(row.record, other))
                .map(other => lineOf(row.record, other, metrics)),
            },
          })),
        },
      ],
    },
  };
}

/** @type {import("qbench/panel.js").View} */
export const quality = {
  name: "quality",
  title: "Quality",
  help: "Against the unquantized weights, with 95 % intervals. A hollow mark was judged on other items than most.",
  choices: (records, metrics) => [
    {name: "metric", label: "Figure", values: choicesOf(records, metrics, isQuality, records[0]?.quality_metric)},
  ],
  draw: context =>
    drawFigures(
      context,
      context.chosen("metric"),
      choicesOf(context.records, context.metrics, isQuality).map(choice => choice.value),
    ),
};

/** @type {import("qbench/panel.js").View} */
export const energy = {
  name: "energy",
  title: "Energy",
  help: "Measured by the processor's own counters; the view is absent where there are none.",
  choices: (records, metrics) => [{name: "metric", label: "Figure", values: choicesOf(records, metrics, isEnergy)}],
  draw: context =>
    drawFigures(
      context,
      context.chosen("metric"),
      choicesOf(context.records, context.metrics, isEnergy).map(choice => choice.value),
    ),
};
