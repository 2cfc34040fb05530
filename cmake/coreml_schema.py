"""Writes the part of Core ML's schema that ML Programs need, out of the descriptors inside the Python package
coremltools, as a descriptor set for protoc: coreml_schema.py OUTPUT. The package itself is not imported."""
import ast
import importlib.util
import sys
from pathlib import Path

from google.protobuf import descriptor_pb2

FILES = ("FeatureTypes", "MIL", "Model")
# Of Model.proto: the messages, and Model's fields. What is left out has the same wire format.
MESSAGES = {"FeatureDescription", "FunctionDescription", "Metadata", "ModelDescription", "Model"}
FIELDS = {"specificationVersion", "description", "isUpdatable", "mlProgram"}


def descriptor_of(module: Path) -> descriptor_pb2.FileDescriptorProto:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return descriptor_pb2.FileDescriptorProto.FromString(ast.literal_eval(node.args[0]))
    raise SystemExit(f"{module}: has no descriptor")


def prune(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Model.proto without other kinds of models."""
    messages = [m for m in file.message_type if m.name in MESSAGES]
    model = next(m for m in messages if m.name == "Model")
    fields = [f for f in model.field if f.name in FIELDS]
    del file.message_type[:], file.enum_type[:], file.dependency[:], file.public_dependency[:], model.field[:]
    model.field.extend(fields)
    file.message_type.extend(messages)
    file.dependency.extend(f"{name}.proto" for name in FILES if name != "Model")


def main() -> None:
    package = Path(importlib.util.find_spec("coremltools").origin).parent
    descriptors = descriptor_pb2.FileDescriptorSet()
    for name in FILES:
        file = descriptors.file.add()
        file.CopyFrom(descriptor_of(package / "proto" / f"{name}_pb2.py"))
        if name == "Model":
            prune(file)
    Path(sys.argv[1]).write_bytes(descriptors.SerializeToString(deterministic=True))


main()
