// Speed or memory against quality, with intervals and the Pareto frontier.
import {figureOf, isOk} from "qbench/data.js";
import {axisScale, caseTable, choicesOf, headingOf, isMemory, isQuality, isSpeed, lineOf} from "qbench/figures.js";
import {axisExtent, errorBars, extentOf} from "qbench/intervals.js";
import {colourOf, symbolOf, valueAxis} from "qbench/theme.js";

/**
 * @typedef {import("qbench/data.js").RecordOf} RecordOf
 * @typedef {import("qbench/data.js").Metric} Metric
 * @typedef {import("qbench/data.js").Measurement} Measurement
 * @typedef {{record: number, x: Measurement, y: Measurement, isComparable: boolean}} Mark
 */

/**
 * Beyond noise: whole intervals apart. Bytes hardly vary, so that they count without one; nothing else does.
 * @param {Measurement} a @param {Measurement} b @param {Metric} metric @returns {boolean}
 */
export function isSurelyBetter(a, b, metric) {
  const haveIntervals = [a, b].every(figure => figure.low !== null && figure.high !== null);
  if (!haveIntervals && !isMemory(metric)) return false;
  const low = (/** @type {Measurement} */ figure) => Number(figure.low ?? figure.value);
  const high = (/** @type {Measurement} */ figure) => Number(figure.high ?? figure.value);
  return metric.better === "lower" ? high(a) < low(b) : low(a) > high(b);
}

/** @param {Mark} a @param {Mark} b @param {Metric} xMetric @param {Metric} yMetric @returns {boolean} a beats b on both axes beyond noise */
export function dominates(a, b, xMetric, yMetric) {
  const atLeast = (/** @type {Measurement} */ p, /** @type {Measurement} */ q, /** @type {Metric} */ metric) =>
    p.value === q.value || isSurelyBetter(p, q, metric);
  return (
    atLeast(a.x, b.x, xMetric) &&
    atLeast(a.y, b.y, yMetric) &&
    (isSurelyBetter(a.x, b.x, xMetric) || isSurelyBetter(a.y, b.y, yMetric))
  );
}

/**
 * Those that no other one beats on both axes by its value, from the least x on.
 * @template {{x: {value: number|null}, y: {value: number|null}}} Point
 * @param {Point[]} marks @param {Metric} xMetric @param {Metric} yMetric @returns {Point[]}
 */
export function frontierOf(marks, xMetric, yMetric) {
  const signed = (/** @type {number|null} */ value, /** @type {Metric} */ metric) =>
    (metric.better === "lower" ? -1 : 1) * Number(value);
  const places = marks.map(mark => ({mark, x: signed(mark.x.value, xMetric), y: signed(mark.y.value, yMetric)}));
  return places
    .filter(p => !places.some(q => q.x >= p.x && q.y >= p.y && (q.x > p.x || q.y > p.y)))
    .sort((p, q) => p.x - q.x)
    .map(p => p.mark);
}

/** @param {Metric} metric @param {boolean} isAcross */
function direction(metric, isAcross) {
  const [up, down] = isAcross ? ["right", "left"] : ["up", "down"];
  const word = isSpeed(metric) ? "faster" : isMemory(metric) ? "smaller" : "better";
  return metric.better === "neither"
    ? ""
    : `, ${word} ${isAcross ? "to the " : ""}${metric.better === "higher" ? up : down}`;
}

/** @param {import("qbench/panel.js").Context} context @returns {Mark[]} */
function marksOf({records, chosen}) {
  return records.flatMap((record, place) => {
    const x = figureOf(record, chosen("x")),
      y = figureOf(record, chosen("y"));
    return x && y ? [{record: place, x, y, isComparable: isOk(record) && record.is_judged_alike}] : [];
  });
}

