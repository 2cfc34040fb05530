"""qbench fetch against a hub on this machine, over TLS: what it brings, what it does when the hub misbehaves, and that the
hub's own Python tools and qbench find what the other brought. No test reaches another machine."""
import fcntl
import json
import os
import random
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hub_server import Certificates, Hub, Repository
from program import Program, answer_at_terminal, refused

NAME = "org/model"
WEIGHTS = random.Random(1).randbytes(3_000_000)
FILES = {"config.json": b'{"model_type": "llama"}', "tokenizer.json": b"{}", "README.md": b"text", "model.safetensors": WEIGHTS,
         "pytorch_model.bin": b"old", "onnx/model.onnx": b"other", "empty.txt": b""}
WANTED = {"config.json", "tokenizer.json", "model.safetensors", "empty.txt"}
CLEARED = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME",
           "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
           "HF_HUB_DOWNLOAD_TIMEOUT", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY",
           "no_proxy", "NO_PROXY")


@pytest.fixture(scope="session")
def certificates(tmp_path_factory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def hub(certificates):
    hub = Hub(certificates)
    hub.repositories[NAME] = Repository(dict(FILES))
    yield hub
    hub.stop()


@pytest.fixture
def user(bin_folder, hub, certificates, tmp_path, monkeypatch) -> Program:
    """qbench with a home folder of its own, told of the hub."""
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)
    return Program(bin_folder / "qbench", tmp_path, HF_ENDPOINT=hub.url, SSL_CERT_FILE=str(certificates.ca), HOME=str(tmp_path),
                   HF_HOME=str(tmp_path / "hf"))


def fetch(user: Program, name=NAME, *arguments, **more):
    return user.run("fetch", name, "--yes", *arguments, timeout=60, **more)


def folder_of(done) -> Path:
    assert done.returncode == 0, done
    return Path(done.stdout.strip())


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def repository_folder(user: Program) -> Path:
    return user.folder / "hf/hub/models--org--model"


def kept(user: Program) -> set[str]:
    """The blobs, and what is there of others."""
    folder = repository_folder(user) / "blobs"
    return {p.name for p in folder.iterdir()} if folder.exists() else set()


def good(user: Program, *arguments, **more) -> None:
    """Fetches, and has what a model needs, as the hub has it."""
    done = fetch(user, NAME, *arguments, **more)
    assert contents(folder_of(done)) == {path: FILES[path] for path in WANTED}, done
    assert not [name for name in kept(user) if name.endswith(".incomplete")]


# What is fetched.


def test_a_model_is_fetched_into_the_layout_of_the_hubs_tools(user, hub):
    done = fetch(user)
    folder, commit = folder_of(done), hub.repositories[NAME].commit
    assert folder == repository_folder(user) / "snapshots" / commit
    assert contents(folder) == {path: FILES[path] for path in WANTED}
    assert (repository_folder(user) / "refs/main").read_text() == commit
    link = folder / "model.safetensors"
    assert os.readlink(link) == f"../../blobs/{hub.repositories[NAME].digest('model.safetensors')}"
    assert "4 files, 3.00 MB; 3.00 MB to fetch" in done.stderr and "pytorch_model.bin" not in done.stderr, done.stderr


def test_what_is_here_is_not_fetched_again(user, hub):
    good(user)
    hub.requests.clear()
    done = user.run("fetch", NAME)  # nothing to ask either
    assert done.returncode == 0 and "all is here" in done.stderr and not hub.asked("/resolve/"), done


def test_a_revision_is_fetched_by_its_name_and_by_its_commit(user, hub):
    repository = hub.repositories[NAME]
    repository.revisions.add("refs/pr/1")
    assert folder_of(fetch(user, f"{NAME}@refs/pr/1")) == folder_of(fetch(user, f"{NAME}@{repository.commit}"))
    assert hub.asked("/revision/refs/pr/1") and (repository_folder(user) / "refs/refs/pr/1").read_text() == repository.commit


def test_shards_are_those_of_the_index(user, hub):
    shards = {f"model-0000{i}-of-00002.safetensors": bytes([i]) * 1000 for i in (1, 2)}
    index = json.dumps({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}).encode()
    files = {"config.json": b"{}", "model.safetensors.index.json": index, **shards}
    hub.repositories[NAME] = Repository({**files, "consolidated.safetensors": b"twice", "pytorch_model.bin": b"old"})
    assert contents(folder_of(fetch(user))) == files
    del hub.repositories[NAME].files["model-00002-of-00002.safetensors"]
    shutil.rmtree(user.folder / "hf")
    refused(fetch(user), "index of weights", "model-00002-of-00002.safetensors")


