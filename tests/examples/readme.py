"""Keeps README.md true: readme.py PROJECT LINEGATE. Its first C++ sample must be tests/examples/weather_gateway.cc, which is
compiled and run, and its config must pass `linegate check`."""

import pathlib
import re
import subprocess
import sys
import tempfile

project = pathlib.Path(sys.argv[1])
readme = (project / "README.md").read_text()


def first_block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", readme, re.DOTALL).group(1)


source = (project / "tests/examples/weather_gateway.cc").read_text()
if first_block("cpp") != source[source.index("#include") :]:  # without the comment that says what the file is
    sys.exit("README.md's first C++ sample is not tests/examples/weather_gateway.cc")

with tempfile.NamedTemporaryFile("w", suffix=".toml") as config:
    config.write(first_block("toml"))
    config.flush()
    subprocess.run([sys.argv[2], "check", config.name], check=True)
