#!/usr/bin/env python3
"""Every object that is compiled for this machine's processor says so in its command, which is what a compiler's cache goes by.

usage: native_objects.py compile_commands.json
"""
import json
import re
import sys

commands = json.load(open(sys.argv[1]))
native = [c for c in commands if "-march=native" in c["command"]]
nameless = [c["file"] for c in native if not re.search(r"-DQB_CPU=[0-9a-f]{32}\b", c["command"])]
print(f"{len(native)} objects for this processor, {len(nameless)} without its name")
sys.exit(not native or bool(nameless))
