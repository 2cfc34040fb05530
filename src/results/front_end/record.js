// One record, whole: figures, launches, raw samples, what it depends on.
import {phasesOf} from "qbench/data.js";
import {element, tableOf} from "qbench/elements.js";
import {Panel} from "qbench/panel.js";
import {drawSamples} from "qbench/samples.js";
import {quantityWithInterval} from "qbench/units.js";

/**
 * @typedef {import("qbench/data.js").RecordOf} RecordOf
 * @typedef {import("qbench/data.js").Metric} Metric
 */

/** @param {string} summary @param {any} value */
const folded = (summary, value) =>
  element("details", {}, element("summary", {}, summary), element("pre", {}, JSON.stringify(value, null, 2)));

/** @param {RecordOf} record @param {Record<string, Metric>} metrics @returns {HTMLElement} */
function figuresTable(record, metrics) {
  return tableOf({
    columns: [
      {heading: "figure"},
      {heading: "value and 95 % interval", isNumber: true},
      {heading: "what it is, or why there is none"},
    ],
    rows: Object.entries(record.measurements).map(([name, figure]) => [
      {text: name},
      {text: quantityWithInterval(figure, figure.unit), value: figure.value},
      {text: figure.value === null ? figure.reason : (metrics[name]?.summary ?? "")},
    ]),
  });
}

/** @param {RecordOf} record @returns {HTMLElement} */
function launchesTable(record) {
  return tableOf({
    columns: [{heading: "launch"}, {heading: "outcome"}, {heading: "reason"}, {heading: "samples"}],
    rows: record.launches.map(launch => [
      {text: `${launch.kind} ${launch.index + 1}`},
      {text: launch.outcome},
      {text: launch.reason},
      {
        text: Object.entries(launch.samples_ns ?? {})
          .map(([phase, samples]) => `${phase} ${samples.length}`)
          .join(", "),
      },
    ]),
  });
}

/**
 * @param {RecordOf} record @param {Record<string, Metric>} metrics
 * @returns {{element: HTMLElement, draw: () => void}} to be drawn once it is in the page
 */
export function recordView(record, metrics) {
  const panel = new Panel(
    {
      name: "record-samples",
      title: "Samples in order",
      help: "Launch by launch.",
      choices: records => [
        {
          name: "phase",
          label: "Phase",
          values: phasesOf(records).map(phase => ({value: phase, text: phase.replaceAll("_", " ")})),
        },
      ],
      draw: context => drawSamples(context, record, -1, context.chosen("phase")),
    },
    "record",
    metrics,
    () => {},
  );
  const said = [`run ${record.run}`, record.recorded_at, record.outcome + (record.reason ? `: ${record.reason}` : "")];
  return {
    element: element(
      "div",
      {class: "record"},
      element("p", {class: "soft"}, said.filter(Boolean).join(" · ")),
      panel.element,
      element("h3", {}, "Figures"),
      figuresTable(record, metrics),
      element("h3", {}, "Launches"),
      launchesTable(record),
      folded("What the figures depend on", record.manifest),
      folded(
        "What each launch told",
        record.launches.map(launch => ({
          kind: launch.kind,
          index: launch.index,
          facts: launch.facts,
          stderr_tail: launch.stderr_tail,
        })),
      ),
    ),
    draw: () => {
      panel.isSeen = true;
      panel.update([record]);
    },
  };
}

/** @param {RecordOf} record @param {Record<string, Metric>} metrics */
export function openRecord(record, metrics) {
  const view = recordView(record, metrics);
  const title = element(
    "h2",
    {id: "record-title", tabindex: "-1", autofocus: true},
    `${record.model}: ${record.label}`,
  );
  const dialog = element(
    "dialog",
    {"aria-labelledby": "record-title"},
    element(
      "div",
      {class: "panel-head"},
      title,
      element("button", {type: "button", onclick: () => dialog.close()}, "Close"),
    ),
    view.element,
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  view.draw();
}
