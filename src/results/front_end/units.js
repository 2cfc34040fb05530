// Numbers for people: the same texts as the program's own (src/base/units.cpp).

const scales = {
  B: ["B", "kB", "MB", "GB", "TB"],
  ns: ["ns", "us", "ms", "s"],
};

/** @param {number} value @returns {string} three digits, as many as a table needs */
export function threeDigits(value) {
  const magnitude = Math.abs(value);
  if (magnitude === 0) return "0";
  if (magnitude >= 1e9) return value.toPrecision(3);
  if (magnitude >= 99.95) return value.toFixed(0);
  if (magnitude >= 9.995) return value.toFixed(1);
  if (magnitude >= 0.9995) return value.toFixed(2);
  const text = value.toPrecision(3);
  return text.includes("e") ? text : String(Number(text));
}

/** @param {number} value @param {string} unit @returns {{factor: number, unit: string}} */
export function scaleOf(value, unit) {
  if (unit !== "B" && unit !== "ns") return {factor: 1, unit: unit === "1" ? "" : unit};
  let step = 0,
    factor = 1;
  while (step + 1 < scales[unit].length && Math.abs(value) * factor >= 999.5) {
    factor /= 1000;
    ++step;
  }
  return {factor, unit: scales[unit][step]};
}

/** @param {number|null|undefined} value @param {string} unit @returns {string} "21.4 tokens/s" */
export function quantity(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "%") return `${value.toFixed(1)} %`;
  const scale = scaleOf(value, unit);
  return `${threeDigits(value * scale.factor)}${scale.unit ? " " + scale.unit : ""}`;
}

/**
 * @param {{value: number|null, low: number|null, high: number|null}|null} figure @param {string} unit
 * @returns {string} "21.4 tokens/s (20.9 to 21.8)"
 */
export function quantityWithInterval(figure, unit) {
  if (!figure || figure.value === null) return "–";
  const text = quantity(figure.value, unit);
  if (figure.low === null || figure.high === null) return text;
  const low = quantity(figure.low, unit),
    high = quantity(figure.high, unit);
  const own = text.split(" ").slice(1).join(" ");
  const isShared = [low, high].every(end => end.split(" ").slice(1).join(" ") === own);
  return isShared ? `${text} (${low.split(" ")[0]} to ${high.split(" ")[0]})` : `${text} (${low} to ${high})`;
}