def test_of_several_gguf_files_the_user_chooses_and_a_split_one_comes_whole(user, hub):
    files = {"a-Q4_0.gguf": b"4", "a-Q8_0-00001-of-00002.gguf": b"81", "a-Q8_0-00002-of-00002.gguf": b"82"}
    hub.repositories[NAME] = Repository({"config.json": b"{}", **files})
    refused(fetch(user), "--file", "a-Q4_0.gguf (1.00 B)", "a-Q8_0-00001-of-00002.gguf")
    folder = folder_of(fetch(user, NAME, "--file", "a-Q8_0-00001-of-00002.gguf"))
    assert set(contents(folder)) == {"a-Q8_0-00001-of-00002.gguf", "a-Q8_0-00002-of-00002.gguf"}
    refused(fetch(user, NAME, "--file", "b.gguf"), "no file b.gguf")


def test_a_listing_of_many_pages_is_read_to_its_end_and_from_the_users_hub_only(user, hub):
    hub.page_size = 2
    good(user)  # the pages' links lead to a hub that doesn't exist
    assert len(hub.asked("/tree/")) == 4


def test_nothing_is_fetched_without_a_yes(user, hub):
    refused(user.run("fetch", NAME), NAME, "3.00 MB", "--yes")
    assert not hub.asked("/resolve/")


@pytest.mark.parametrize("answer, code", ((b"y\n", 0), (b"n\n", 2), (b"\n", 2)))
def test_a_terminal_is_asked(user, hub, answer, code):
    done, shown = answer_at_terminal([user.path, "fetch", NAME], answer, user.environment)
    assert done == code and b"3.00 MB to fetch" in shown, shown
    assert bool(hub.asked("/resolve/")) == (code == 0)


# A hub that fails, and comes back.


def weights(hub) -> list:
    """The byte that each request for the weights begins with."""
    return [int(r.headers.get("Range", "bytes=0-")[6:].split("-")[0]) for r in hub.asked("model.safetensors", "cdn")]


@pytest.mark.parametrize("fault", ({"drop": 1_000_000}, {"short": 1_000_000}), ids=("dropped", "short"))
def test_a_broken_body_is_gone_on_with(user, hub, fault):
    hub.faults["model.safetensors"] = [fault]
    good(user)
    assert weights(hub) == [0, 1_000_000]


def test_a_server_without_ranges_sends_all_again(user, hub):
    hub.faults["model.safetensors"] = [{"drop": 1_000_000}, {"ignore_range": True}]
    good(user)


def test_another_part_than_was_asked_for_is_not_taken(user, hub):
    hub.faults["model.safetensors"] = [{"drop": 1_000_000}, {"wrong_part": True}]
    good(user)
    assert weights(hub) == [0, 1_000_000, 0]


@pytest.mark.parametrize("key, path", (("revision", "/revision/"), ("tree", "/tree/"), ("config.json", "config.json"),
                                       ("model.safetensors", "model.safetensors")))
@pytest.mark.parametrize("status", (500, 503, 429, 408))
def test_a_busy_server_is_asked_again(user, hub, key, path, status):
    hub.faults[key] = [{"status": status}]
    good(user)
    assert len(hub.asked(path, "cdn" if key == "model.safetensors" else "hub")) == 2


def test_the_wait_that_a_server_asks_for_is_kept(user, hub):
    hub.faults["model.safetensors"] = [{"status": 429, "headers": {"Retry-After": "2"}}]
    begin = time.monotonic()
    good(user)
    assert time.monotonic() - begin >= 2


def test_a_server_that_asks_for_too_long_a_wait_is_left(user, hub):
    hub.faults["revision"] = [{"status": 429, "headers": {"Retry-After": "4000"}}]
    begin = time.monotonic()
    refused(fetch(user), "fewer requests", "4000 s", "HF_TOKEN")
    assert time.monotonic() - begin < 2


def test_a_server_that_stays_away_is_left_and_what_came_is_kept(user, hub):
    hub.faults["model.safetensors"] = [{"drop": 100_000}] + [{"status": 503}] * 4
    refused(fetch(user), NAME, "model.safetensors", "503")
    assert f"{hub.repositories[NAME].digest('model.safetensors')}.incomplete" in kept(user)
    assert not (repository_folder(user) / "refs/main").exists(), "a folder that is not whole has a name"
    good(user)
    assert weights(hub)[-1] == 100_000


