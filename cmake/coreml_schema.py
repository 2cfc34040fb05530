"""Writes the part of Core ML's schema that ML Programs need as a descriptor set for protoc:
coreml_schema.py FOLDER OUTPUT, of the Python package coremltools unpacked into FOLDER.

The package's modules carry serialized descriptors. Nothing of it is imported, so it needn't be installed, and any of its
wheels will do; messages are taken apart by their wire format."""
import ast
import sys
from pathlib import Path

FILES = ("FeatureTypes", "MIL", "Model")
# Of Model.proto: the messages, and Model's fields. What is left out has the same wire format.
MESSAGES = {"FeatureDescription", "FunctionDescription", "Metadata", "ModelDescription", "Model"}
MODEL_FIELDS = {"specificationVersion", "description", "isUpdatable", "mlProgram"}
# Numbers of fields, in google/protobuf/descriptor.proto.
NAME, FILE_DEPENDENCY, FILE_MESSAGE, FILE_ENUM, FILE_PUBLIC_DEPENDENCY, MESSAGE_FIELD, SET_FILE = 1, 3, 4, 5, 10, 2, 1


def descriptor_of(module: Path) -> bytes:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    raise SystemExit(f"{module}: has no descriptor")


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def fields(data: bytes) -> list[tuple[int, bytes]]:
    """A message's fields: numbers with bytes, those of numbers left as they are encoded."""
    found, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            start = at
            _, at = varint(data, at)
        elif tag & 7 == 2:
            size, start = varint(data, at)
            at = start + size
        else:
            raise SystemExit(f"a descriptor has a field of wire type {tag & 7}")
        found.append((tag, data[start:at]))
    return found


def encode(found: list[tuple[int, bytes]]) -> bytes:
    def number(value: int) -> bytes:
        return bytes([value & 127 | 128]) + number(value >> 7) if value > 127 else bytes([value])
    return b"".join(number(tag) + (number(len(part)) if tag & 7 == 2 else b"") + part for tag, part in found)


def name_of(message: bytes) -> str:
    return next(part for tag, part in fields(message) if tag >> 3 == NAME).decode()


def prune_model(message: bytes) -> bytes:
    return encode([(tag, part) for tag, part in fields(message) if tag >> 3 != MESSAGE_FIELD or name_of(part) in MODEL_FIELDS])


def prune(file: bytes) -> bytes:
    """Model.proto without other kinds of models."""
    kept = []
    for tag, part in fields(file):
        if tag >> 3 in (FILE_DEPENDENCY, FILE_PUBLIC_DEPENDENCY, FILE_ENUM) or tag >> 3 == FILE_MESSAGE and name_of(part) not in MESSAGES:
            continue
        kept.append((tag, prune_model(part) if tag >> 3 == FILE_MESSAGE and name_of(part) == "Model" else part))
    return encode(kept + [(FILE_DEPENDENCY << 3 | 2, f"{name}.proto".encode()) for name in FILES if name != "Model"])


def main(folder: Path, output: Path) -> None:
    descriptors = {name: descriptor_of(folder / "coremltools" / "proto" / f"{name}_pb2.py") for name in FILES}
    descriptors["Model"] = prune(descriptors["Model"])
    output.write_bytes(encode([(SET_FILE << 3 | 2, file) for file in descriptors.values()]))


main(*map(Path, sys.argv[1:]))
