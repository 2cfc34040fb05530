// A run's figures on an MLflow tracking server, by its REST API 2.0.
#pragma once

#include <string>

#include "base/environment.h"
#include "results/publish/http.h"
#include "results/report/report.h"

namespace qb::publish {

struct MlflowSettings {
  std::string uri;         // "http://127.0.0.1:5000"
  std::string experiment;  // "" for "qbench/" and the suite's name
  HttpSettings http;
};

// What MLflow's own client reads: MLFLOW_TRACKING_URI (where `uri` is ""), MLFLOW_TRACKING_TOKEN,
// MLFLOW_TRACKING_USERNAME and _PASSWORD, MLFLOW_TRACKING_SERVER_CERT_PATH,
// MLFLOW_TRACKING_INSECURE_TLS, MLFLOW_HTTP_REQUEST_TIMEOUT, MLFLOW_EXPERIMENT_NAME. Error: no URI,
// one that is no http, or a timeout that is no number.
Result<MlflowSettings> mlflow_settings(const std::string& uri, const Environment& environment);

struct Published {
  size_t new_count = 0;      // cases
  size_t known_count = 0;    // that were there already, whole
  std::string url;           // of the experiment
  std::string page_problem;  // why the page isn't there; "" where it is
};

// An experiment a suite, a run of MLflow's a case, below one for the whole run, which has the page.
// Params are what the case is, metrics its figures with the ends of their intervals (".low",
// ".high") and each launch's value (".launch", the step being the launch), tags their units, hashes
// and versions. A case is known by the tag "qbench.case": what was sent is not sent again, and what
// was cut short is completed. Errors say what to do.
Result<Published> publish(const report::Document& document, const std::string& page,
                          const MlflowSettings& settings);

}  // namespace qb::publish
