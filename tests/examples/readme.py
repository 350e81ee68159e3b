"""Keeps README.md true: readme.py PROJECT LINEGATE. Its first C++ sample must be tests/examples/weather_gateway.cc and its second
a part of cached_gateway.cc, which are compiled and run. Its pieces of config, as one file, must pass `linegate check`, without
a warning."""

import pathlib
import re
import subprocess
import sys
import tempfile

project = pathlib.Path(sys.argv[1])
readme = (project / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", readme, re.DOTALL)


def example(name: str) -> str:
    return (project / "tests/examples" / name).read_text()


whole, part = blocks("cpp")
source = example("weather_gateway.cc")
if whole != source[source.index("#include") :]:  # without the comment that says what the file is
    sys.exit("README.md's first C++ sample is not tests/examples/weather_gateway.cc")

if part not in example("cached_gateway.cc"):
    sys.exit("README.md's second C++ sample is no part of tests/examples/cached_gateway.cc")

with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
    config.write("\n".join(blocks("toml")))
    config.flush()
    check = subprocess.run([sys.argv[2], "check", config.name], check=True, stderr=subprocess.PIPE, text=True)
if check.stderr:
    sys.exit(f"README.md's config: {check.stderr}")
