// Raw samples: how they spread over each case, and in the order in which they were taken.
import {countedLaunches, phasesOf, quantile} from "qbench/data.js";
import {axisScale} from "qbench/figures.js";
import {axisExtent} from "qbench/intervals.js";
import {categoryAxis, colourOf, valueAxis} from "qbench/theme.js";
import {quantity} from "qbench/units.js";

/** @typedef {import("qbench/data.js").RecordOf} RecordOf */

/** @param {RecordOf} record @param {string} phase @returns {number[][]} of each launch, in nanoseconds */
const seriesOf = (record, phase) => countedLaunches(record).map(launch => launch.samples_ns?.[phase] ?? []);

/** @param {RecordOf[]} records */
const phaseChoice = records => ({
  name: "phase",
  label: "Phase",
  values: phasesOf(records).map(phase => ({value: phase, text: phase.replaceAll("_", " ")})),
});

const shares = [0.01, 0.25, 0.5, 0.75, 0.99];

/** @type {import("qbench/panel.js").View} */
export const spread = {
  name: "spread",
  title: "How times spread",
  help: "Of the samples of all launches: the box is the middle half, the line in it the median, the whiskers go from the 1st to the 99th percentile, or beyond the chart's edge.",
  choices: records => [phaseChoice(records)],
  draw({records, theme, chosen}) {
    const phase = chosen("phase");
    const rows = records.flatMap((record, place) => {
      const sorted = seriesOf(record, phase)
        .flat()
        .sort((a, b) => a - b);
      return sorted.length > 1
        ? [{record, place, count: sorted.length, marks: shares.map(share => quantile(sorted, share))}]
        : [];
    });
    if (rows.length === 0) return null;
    const scale = axisScale(
      rows.map(row => row.marks[2]),
      "ns",
    );
    const longest = Math.max(...rows.map(row => row.marks[4])) * scale.factor,
      middle = Math.max(...rows.map(row => row.marks[3])) * scale.factor;
    return {
      height: 80 + 26 * rows.length,
      table: {
        columns: [
          {heading: "case"},
          {heading: "samples", isNumber: true},
          ...["1 %", "25 %", "median", "75 %", "99 %"].map(heading => ({heading, isNumber: true})),
        ],
        rows: rows.map(row => [
          {text: row.record.label},
          {text: String(row.count), value: row.count},
          ...row.marks.map(mark => ({text: quantity(mark, "ns"), value: mark})),
        ]),
      },
      option: {
        legend: {show: false},
        grid: {top: 10, bottom: 36},
        xAxis: valueAxis(
          theme,
          `${phase.replaceAll("_", " ")} (${scale.unit}), shorter to the left`,
          axisExtent(longest > 4 * middle ? {max: 4 * middle} : {}),
        ),
        yAxis: categoryAxis(
          theme,
          rows.map(row => row.record.label),
          {inverse: true},
        ),
        series: [
          {
            type: "boxplot",
            layout: "vertical",
            boxWidth: [6, 13],
            data: rows.map(row => ({
              value: row.marks.map(mark => mark * scale.factor),
              record: row.place,
              itemStyle: {color: theme.panel, borderColor: colourOf(row.record.framework), borderWidth: 1.5},
              tip: {
                title: row.record.label,
                lines: [
                  `${row.count} samples`,
                  `median ${quantity(row.marks[2], "ns")}`,
                  `middle half ${quantity(row.marks[1], "ns")} to ${quantity(row.marks[3], "ns")}`,
                  `1 % to 99 % ${quantity(row.marks[0], "ns")} to ${quantity(row.marks[4], "ns")}`,
                ],
              },
            })),
          },
        ],
      },
    };
  },
};

/** @param {import("qbench/panel.js").Context} context @param {RecordOf|undefined} record @param {number} place */
export function drawSamples({theme}, record, place, phase = "") {
  const launches = record ? seriesOf(record, phase) : [];
  const all = launches.flat();
  if (!record || all.length === 0) return null;
  const scale = axisScale(
    [
      quantile(
        [...all].sort((a, b) => a - b),
        0.5,
      ),
    ],
    "ns",
  );
  const colour = colourOf(record.framework);
  let number = 0;
  const begins = launches.map(samples => {
    const begin = number;
    number += samples.length;
    return begin;
  });
  const numbers = countedLaunches(record).map(launch => launch.index % 10000);
  return {
    height: 280,
    table: {
      columns: [
        {heading: "launch", isNumber: true},
        {heading: "sample", isNumber: true},
        {heading: "duration (ns)", isNumber: true},
      ],
      rows: launches.flatMap((samples, launch) =>
        samples.map((ns, sample) => [
          {text: String(numbers[launch] + 1), value: numbers[launch] + 1},
          {text: String(sample + 1), value: sample + 1},
          {text: String(ns), value: ns},
        ]),
      ),
    },
    option: {
      legend: {show: false},
      grid: {left: 34, top: 24, bottom: 36},
      xAxis: valueAxis(theme, "sample, in the order taken; a line begins each launch", {
        scale: false,
        min: 0,
        max: all.length,
        splitLine: {show: false},
      }),
      yAxis: valueAxis(theme, `${phase.replaceAll("_", " ")} (${scale.unit})`, {nameGap: 46}),
      series: launches.map((samples, launch) => ({
        type: "scatter",
        symbolSize: all.length > 2000 ? 2.5 : 4,
        itemStyle: {color: colour, opacity: 0.75},
        large: samples.length > 4000,
        data: samples.map((ns, sample) => ({
          value: [begins[launch] + sample + 0.5, ns * scale.factor],
          ...(place >= 0 ? {record: place} : {}),
          tip: {
            title: record.label,
            lines: [`launch ${numbers[launch] + 1}, sample ${sample + 1}`, quantity(ns, "ns")],
          },
        })),
        markLine: {
          silent: true,
          symbol: "none",
          lineStyle: {color: theme.line, type: "solid"},
          label: {
            formatter: launches.length < 16 ? String(numbers[launch] + 1) : "",
            position: "end",
            color: theme.soft,
          },
          data: [{xAxis: begins[launch]}],
        },
      })),
    },
  };
}

/** @type {import("qbench/panel.js").View} */
export const samples = {
  name: "samples",
  title: "Samples in order",
  help: "Each timing of one case, launch by launch: drift, warm-up that was too short and other programs show here.",
  choices: records => [
    {
      name: "case",
      label: "Case",
      values: records
        .filter(record => countedLaunches(record).length > 0)
        .map(record => ({value: record.case, text: record.label})),
    },
    phaseChoice(records),
  ],
  draw(context) {
    const place = context.records.findIndex(record => record.case === context.chosen("case"));
    return drawSamples(context, context.records[place], place, context.chosen("phase"));
  },
};
