// Begins the dashboard.
import {start} from "qbench/dashboard.js";

void start();
