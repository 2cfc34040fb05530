// What a document is, as `qbench report --format json` writes it, and how views read it.

/**
 * @typedef {{value: number|null, low: number|null, high: number|null, unit: string, reason: string}} Measurement
 * @typedef {{kind: string, index: number, outcome: string, reason: string, facts: Record<string, any>,
 *   stderr_tail: string, samples_ns?: Record<string, number[]>}} Launch
 * @typedef {{run: string, case: string, model: string, scheme: string, framework: string, device: string,
 *   task: string, outcome: string, reason: string, recorded_at: string, label: string, variant: string, table: string,
 *   speed_metric: string, quality_metric: string, is_judged_alike: boolean,
 *   measurements: Record<string, Measurement>, manifest: Record<string, any>, launches: Launch[],
 *   speed_ratio: {value: number, low: number|null, high: number|null, over: string}|null}} RecordOf
 * @typedef {{label: string, unit: string, better: "lower"|"higher"|"neither", summary: string}} Metric
 * @typedef {{run: string, started_at: string, suite: string, host: Record<string, any>,
 *   metrics: Record<string, Metric>, records: RecordOf[]}} Document
 */

/**
 * What front_end::packed wrote.
 * @param {string} text @returns {Promise<string>}
 */
export async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), digit => digit.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).text();
}

/** @param {RecordOf} record @param {string} name @returns {Measurement|null} that has a value */
export function figureOf(record, name) {
  const found = record.measurements[name];
  return found && found.value !== null ? found : null;
}

/** @param {RecordOf} record */
export const isOk = record => record.outcome === "ok";

/** @param {string} framework @returns {string} "pytorch" of "pytorch@2.13.0" */
export const baseFramework = framework => framework.split("@")[0];

/**
 * The phases that any launch has samples of, those that are timed again and again first.
 * @param {RecordOf[]} records @returns {string[]}
 */
export function phasesOf(records) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const record of records)
    for (const launch of record.launches)
      for (const [phase, samples] of Object.entries(launch.samples_ns ?? {}))
        counts.set(phase, Math.max(counts.get(phase) ?? 0, samples.length));
  const order = ["decode", "inference"];
  const rank = (/** @type {string} */ phase) => {
    const place = order.indexOf(phase);
    return place >= 0 ? place : phase === "warm_up" ? 1e9 : 1e6 - (counts.get(phase) ?? 0);
  };
  return [...counts.keys()].sort((a, b) => rank(a) - rank(b));
}

/**
 * Launches of speed that count: of one that was measured again only the repeat, which has its index
 * plus 10,000.
 * @param {RecordOf} record @returns {Launch[]}
 */
export function countedLaunches(record) {
  const speed = record.launches.filter(launch => launch.kind === "speed" && launch.outcome === "ok");
  const repeated = new Set(speed.map(launch => launch.index - 10000));
  return speed.filter(launch => !repeated.has(launch.index));
}

/**
 * @param {number[]} sorted ascending @param {number} share @returns {number} between neighbours, linear
 */
export function quantile(sorted, share) {
  const place = share * (sorted.length - 1),
    below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}
