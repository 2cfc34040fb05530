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
// More are drawn on a canvas and without intervals, which is quicker.
const largePointCount = 300;

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
  help: "Each case of each machine is a line; bars are 95 % intervals within a run, where there are not more than 300 points. A dotted line stands where a version was first seen.",
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
    const shown = lines.flat();
    const frameworks = [...new Set(shown.map(point => point.framework))];
    const bars = (/** @type {string} */ framework) =>
      shown
        .filter(point => point.framework === framework)
        .map(({figure, started_at}) => ({
          value: [Date.parse(started_at), scaled(figure.value), null, null, scaled(figure.low), scaled(figure.high)],
        }));
    const markOf = (/** @type {Point} */ point) => ({
      value: [at(point), scaled(point.figure.value)],
      tip: {
        title: point.case,
        lines: [
          `${point.framework} ${point.version}, ${point.machine}`,
          `run ${point.run}, ${point.started_at}`,
          quantityWithInterval(point.figure, point.figure.unit),
        ],
      },
    });
    const isLarge = shown.length > largePointCount;
    return {
      isLarge,
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
          ...(isLarge ? [] : frameworks.map(framework => errorBars(bars(framework), colourOf(framework)))),
          // Many series of marks are slow to draw: the lines of a framework are one series, with gaps, and so are its marks.
          ...frameworks.map(framework => ({
            type: "line",
            silent: true,
            symbol: "none",
            lineStyle: {width: 1, color: colourOf(framework), opacity: 0.6},
            data: lines
              .filter(line => line[0].framework === framework)
              .flatMap(line => [...line.map(point => [at(point), scaled(point.figure.value)]), ["-", "-"]]),
          })),
          ...frameworks.map(framework => ({
            type: "scatter",
            symbol: symbolOf(framework),
            symbolSize: isLarge ? 4 : 7,
            z: 3,
            itemStyle: {color: colourOf(framework)},
            data: shown.filter(point => point.framework === framework).map(markOf),
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
