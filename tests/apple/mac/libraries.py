"""What is known of macOS's libraries: by install name, the symbols each exports and where that is known from."""
from dataclasses import dataclass, field
from pathlib import Path

import lief
import yaml

lief.logging.disable()
N_STAB, N_TYPE = 0xE0, 0x0E  # of <mach-o/nlist.h>; 0: undefined


@dataclass
class Library:
    origin: str  # "real": a macOS library; "list": zig's list of libSystem; "stand-in": Debian's or a stub of ours
    exports: set[str]
    path: Path
    imports: dict[str, set[str]] = field(default_factory=dict)  # of a real one, by library


def macho(path: Path) -> lief.MachO.Binary:
    return lief.MachO.parse(str(path)).at(0)


def imports_of(binary: lief.MachO.Binary) -> tuple[dict[str, set[str]], set[str]]:
    """The imported symbols by the library that each names, and those that name none."""
    by_library: dict[str, set[str]] = {}
    names = [library.name for library in binary.libraries if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
    unnamed = set()
    for symbol in binary.imported_symbols:
        if symbol.raw_type & (N_STAB | N_TYPE):  # for debuggers, or weak and defined here too
            continue
        ordinal = symbol.library_ordinal
        if 1 <= ordinal <= len(names):
            by_library.setdefault(names[ordinal - 1], set()).add(symbol.name)
        else:  # looked up anywhere at run time
            unnamed.add(symbol.name)
    return by_library, unnamed


def real_library(path: Path) -> tuple[str, Library]:
    binary = macho(path)
    name = next(c.name for c in binary.commands if c.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB)
    exports = {symbol.name for symbol in binary.exported_symbols}
    return name, Library("real", exports, path, imports_of(binary)[0])


class Stub(yaml.SafeLoader):
    pass


Stub.add_constructor("!tapi-tbd", lambda loader, node: loader.construct_mapping(node, deep=True))


def stub_library(path: Path, origin: str) -> tuple[str, Library]:
    """A text stub; its first document names the library, the others are what it hands on."""
    documents = list(yaml.load_all(path.read_text(), Stub))
    exports = set()
    for document in documents:
        for block in document.get("exports", []) + document.get("reexports", []):
            if "arm64-macos" not in block["targets"]:
                continue
            exports.update(block.get("symbols") or [], block.get("weak-symbols") or [])
            exports.update("_OBJC_CLASS_$_" + name.lstrip("_") for name in block.get("objc-classes") or [])
    return documents[0]["install-name"], Library(origin, exports, path)


def known_libraries(real: list[Path], listed: list[Path], stand_ins: list[Path]) -> dict[str, Library]:
    found = dict(real_library(path) for folder in real for path in sorted(folder.glob("*.dylib")))
    found |= dict(stub_library(path, "list") for path in listed)
    return found | dict(stub_library(path, "stand-in") for folder in stand_ins for path in sorted(folder.rglob("*.tbd")))
