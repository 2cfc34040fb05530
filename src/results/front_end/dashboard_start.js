// Begins the dashboard, once ECharts is there.
import {start} from "qbench/dashboard.js";

void start();