def test_a_server_that_is_too_slow_is_asked_again(user, hub):
    hub.faults["model.safetensors"] = [{"piece": 100, "pause": 0.5}]
    begin = time.monotonic()
    good(user, HF_HUB_DOWNLOAD_TIMEOUT="2")
    assert time.monotonic() - begin < 20 and len(weights(hub)) == 2


# A hub that is wrong.


def test_a_wrong_hash_is_refused_and_nothing_is_kept(user, hub):
    for path in ("model.safetensors", "config.json"):
        shutil.rmtree(user.folder / "hf", ignore_errors=True)
        hub.faults[path] = [{"corrupt": True}]
        refused(fetch(user), path, hub.repositories[NAME].digest(path), "not kept")
        assert hub.repositories[NAME].digest(path) not in "".join(kept(user))


def test_a_stale_part_is_fetched_anew(user, hub):
    blobs = repository_folder(user) / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hub.repositories[NAME].digest('model.safetensors')}.incomplete").write_bytes(b"x" * 1000)
    good(user)
    assert weights(hub) == [1000, 0]


@pytest.mark.parametrize("length", (len(WEIGHTS), len(WEIGHTS) + 5))
def test_a_part_as_long_as_the_file_or_longer(user, hub, length):
    """As it is left when qbench is killed while it checks the hash."""
    blobs = repository_folder(user) / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{hub.repositories[NAME].digest('model.safetensors')}.incomplete").write_bytes((WEIGHTS + b"12345")[:length])
    good(user)
    assert weights(hub) == ([] if length == len(WEIGHTS) else [0])


def test_more_than_the_listing_says_is_refused(user, hub):
    hub.faults["model.safetensors"] = [{"longer": 10}]
    refused(fetch(user), "model.safetensors", "more than the 3000000 bytes")


def test_a_damaged_blob_is_replaced(user, hub):
    good(user)
    (repository_folder(user) / "blobs" / hub.repositories[NAME].digest("model.safetensors")).write_bytes(b"cut")
    good(user)


def test_a_disk_that_is_too_small_is_told_before_the_download(user, hub):
    repository = hub.repositories[NAME]
    repository.listed["model.safetensors"] = {"lfs": {"oid": repository.digest("model.safetensors"), "size": 10**13}}
    refused(user.run("fetch", NAME), "10.0 TB to fetch", "room", "HF_HUB_CACHE")
    assert not hub.asked("/resolve/")


@pytest.mark.parametrize("path", ("../../escaped.json", "/tmp/escaped.json", "a/../../escaped.json", "a\\..\\escaped.json",
                                  "nul\0.json", "a//b.json", ".", "line\nbreak.json"))
def test_a_path_that_leads_out_of_the_folder_is_refused(user, hub, path):
    repository = hub.repositories[NAME]
    repository.listed["tokenizer.json"] = {"path": path}
    refused(fetch(user), "outside of its folder")
    assert not kept(user) and not list(user.folder.rglob("*escaped*")) and not hub.asked("/resolve/")


@pytest.mark.parametrize("listed, word", (({"path": "config.json"}, "twice"), ({"path": "config.json/x"}, "as a file and as a folder"),
                                          ({"size": -1}, "no size"), ({"oid": "../../../x"}, "no size and hash"), ({"oid": 7}, "oid")))
def test_a_listing_that_makes_no_sense_is_refused(user, hub, listed, word):
    hub.repositories[NAME].listed["tokenizer.json"] = listed
    refused(fetch(user), word)


@pytest.mark.parametrize("key", ("revision", "tree"))
@pytest.mark.parametrize("body", (b"<html>please log in</html>", b"[" * 100_000, b"{}", b'{"sha": "../x"}', b""),
                         ids=("page", "deep", "object", "commit", "nothing"))
def test_an_answer_that_is_none_is_refused(user, hub, key, body):
    hub.faults[key] = [{"body": body}]
    refused(fetch(user), NAME, "hub's answer")


# Who may have what.


@pytest.mark.parametrize("name, words", (
    ("org/none", ("no model org/none", "private", "HF_TOKEN")),
    (f"{NAME}@none", ("no revision \"none\"",)),
    ("model", ("ORG/NAME",)), ("org/../x", ("ORG/NAME",)), ("a/b/c", ("ORG/NAME",)), (f"{NAME}@", ("revision",)),
    (f"{NAME}@../x", ("revision",))))
def test_a_name_of_nothing_is_refused(user, name, words):
    refused(fetch(user, name), *words)


