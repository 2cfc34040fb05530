// Error bars: ECharts has none of its own.

/**
 * How far an axis goes: as far as intervals do, unless that would squeeze the values themselves; a bar
 * then leaves the chart.
 * @param {{value: number, low: number|null, high: number|null}[]} figures
 * @returns {{min?: number, max?: number}}
 */
export function extentOf(figures) {
  const values = figures.map(figure => figure.value);
  const least = Math.min(...values),
    greatest = Math.max(...values);
  const margin = Math.max((greatest - least) * 0.5, Math.abs(greatest) * 0.1);
  const lowest = Math.min(...figures.map(figure => figure.low ?? figure.value)),
    highest = Math.max(...figures.map(figure => figure.high ?? figure.value));
  return {
    ...(lowest < least - margin ? {min: least >= 0 ? Math.max(0, least - margin) : least - margin} : {}),
    ...(highest > greatest + margin ? {max: greatest + margin} : {}),
  };
}

/** An axis's end that is no round number gets no label. @param {{min?: number, max?: number}} extent */
export const axisExtent = extent => ({
  ...extent,
  axisLabel: {
    showMinLabel: extent.min === undefined || extent.min === 0,
    showMaxLabel: extent.max === undefined,
    hideOverlap: true,
  },
});

/**
 * @param {{value: (number|null)[]}[]} data [x, y, x low, x high, y low, y high]; null: no interval that way
 * @param {string} colour @returns {Record<string, any>} a series
 */
export function errorBars(data, colour) {
  const cap = 3;
  const line = (/** @type {number[]} */ a, /** @type {number[]} */ b) => ({
    type: "line",
    silent: true,
    shape: {x1: a[0], y1: a[1], x2: b[0], y2: b[1]},
    style: {stroke: colour, lineWidth: 1, opacity: 0.75},
  });
  return {
    type: "custom",
    silent: true,
    z: 1,
    itemStyle: {color: colour},
    data,
    clip: true,
    encode: {x: [0, 2, 3], y: [1, 4, 5]},
    renderItem: (/** @type {any} */ _params, /** @type {any} */ api) => {
      const [x, y, xLow, xHigh, yLow, yHigh] = [0, 1, 2, 3, 4, 5].map(place => api.value(place));
      const children = [];
      if (Number.isFinite(xLow) && Number.isFinite(xHigh)) {
        const [a, b] = [api.coord([xLow, y]), api.coord([xHigh, y])];
        children.push(
          line(a, b),
          line([a[0], a[1] - cap], [a[0], a[1] + cap]),
          line([b[0], b[1] - cap], [b[0], b[1] + cap]),
        );
      }
      if (Number.isFinite(yLow) && Number.isFinite(yHigh)) {
        const [a, b] = [api.coord([x, yLow]), api.coord([x, yHigh])];
        children.push(
          line(a, b),
          line([a[0] - cap, a[1]], [a[0] + cap, a[1]]),
          line([b[0] - cap, b[1]], [b[0] + cap, b[1]]),
        );
      }
      return {type: "group", children};
    },
  };
}
