"""Fails when a file of src/ includes what lies beside or above its layer, or a library that is another layer's business.

The layers and what lies below each are read from the linegate_layer(...) lines of src/CMakeLists.txt, which also decide
what is linked: there is no second list. Knows nothing of C++ beyond #include lines.
"""

import pathlib
import re
import sys

# Who may include a third-party header directly; everybody else goes through that layer.
OWNERS = {
    "uv.h": {"loop", "net", "http"},
    "curl/": {"http"},
    "simdjson.h": {"json"},
    "microhttpd.h": {"daemon"},
    "spdlog/": {"daemon"},
    "CLI/": {"daemon"},
    "toml++/": {"daemon"},
}
# The daemon is an application of the library: it may include every layer, but of the libraries below only where it has to:
# to tell their versions, and to watch libmicrohttpd's descriptor.
EXCEPTIONS = {
    "daemon/version.cc": {"uv.h", "curl/", "simdjson.h"},
    "daemon/demo_api.h": {"uv.h"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def layers(cmake: str) -> dict[str, set[str]]:
    """Each layer with the layers that it may include, itself among them."""
    lines = re.findall(r"^linegate_layer\((\w+)(?:\s+BELOW\s+([\w\s]*?))?(?:\s+LIBRARIES\s+[^)]*)?\)", cmake, re.MULTILINE)
    below = {name: {name, *names.split()} for name, names in lines}
    below["daemon"] = {"daemon", *below}
    return below


def complaints(path: str, text: str, below: dict[str, set[str]]):
    """What is wrong with the includes of one file, path being relative to src/."""
    layer = path.split("/")[0]
    for header in INCLUDE.findall(text):
        folder = header.split("/")[0]
        if folder in below and folder not in below[layer]:
            yield f"{path} includes {header}, but {folder}/ is not below {layer}/"
        for library, owners in OWNERS.items():
            if header.startswith(library) and layer not in owners and library not in EXCEPTIONS.get(path, ()):
                yield f"{path} includes {header}, which only {', '.join(sorted(owners))} may"


def check(src: pathlib.Path) -> list[str]:
    below = layers((src / "CMakeLists.txt").read_text())
    found = []
    for file in sorted(src.glob("*/*.h")) + sorted(src.glob("*/*.cc")):
        path = file.relative_to(src).as_posix()
        if path.split("/")[0] in below:
            found += complaints(path, file.read_text(), below)
        else:
            found.append(f"{path} belongs to no layer of src/CMakeLists.txt")
    return found


def test_itself(below: dict[str, set[str]]) -> None:
    """The check must be able to fail: it finds a planted violation of each kind, and passes what is allowed."""
    assert {"base", "coro", "loop", "net", "http", "json", "wire"} <= below.keys(), below
    assert list(complaints("base/x.h", '#include "loop/loop.h"', below)), "upwards"
    assert list(complaints("net/x.h", '#include "http/session.h"', below)), "sideways"
    assert list(complaints("wire/x.cc", "#include <simdjson.h>", below)), "another's library"
    assert not list(complaints("http/x.cc", '#include "loop/loop.h"\n#include <curl/curl.h>', below)), "downwards"


if __name__ == "__main__":
    root = pathlib.Path(sys.argv[1])
    test_itself(layers((root / "CMakeLists.txt").read_text()))
    errors = check(root)
    print("\n".join(errors) or "every include points downwards")
    sys.exit(1 if errors else 0)