/** @type {(context: import("qbench/panel.js").Context) => import("qbench/panel.js").Drawing|null} */
function draw(context) {
  const {records, metrics, theme, chosen} = context;
  const marks = marksOf(context);
  if (marks.length === 0) return null;
  const xName = chosen("x"),
    yName = chosen("y"),
    xMetric = metrics[xName],
    yMetric = metrics[yName];
  const comparable = marks.filter(mark => mark.isComparable);
  const scale = axisScale(
    marks.map(mark => Number(mark.x.value)),
    xMetric.unit,
  );
  const across = (/** @type {number|null} */ value) => (value === null ? NaN : value * scale.factor);
  const point = (/** @type {Mark} */ mark) => {
    const record = records[mark.record];
    const isBeaten = comparable.some(other => dominates(other, mark, xMetric, yMetric));
    const colour = colourOf(record.framework);
    return {
      value: [across(mark.x.value), mark.y.value],
      name: record.variant,
      record: mark.record,
      itemStyle: mark.isComparable
        ? {color: colour, opacity: isBeaten ? 0.45 : 1}
        : {color: "transparent", borderColor: theme.soft, borderWidth: 1.5},
      tip: {
        title: record.label,
        lines: [
          lineOf(record, xName, metrics),
          lineOf(record, yName, metrics),
          ...(mark.isComparable
            ? isBeaten
              ? ["beaten on both axes beyond noise"]
              : []
            : ["not comparable with the others: not settled, or judged on other items"]),
        ],
      },
    };
  };
  const frameworks = [...new Set(marks.map(mark => records[mark.record].framework))];
  const frontier = frontierOf(comparable, xMetric, yMetric);
  const bars = (/** @type {Mark[]} */ some) =>
    some.map(mark => ({
      value: [across(mark.x.value), mark.y.value, across(mark.x.low), across(mark.x.high), mark.y.low, mark.y.high],
    }));
  return {
    height: 420,
    table: caseTable(
      marks.map(mark => records[mark.record]),
      [xName, yName],
      metrics,
    ),
    option: {
      legend: {data: frameworks.map(name => ({name, icon: symbolOf(name)}))},
      xAxis: valueAxis(
        theme,
        headingOf(xName, metrics, scale.unit) + direction(xMetric, true),
        axisExtent(
          extentOf(
            marks.map(mark => ({
              value: across(mark.x.value),
              low: mark.x.low === null ? null : across(mark.x.low),
              high: mark.x.high === null ? null : across(mark.x.high),
            })),
          ),
        ),
      ),
      yAxis: valueAxis(theme, headingOf(yName, metrics) + direction(yMetric, false), {
        nameGap: 46,
        ...axisExtent(extentOf(marks.map(mark => ({value: Number(mark.y.value), low: mark.y.low, high: mark.y.high})))),
      }),
      grid: {left: 34, right: 40, bottom: 40},
      series: [
        {
          type: "line",
          silent: true,
          symbol: "none",
          z: 0,
          data: frontier.map(mark => [across(mark.x.value), mark.y.value]),
          lineStyle: {color: theme.soft, type: "dashed", width: 1},
        },
        ...frameworks.flatMap(name => {
          const own = marks.filter(mark => records[mark.record].framework === name);
          return [
            {...errorBars(bars(own), colourOf(name)), name},
            {
              type: "scatter",
              name,
              symbol: symbolOf(name),
              symbolSize: 11,
              itemStyle: {color: colourOf(name)},
              data: own.map(point),
              z: 3,
              emphasis: {scale: 1.4},
              label: {show: true, position: [13, -9], formatter: "{b}", color: theme.ink, fontSize: 11},
              labelLayout: {hideOverlap: true},
            },
          ];
        }),
      ],
    },
  };
}

/** @param {RecordOf[]} records @param {Record<string, Metric>} metrics */
const quality = (records, metrics) => ({
  name: "y",
  label: "Quality",
  values: choicesOf(records, metrics, isQuality, records[0]?.quality_metric),
});

/** @type {import("qbench/panel.js").View} */
export const speedFrontier = {
  name: "speed-quality",
  title: "Speed and quality",
  help: "Bars are 95 % intervals. The dashed line joins what nothing beats on both axes; a pale mark is beaten beyond noise, a hollow one can't be compared with the others.",
  choices: (records, metrics) => [
    {name: "x", label: "Speed", values: choicesOf(records, metrics, isSpeed, records[0]?.speed_metric)},
    quality(records, metrics),
  ],
  draw,
};

/** @type {import("qbench/panel.js").View} */
export const memoryFrontier = {
  name: "memory-quality",
  title: "Memory and quality",
  help: "The same with what it needs: resident memory of the worker at its peak, or another measure of size.",
  choices: (records, metrics) => [
    {name: "x", label: "Size", values: choicesOf(records, metrics, isMemory, "rss_bytes_peak")},
    quality(records, metrics),
  ],
  draw,
};
