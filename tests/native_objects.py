"""Every object that is compiled for this machine's processor (or the one that the build was told of) says so in its command, which is
what a compiler's cache goes by."""
import json
import re


def test_native_objects_name_the_processor(build):
    commands = json.loads((build / "compile_commands.json").read_text())
    native = [c for c in commands if "-march=" in c["command"]]
    assert native, f"none of {len(commands)} objects is for this processor: nothing to look at"
    nameless = [c["file"] for c in native if not re.search(r"-DQB_CPU=[0-9a-f]{32}\b", c["command"])]
    assert not nameless, f"of {len(native)} objects for this processor these don't name it: {nameless}"
