// Colours and shapes, from the style sheet's variables, so that charts follow dark and light.
import {baseFramework} from "qbench/data.js";

/** @typedef {{ink: string, soft: string, line: string, paper: string, panel: string, accent: string, warn: string}} Theme */

/** @param {string} name @returns {string} */
function variable(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** @returns {Theme} */
export function theme() {
  return {
    ink: variable("ink"),
    soft: variable("soft"),
    line: variable("line"),
    paper: variable("paper"),
    panel: variable("panel"),
    accent: variable("accent"),
    warn: variable("warn"),
  };
}

const known = ["onnxruntime", "pytorch", "mlx", "coreml", "reference"];
const symbols = ["circle", "triangle", "rect", "diamond", "pin"];

/** @param {string} framework @returns {string} */
export function colourOf(framework) {
  const base = baseFramework(framework);
  return variable(known.includes(base) ? `framework-${base}` : "soft");
}

/** Shape as well as colour: not everyone sees both. @param {string} framework @returns {string} */
export function symbolOf(framework) {
  const place = known.indexOf(baseFramework(framework));
  return symbols[place < 0 ? symbols.length - 1 : place];
}

/** What all charts share. @param {Theme} t @returns {Record<string, any>} */
export function baseOption(t) {
  return {
    animation: false,
    backgroundColor: "transparent",
    textStyle: {color: t.ink, fontFamily: "system-ui, sans-serif", fontSize: 12},
    tooltip: {
      confine: true,
      backgroundColor: t.paper,
      borderColor: t.line,
      borderWidth: 1,
      textStyle: {color: t.ink, fontSize: 12},
      extraCssText: "box-shadow: none; border-radius: 6px",
    },
    legend: {
      top: 0,
      left: 0,
      icon: "circle",
      itemWidth: 9,
      itemHeight: 9,
      itemGap: 18,
      textStyle: {color: t.ink},
      inactiveColor: t.line,
    },
    grid: {left: 20, right: 24, top: 46, bottom: 34, containLabel: true},
  };
}

/**
 * @param {Theme} t @param {string} name @param {Record<string, any>} [more]
 * @returns {Record<string, any>} an axis of values
 */
export function valueAxis(t, name, more = {}) {
  return {
    type: "value",
    name,
    nameLocation: "middle",
    nameGap: 30,
    scale: true,
    nameTextStyle: {color: t.soft, fontSize: 12},
    axisLine: {show: false},
    axisTick: {show: false},
    splitLine: {lineStyle: {color: t.line}},
    ...more,
    axisLabel: {color: t.soft, hideOverlap: true, ...more.axisLabel},
  };
}

/** @param {Theme} t @param {string[]} names @param {Record<string, any>} [more] @returns {Record<string, any>} */
export function categoryAxis(t, names, more = {}) {
  return {
    type: "category",
    data: names,
    axisLine: {lineStyle: {color: t.line}},
    axisTick: {show: false},
    axisLabel: {color: t.ink, interval: 0},
    ...more,
  };
}
