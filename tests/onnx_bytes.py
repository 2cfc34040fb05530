"""Small ONNX models written byte by byte: no other program's idea of the format stands between a test and qbench."""
import numpy as np


# Protocol buffers, as far as ONNX needs them.
def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, *content) -> bytes:
    body = b"".join(c.encode() if isinstance(c, str) else c for c in content)
    return varint(field << 3 | 2) + varint(len(body)) + body


FLOAT, INT64, BOOL, DOUBLE = 1, 7, 9, 11
NUMPY_TYPES = {FLOAT: "<f4", INT64: "<i8", DOUBLE: "<f8"}


def tensor(name: str, values=None, location: str = "", kind: int = FLOAT, dims=(4,)) -> bytes:
    """A TensorProto."""
    head = b"".join(number(1, d) for d in dims) + number(2, kind) + message(8, name)
    if location:
        return head + message(13, message(1, "location"), message(2, location)) + number(14, 1)
    return head + message(9, np.asarray(values, NUMPY_TYPES[kind]).tobytes())


def value(name: str, *dims, kind: int = FLOAT, has_rank: bool = True) -> bytes:
    """A ValueInfoProto; a text is a symbolic dimension."""
    shape = b"".join(message(1, message(2, d) if isinstance(d, str) else number(1, d)) for d in dims)
    return message(1, name) + message(2, message(1, number(1, kind), message(2, shape) if has_rank else b""))


def graph(nodes: bytes, inputs, outputs, weights=()) -> bytes:
    return nodes + message(2, "g") + b"".join(message(5, w) for w in weights) + b"".join(message(11, i) for i in inputs) + \
        b"".join(message(12, o) for o in outputs)


def graph_attribute(name: str, body: bytes) -> bytes:
    return message(5, message(1, name), number(20, 5), message(6, body))


def integer_attribute(name: str, number_: int) -> bytes:
    return message(5, message(1, name), number(20, 2), number(3, number_))


def node(op: str, inputs, outputs, *attributes) -> bytes:
    return message(1, *[message(1, i) for i in inputs], *[message(2, o) for o in outputs], message(4, op), *attributes)


def model(graph: bytes, *more: bytes) -> bytes:
    return number(1, 8) + message(8, message(1, ""), number(2, 17)) + message(7, graph) + b"".join(more)


def adder(weight: bytes, dims=("N", 4), name: str = "x") -> bytes:
    """y = x + w"""
    return model(node("Add", [name, "w"], ["y"]) + message(2, "adder") + message(5, weight) + message(11, value(name, *dims)) +
                 message(12, value("y", *dims)))
