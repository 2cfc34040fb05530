"""As much of an MLflow tracking server's REST API as qbench uses, on this machine, that can be told to misbehave."""
import collections
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

Fault = collections.namedtuple("Fault", "status content_type body delay_s")


class FakeMlflow:
    """What it was sent: `runs` by id, `artifacts` by path. `fail_after` calls that go well each call has the fault."""

    def __init__(self):
        self.experiments, self.runs, self.artifacts, self.calls = {}, {}, {}, []
        self.fault, self.fail_after, self.authorization = None, 0, None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, body, content_type="application/json"):
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urlsplit(self.path)
                outer.calls.append((self.command, url.path, len(body)))
                if outer.fault and outer.fail_after <= 0:
                    time.sleep(outer.fault.delay_s)
                    return self.answer(outer.fault.status, outer.fault.body, outer.fault.content_type)
                outer.fail_after -= 1
                if outer.authorization and self.headers.get("Authorization") != outer.authorization:
                    return self.answer(401, {"error_code": "UNAUTHENTICATED", "message": "who are you?"})
                if self.command == "PUT":
                    outer.artifacts[unquote(url.path).split("/artifacts/", 1)[1]] = body
                    return self.answer(200, {})
                self.answer(*outer.called(url.path.rsplit("/mlflow/", 1)[1], json.loads(body) if body else parse_qs(url.query)))

            do_GET = do_POST = do_PUT = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.uri = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()

    def called(self, what: str, asked: dict):
        if what == "experiments/get-by-name":
            known = self.experiments.get(asked["experiment_name"][0])
            return (200, {"experiment": {"experiment_id": known}}) if known else (404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})
        if what == "experiments/create":
            self.experiments[asked["name"]] = str(len(self.experiments) + 1)
            return 200, {"experiment_id": self.experiments[asked["name"]]}
        if what == "runs/search":
            tag, value = asked["filter"].removeprefix("tags.`").split("` = '")
            found = [r for r in self.runs.values() if r["tags"].get(tag) == value[:-1] and r["experiment"] in asked["experiment_ids"]]
            return 200, {"runs": [self.shown(run) for run in found[:asked["max_results"]]]}
        if what == "runs/create":
            run = {"id": f"r{len(self.runs)}", "experiment": asked["experiment_id"], "name": asked["run_name"], "status": "RUNNING",
                   "tags": {t["key"]: t["value"] for t in asked["tags"]}, "params": {}, "metrics": set()}
            self.runs[run["id"]] = run
            return 200, {"run": self.shown(run)}
        run = self.runs[asked["run_id"]]
        if what == "runs/log-batch":
            assert len(asked["metrics"]) <= 1000 and len(asked["params"]) <= 100 and len(asked["tags"]) <= 100, "too many at once"
            assert sum(len(asked[kind]) for kind in ("metrics", "params", "tags")) <= 1000, "too many at once"
            run["metrics"] |= {(m["key"], m["value"], m["timestamp"], m["step"]) for m in asked["metrics"]}
            for p in asked["params"]:
                assert run["params"].setdefault(p["key"], p["value"]) == p["value"], "a param can't change"
            run["tags"] |= {t["key"]: t["value"] for t in asked["tags"]}
            return 200, {}
        assert what == "runs/update", what
        run["status"] = asked["status"]
        return 200, {"run_info": {}}

    @staticmethod
    def shown(run: dict) -> dict:
        return {"info": {"run_id": run["id"], "status": run["status"], "artifact_uri": f"mlflow-artifacts:/{run['experiment']}/{run['id']}/artifacts"},
                "data": {"tags": [{"key": k, "value": v} for k, v in run["tags"].items()]}}
