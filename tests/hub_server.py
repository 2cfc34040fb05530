"""A model hub on this machine, over TLS, that can be told to misbehave; and a certificate authority of its own."""
import collections
import hashlib
import json
import ssl
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Certificates:
    """`ca.pem` signed `server.pem`, for localhost and 127.0.0.1."""

    def __init__(self, folder: Path):
        self.ca, self.server, self.key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        config = folder / "openssl.cnf"
        config.write_text("[req]\ndistinguished_name=name\n[name]\n[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n"
                          "[server]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")

        def openssl(*arguments):
            subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

        key = ("-newkey", "rsa:2048", "-nodes", "-config", config)
        openssl("req", "-x509", *key, "-days", 2, "-subj", "/CN=tests", "-extensions", "ca", "-keyout", folder / "ca.key", "-out", self.ca)
        openssl("req", *key, "-subj", "/CN=localhost", "-keyout", self.key, "-out", folder / "server.csr")
        openssl("x509", "-req", "-in", folder / "server.csr", "-CA", self.ca, "-CAkey", folder / "ca.key", "-CAcreateserial",
                "-days", 2, "-extfile", config, "-extensions", "server", "-out", self.server)


class Repository:
    def __init__(self, files: dict[str, bytes], large=(".safetensors", ".gguf", ".bin"), gated=False):
        self.files, self.gated = files, gated
        self.large = {path for path in files if path.endswith(tuple(large))}
        self.commit = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.revisions = {"main", self.commit}
        self.listed: dict[str, dict] = {}  # what the listing says otherwise, by path

    def digest(self, path: str) -> str:
        content = self.files[path]
        return hashlib.sha256(content).hexdigest() if path in self.large else git_sha1(content)

    def tree(self) -> list[dict]:
        entries = [{"type": "directory", "path": "a-folder", "oid": "0" * 40, "size": 0}]
        for path, content in self.files.items():
            entry = {"type": "file", "path": path, "size": len(content), "oid": git_sha1(content)}
            if path in self.large:
                entry["lfs"] = {"oid": self.digest(path), "size": len(content), "pointerSize": 135}
            entries.append({**entry, **self.listed.get(path, {})})
        return entries


Request = collections.namedtuple("Request", "server method path headers")