def test_a_gated_model_says_how_to_get_access(user, hub):
    repository = hub.repositories[NAME]
    repository.gated = True
    refused(fetch(user), "gated", f"{hub.url}/{NAME}", "licence", "HF_TOKEN")
    assert not hub.asked("/resolve/")
    good(user, HF_TOKEN="hf_secret")
    repository.gated = "never"
    shutil.rmtree(user.folder / "hf")
    refused(fetch(user, HF_TOKEN="hf_secret"), "gated", "licence", "the token of HF_TOKEN was sent")


def test_a_wrong_token_is_said_to_be_wrong_and_never_shown(user, hub):
    hub.token = "hf_right"
    done = fetch(user, HF_TOKEN="hf_wrong")
    refused(done, "token of HF_TOKEN", "mistyped")
    assert "hf_wrong" not in done.stderr + done.stdout


def test_a_forbidden_file_is_told(user, hub):
    hub.faults["config.json"] = [{"status": 403, "headers": {"X-Error-Message": "Blocked in your country\x1b[2J"}}]
    done = fetch(user)
    refused(done, "no access", "Blocked in your country")
    assert "\x1b" not in done.stderr


def test_a_file_that_is_gone_is_told(user, hub):
    hub.faults["config.json"] = [{"status": 404}]
    refused(fetch(user), NAME, "no file config.json")


def test_the_token_is_sent_to_the_hub_alone(user, hub):
    (user.folder / "hf").mkdir()
    (user.folder / "hf/token").write_text("hf_secret\n")
    good(user)
    by_server = {server: {r.headers.get("Authorization") for r in hub.requests if r.server == server} for server in ("hub", "cdn")}
    assert by_server == {"hub": {"Bearer hf_secret"}, "cdn": {None}}


@pytest.mark.parametrize("environment", ({"HF_TOKEN": " hf_secret\n"}, {"HUGGING_FACE_HUB_TOKEN": "hf_secret"}, {"HF_TOKEN_PATH": "~/elsewhere"}))
def test_where_a_token_is_found(user, hub, environment):
    (user.folder / "elsewhere").write_text("hf_secret")
    good(user, **environment)
    assert hub.requests[0].headers["Authorization"] == "Bearer hf_secret"


def test_a_token_that_would_be_more_than_a_token_is_refused(user):
    done = fetch(user, HF_TOKEN="hf_a\r\nX-Evil: 1")
    refused(done, "HF_TOKEN holds no token")


def test_a_token_is_not_sent_without_tls(user, hub):
    fetch(user, HF_ENDPOINT=hub.plain, HF_TOKEN="hf_secret")
    assert hub.requests and {r.headers.get("Authorization") for r in hub.requests} == {None}


def test_redirects_are_followed_but_not_for_ever_nor_to_where_there_is_no_tls(user, hub):
    place = f"{hub.cdn}/{NAME}/model.safetensors"
    hub.faults["model.safetensors"] = [{"redirect": "model.safetensors?again=1"}, {"redirect": place}]
    good(user)
    shutil.rmtree(user.folder / "hf")
    hub.faults["model.safetensors"] = [{"redirect": place}] * 20
    refused(fetch(user), "model.safetensors", "redirects")
    hub.faults["model.safetensors"] = [{"redirect": f"{hub.plain}/{NAME}/model.safetensors"}]
    refused(fetch(user), "model.safetensors", "no TLS")
    hub.faults["model.safetensors"] = [{"redirect": "file:///etc/passwd"}]
    refused(fetch(user), "model.safetensors", "redirects")
    assert not hub.asked("", "plain")


def test_a_certificate_that_nobody_vouches_for_is_refused(user, hub):
    refused(fetch(user, SSL_CERT_FILE=None), "certificate", "SSL_CERT_FILE")
    assert not hub.requests


def test_a_proxy_of_the_environment_is_used_and_sees_no_token(user, hub):
    seen = []

    class Proxy(socketserver.StreamRequestHandler):
        def handle(self):
            while (line := self.rfile.readline().strip()):
                seen.append(line.decode())
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        done = fetch(user, https_proxy=f"http://127.0.0.1:{proxy.server_address[1]}", HF_TOKEN="hf_secret")
        proxy.shutdown()
    refused(done, NAME)
    assert seen[0].startswith("CONNECT localhost:") and "hf_secret" not in "".join(seen), seen
    assert not hub.requests


