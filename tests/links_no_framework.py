"""That the orchestrator links and contains no framework: its libraries and its undefined symbols."""
import subprocess
import sys

WORDS = ("onnxruntime", "OrtGetApiBase", "torch", "c10", "libmlx", "CoreML")
program = sys.argv[1]
tool = ["otool", "-L"] if sys.platform == "darwin" else ["ldd"]
text = subprocess.run([*tool, program], capture_output=True, text=True, check=True).stdout
text += subprocess.run(["nm", "-u", program], capture_output=True, text=True, check=True).stdout
found = [word for word in WORDS if word in text.replace(program, "")]
print(f"found {found}" if found else "links no framework")
sys.exit(bool(found))
