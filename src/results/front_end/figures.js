// Which metrics a view offers, and what is said of a figure.
import {figureOf} from "qbench/data.js";
import {quantityWithInterval, scaleOf} from "qbench/units.js";

/**
 * @typedef {import("qbench/data.js").RecordOf} RecordOf
 * @typedef {import("qbench/data.js").Metric} Metric
 * @typedef {Record<string, Metric>} Metrics
 */

/** @param {Metric} metric */
export const isSpeed = metric => metric.unit === "ns" || metric.unit.endsWith("/s");
/** @param {Metric} metric */
export const isMemory = metric => metric.unit === "B";
/** @param {Metric} metric */
export const isEnergy = metric => metric.unit === "J" || metric.unit === "W";
/** @param {Metric} metric */
export const isQuality = metric => ["1", "nats"].includes(metric.unit) && metric.better !== "neither";

/**
 * As a choice: the metrics that any record has a value of; `first` comes first.
 * @param {RecordOf[]} records @param {Metrics} metrics @param {(metric: Metric) => boolean} fits @param {string} [first]
 */
export function choicesOf(records, metrics, fits, first) {
  const names = Object.keys(metrics).filter(
    name => fits(metrics[name]) && records.some(record => figureOf(record, name)),
  );
  if (first && names.includes(first)) names.sort((a, b) => Number(b === first) - Number(a === first));
  return names.map(name => ({value: name, text: textOf(name, metrics)}));
}

/** @param {string} name @param {Metrics} metrics @returns {string} the label, or the name where it has none of its own */
export function textOf(name, metrics) {
  return metrics[name]?.label || name.replaceAll("_", " ");
}

/** "decode (tokens/s)" @param {string} name @param {Metrics} metrics @param {string} [unit] */
export function headingOf(name, metrics, unit = metrics[name].unit) {
  return unit && unit !== "1" ? `${textOf(name, metrics)} (${unit})` : textOf(name, metrics);
}

/** @param {RecordOf} record @param {string} name @param {Metrics} metrics @returns {string} for a tip */
export function lineOf(record, name, metrics) {
  return `${textOf(name, metrics)}: ${quantityWithInterval(figureOf(record, name), metrics[name].unit)}`;
}

/** @param {RecordOf} record @param {string} name @param {Metrics} metrics @returns {import("qbench/elements.js").Cell} */
export function cellOf(record, name, metrics) {
  const figure = record.measurements[name];
  return {
    text: quantityWithInterval(figure ?? null, metrics[name].unit),
    value: figure?.value ?? null,
    title: figure?.reason || undefined,
  };
}

/** One scale for an axis, so that its numbers are short. @param {number[]} values @param {string} unit */
export function axisScale(values, unit) {
  return scaleOf(Math.max(0, ...values.map(Math.abs)), unit);
}

/**
 * A table of cases and some metrics.
 * @param {RecordOf[]} records @param {string[]} names @param {Metrics} metrics @returns {import("qbench/elements.js").TableData}
 */
export function caseTable(records, names, metrics) {
  return {
    columns: [
      {heading: "case"},
      {heading: "framework"},
      ...names.map(name => ({heading: textOf(name, metrics), isNumber: true})),
    ],
    rows: records.map(record => [
      {text: record.label},
      {text: record.framework},
      ...names.map(name => cellOf(record, name, metrics)),
    ]),
  };
}