@pytest.mark.parametrize("name, value", (("HF_ENDPOINT", "localhost"), ("HF_ENDPOINT", "ftp://x"), ("HF_HUB_DOWNLOAD_TIMEOUT", "soon")))
def test_a_variable_that_says_nothing_useful_is_refused(user, name, value):
    refused(fetch(user, **{name: value}), name, value)


# Killed, and beside others.


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def part_of(user, hub) -> Path:
    return repository_folder(user) / "blobs" / f"{hub.repositories[NAME].digest('model.safetensors')}.incomplete"


def has_part(user, hub):
    return lambda: part_of(user, hub).exists() and part_of(user, hub).stat().st_size >= 1_000_000


@pytest.mark.parametrize("how, code", ((signal.SIGKILL, -9), (signal.SIGINT, 130)))
def test_a_fetch_that_was_killed_is_gone_on_with(user, hub, how, code):
    hub.faults["model.safetensors"] = [{"piece": 500_000, "pause": 0.4}]
    process = user.start("fetch", NAME, "--yes")
    wait_for(has_part(user, hub))
    process.send_signal(how)
    assert process.wait(20) == code, process.communicate()
    had = part_of(user, hub).stat().st_size
    good(user)
    assert had >= 1_000_000 and weights(hub) == [0, had]


def test_two_at_once_fetch_each_file_once(user, hub):
    hub.faults["model.safetensors"] = [{"piece": 500_000, "pause": 0.2}]
    both = [user.start("fetch", NAME, "--yes") for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], ends
    assert ends[0][0] == ends[1][0] and weights(hub) == [0]
    good(user)


def test_the_lock_is_that_of_the_hubs_own_tools(user, hub):
    from filelock import FileLock
    digest = hub.repositories[NAME].digest("model.safetensors")
    path = user.folder / "hf/hub/.locks/models--org--model" / f"{digest}.lock"
    path.parent.mkdir(parents=True)
    with FileLock(str(path)):
        process = user.start("fetch", NAME, "--yes")
        wait_for(lambda: (repository_folder(user) / "blobs" / hub.repositories[NAME].digest("tokenizer.json")).exists())
        time.sleep(0.5)
        assert process.poll() is None and weights(hub) == []
    assert process.wait(20) == 0 and weights(hub) == [0]


# Without a hub.


def test_offline_only_what_is_here_is_taken(user, hub):
    refused(fetch(user, HF_HUB_OFFLINE="1"), "HF_HUB_OFFLINE", f"{NAME} is not in")
    good(user)
    hub.requests.clear()
    good(user, HF_HUB_OFFLINE="1")
    refused(fetch(user, NAME, "--file", "README.md", HF_HUB_OFFLINE="1"), "no file README.md")
    assert not hub.requests


def test_a_hub_that_does_not_answer_is_done_without(user, hub):
    good(user)
    hub.stop()
    done = fetch(user)
    assert folder_of(done).name == hub.repositories[NAME].commit and "what is here is taken" in done.stderr, done
    refused(fetch(user, "org/other"), "org/other", "localhost")


# The hub's own Python tools.


def python(user: Program, text: str, **environment) -> str:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=120,
                          env=user.environment_with({"HF_HUB_DISABLE_XET": "1", **environment}))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_hubs_tools_find_what_qbench_fetched(user, hub):
    folder = folder_of(fetch(user))
    hub.requests.clear()
    found = python(user, "from huggingface_hub import hf_hub_download, snapshot_download\n"
                         f"print(snapshot_download('{NAME}'))\nprint(hf_hub_download('{NAME}', 'model.safetensors'))", HF_HUB_OFFLINE="1")
    assert found.split() == [str(folder), str(folder / "model.safetensors")] and not hub.requests
    scanned = python(user, "from huggingface_hub import scan_cache_dir\nc = scan_cache_dir()\n"
                           "print(c.warnings, [(r.repo_id, r.size_on_disk, len(list(r.revisions)[0].files)) for r in c.repos])")
    assert scanned == f"[] [('{NAME}', {sum(len(FILES[path]) for path in WANTED)}, {len(WANTED)})]"


def test_qbench_finds_what_the_hubs_tools_fetched(user, hub):
    folder = python(user, f"from huggingface_hub import snapshot_download\nprint(snapshot_download('{NAME}'))")
    assert contents(Path(folder)) == FILES
    hub.requests.clear()
    done = user.run("fetch", NAME)
    assert folder_of(done) == Path(folder) and "all is here" in done.stderr and not hub.asked("/resolve/"), done
    assert str(folder_of(fetch(user, HF_HUB_OFFLINE="1"))) == folder
