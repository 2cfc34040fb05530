// A metric over time: a line for each case, and since when there was each version.
import {baseFramework} from "qbench/data.js";
import {axisScale, headingOf} from "qbench/figures.js";
import {errorBars} from "qbench/intervals.js";
import {colourOf, symbolOf, valueAxis} from "qbench/theme.js";
import {quantityWithInterval} from "qbench/units.js";

/**
 * @typedef {{run: string, started_at: string, case: string, recorded_at: string, machine: string, model: string, scheme: string,
 *   framework: string, version: string, device: string, outcome: string,
 *   figure: {name: string, unit: string, value: number, low: number|null, high: number|null}}} Point
 */

const lineCountMax = 40;
const versionCountMax = 12;

/** @param {Point[]} points @returns {Point[][]} by case and machine, each in the order of time */
function linesOf(points) {
  /** @type {Map<string, Point[]>} */
  const lines = new Map();
  for (const point of points) {
    const key = JSON.stringify([point.case, point.machine, point.figure.name]);
    lines.set(key, [...(lines.get(key) ?? []), point]);
  }
  return [...lines.values()].map(line => line.sort((a, b) => a.started_at.localeCompare(b.started_at)));
}

/** @param {Point[]} points @returns {{name: string, time: number}[]} when each version was first seen, unless they are too many to be read */
function versionsOf(points) {
  /** @type {Map<string, number>} */
  const first = new Map();
  for (const point of points) {
    const name = `${baseFramework(point.framework)} ${point.version}`;
    first.set(name, Math.min(first.get(name) ?? Infinity, Date.parse(point.started_at)));
  }
  return first.size > versionCountMax ? [] : [...first].map(([name, time]) => ({name, time}));
}

/** @param {() => Point[]} points @returns {import("qbench/panel.js").View} */
export const overTime = points => ({
  name: "over-time",
  title: "Over time",
  help: "Each case of each machine is a line; bars are 95 % intervals within a run. A dotted line stands where a version was first seen.",
  draw({metrics, theme}) {
    const name = points()[0]?.figure.name;
    const all = points().filter(point => point.figure.name === name);
    if (!name || all.length === 0) return null;
    const lines = linesOf(all)
      .sort((a, b) => b.length - a.length)
      .slice(0, lineCountMax);
    const scale = axisScale(
      all.map(point => point.figure.value),
      all[0].figure.unit,
    );
    const at = (/** @type {Point} */ point) => Date.parse(point.started_at);
    const scaled = (/** @type {number|null} */ value) => (value === null ? NaN : value * scale.factor);
    return {
      height: 420,
      table: {
        columns: [
          {heading: "run began"},
          {heading: "case"},
          {heading: "machine"},
          {heading: "version"},
          {heading: headingOf(name, metrics), isNumber: true},
        ],
        rows: all.map(point => [
          {text: point.started_at},
          {text: point.case},
          {text: point.machine},
          {text: point.version},
          {text: quantityWithInterval(point.figure, point.figure.unit), value: point.figure.value},
        ]),
      },
      option: {
        legend: {show: false},
        grid: {left: 34, top: 24, right: 60},
        xAxis: {
          type: "time",
          boundaryGap: ["3%", "3%"],
          axisLine: {lineStyle: {color: theme.line}},
          axisLabel: {color: theme.soft, hideOverlap: true},
          splitLine: {show: false},
        },
        yAxis: valueAxis(theme, headingOf(name, metrics, scale.unit), {nameGap: 46}),
        series: [
          ...lines.map(line =>
            errorBars(
              line.map(point => ({
                value: [
                  at(point),
                  scaled(point.figure.value),
                  null,
                  null,
                  scaled(point.figure.low),
                  scaled(point.figure.high),
                ],
              })),
              colourOf(line[0].framework),
            ),
          ),
          ...lines.map(line => ({
            type: "line",
            symbol: symbolOf(line[0].framework),
            symbolSize: line.length > 200 ? 3 : 7,
            showAllSymbol: true,
            z: 3,
            lineStyle: {width: 1, color: colourOf(line[0].framework), opacity: 0.6},
            itemStyle: {color: colourOf(line[0].framework)},
            data: line.map(point => ({
              value: [at(point), scaled(point.figure.value)],
              tip: {
                title: point.case,
                lines: [
                  `${point.framework} ${point.version}, ${point.machine}`,
                  `run ${point.run}, ${point.started_at}`,
                  quantityWithInterval(point.figure, point.figure.unit),
                ],
              },
            })),
          })),
          {
            type: "line",
            data: [],
            markLine: {
              silent: true,
              symbol: "none",
              lineStyle: {color: theme.soft, type: "dotted", width: 1},
              label: {position: "end", formatter: "{b}", color: theme.soft, fontSize: 11},
              data: versionsOf(all).map(({name, time}) => ({name, xAxis: time})),
            },
          },
        ],
      },
    };
  },
});
