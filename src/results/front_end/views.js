// The views of a model's cases, in the order of the page: a further one is a file and a row here.
import {energy, memory, quality} from "qbench/dots.js";
import {memoryFrontier, speedFrontier} from "qbench/frontier.js";
import {heatMap} from "qbench/heat_map.js";
import {samples, spread} from "qbench/samples.js";

/** @type {import("qbench/panel.js").View[]} */
export const views = [speedFrontier, memoryFrontier, heatMap, spread, samples, memory, energy, quality];