class Hub:
    """`hub` answers as a hub does; large files lie on `cdn`, another origin. What is in `faults[PATH]` is used up, one a
    request: a dict with any of status, headers, redirect, drop (send so many bytes, then cut), short (say and send so many),
    corrupt, ignore_range, wrong_part, longer, pause (seconds before each piece of `piece` bytes). PATH is a file's, or
    "revision" or "tree"."""

    def __init__(self, certificates: Certificates):
        self.certificates = certificates
        self.repositories: dict[str, Repository] = {}
        self.requests: list[Request] = []
        self.faults: dict[str, list[dict]] = collections.defaultdict(list)
        self.page_size, self.token, self.lock = 1000, None, threading.Lock()
        self.servers = []
        self.url = self.start("hub", "localhost")
        self.cdn = self.start("cdn", "127.0.0.1")
        self.plain = self.start("plain", "localhost", has_tls=False)

    def start(self, name: str, host: str, has_tls=True) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Named", (Handler,), {"hub": self, "name": name}))
        server.daemon_threads, server.handle_error = True, lambda *_: None
        if has_tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificates.server, self.certificates.key)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.servers.append(server)
        return f"http{'s' if has_tls else ''}://{host}:{server.server_address[1]}"

    def stop(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def asked(self, word: str, server=None) -> list[Request]:
        """The GETs whose path has the word."""
        return [r for r in self.requests if r.method == "GET" and word in unquote(r.path) and server in (None, r.server)]

    def fault(self, key: str) -> dict:
        with self.lock:
            return self.faults[key].pop(0) if self.faults[key] else {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub
    name: str

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        self.hub.requests.append(Request(self.name, self.command, self.path, dict(self.headers)))
        parts = urlsplit(self.path)
        words = unquote(parts.path).strip("/").split("/")
        if self.name != "hub":
            owner, path = "/".join(words[:2]), "/".join(words[2:])
            if owner not in self.hub.repositories:
                return self.refuse(404)
            return self.send_file(self.hub.repositories[owner], path, self.hub.fault(path), {})
        name = "/".join(words[2:4] if words[0] == "api" else words[:2])
        repository = self.hub.repositories.get(name)
        sent = self.headers.get("Authorization")
        if self.hub.token and sent and sent != f"Bearer {self.hub.token}":
            return self.refuse(401, "", "Invalid credentials in Authorization header")
        if repository is None:
            return self.refuse(404 if sent else 401, "RepoNotFound")
        if words[0] == "api":
            return self.answer(repository, words[4], "/".join(words[5:]), parse_qs(parts.query))
        if repository.gated and not sent:
            return self.refuse(401, "GatedRepo")
        if repository.gated == "never":
            return self.refuse(403, "GatedRepo")
        return self.resolve(name, repository, words[3], "/".join(words[4:]))

    def answer(self, repository: Repository, what: str, revision: str, query: dict):
        fault = self.hub.fault(what)
        if "status" in fault:
            return self.refuse(fault["status"], headers=fault.get("headers", {}))
        if "body" in fault:
            return self.send_body(fault["body"], {})
        if revision not in repository.revisions:
            return self.refuse(404, "RevisionNotFound")
        if what == "revision":
            answer = {"id": "x", "sha": repository.commit, "gated": bool(repository.gated) and "manual",
                      "siblings": [{"rfilename": path} for path in repository.files]}
            return self.send_body(json.dumps(answer).encode(), {})
        tree, begin = repository.tree(), int(query.get("cursor", ["0"])[0])
        end, headers = begin + self.hub.page_size, {}
        if end < len(tree):  # a mirror gives the original's address: only the query counts
            headers["Link"] = f'<https://hub.invalid{urlsplit(self.path).path}?recursive=true&cursor={end}>; rel="next"'
        return self.send_body(json.dumps(tree[begin:end]).encode(), headers)

    def resolve(self, name: str, repository: Repository, revision: str, path: str):
        if path not in repository.files:
            return self.refuse(404, "EntryNotFound")
        headers = {"X-Repo-Commit": repository.commit}
        if path not in repository.large:
            return self.send_file(repository, path, self.hub.fault(path), {**headers, "ETag": f'"{repository.digest(path)}"'})
        headers |= {"X-Linked-Etag": f'"{repository.digest(path)}"', "X-Linked-Size": str(len(repository.files[path]))}
        return self.refuse(302, headers={**headers, "Location": f"{self.hub.cdn}/{name}/{quote(path)}?signature=1"})

    def send_file(self, repository: Repository, path: str, fault: dict, headers: dict):
        content, begin = repository.files[path], 0
        if "redirect" in fault:
            return self.refuse(302, headers={"Location": fault["redirect"]})
        if "status" in fault:
            return self.refuse(fault["status"], headers=fault.get("headers", {}))
        asked = self.headers.get("Range")
        if asked and not fault.get("ignore_range"):
            begin = int(asked.removeprefix("bytes=").split("-")[0])
            if begin >= len(content):
                return self.refuse(416)
            first = begin + 1 if fault.get("wrong_part") else begin
            headers = {**headers, "Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        if fault.get("corrupt"):
            content = bytes(b ^ 1 for b in content)
        self.send_body(content[begin:] + b"x" * fault.get("longer", 0), headers, fault, 206 if "Content-Range" in headers else 200)

    def send_body(self, body: bytes, headers: dict, fault: dict = {}, status=200):
        if "short" in fault:
            body = body[:fault["short"]]
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        body = body[:fault.get("drop", len(body))]
        piece = fault.get("piece", len(body) or 1)
        for begin in range(0, len(body), piece):
            time.sleep(fault.get("pause", 0))
            self.wfile.write(body[begin:begin + piece])
            self.wfile.flush()
        if "drop" in fault:
            self.close_connection = True

    def refuse(self, status: int, code: str = "", message: str = "", headers: dict = {}):
        if code:
            headers = {**headers, "X-Error-Code": code}
        if message:
            headers = {**headers, "X-Error-Message": message}
        self.send_response(status)
        body = b"<html>an error's page</html>"
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
