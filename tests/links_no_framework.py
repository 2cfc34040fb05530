"""That the orchestrator links and contains no framework and nothing that opens weights: its libraries and its symbols."""
import subprocess
import sys

FRAMEWORKS = ("onnxruntime", "OrtGetApiBase", "torch", "c10", "libmlx", "CoreML")
READERS = ("2qb7weights", "2qb4text", "2qb7prepare", "2qb8compress")  # namespaces, as symbols have them
program = sys.argv[1]
tool = ["otool", "-L"] if sys.platform == "darwin" else ["ldd"]
text = subprocess.run([*tool, program], capture_output=True, text=True, check=True).stdout
text += subprocess.run(["nm", "-u", program], capture_output=True, text=True, check=True).stdout
own = subprocess.run(["nm", program], capture_output=True, text=True, check=True).stdout
found = [word for word in FRAMEWORKS if word in text.replace(program, "")] + [word for word in READERS if word in own]
if "2qb3cli" not in own:
    found.append("no symbols to look at")
print(f"found {found}" if found else "links no framework, contains no reader of weights")
sys.exit(bool(found))
