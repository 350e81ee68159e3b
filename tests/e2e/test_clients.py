"""JSON-RPC clients that nobody here wrote: jayson (npm) and aiorpcX (Electrum's library), pipelined and in batches."""

import asyncio
import json
import os
import subprocess
import time
from pathlib import Path

import aiorpcx
import pytest
from api import reply
from gateway import PROGRAM, Gateway, config

HERE = Path(__file__).resolve().parent


def answer_path(exchange):
    time.sleep(0.002)
    exchange.reply(json.dumps(exchange.request.path).encode())


@pytest.fixture(scope="module")
def gateway(api):
    api.on("*", answer_path)
    api.on("/missing", reply({"why": "gone"}, status=404))
    with Gateway(config(api.url)) as running:
        yield running


# jayson


def modules():
    """Where npm put the packages of js/package.json: NODE_PATH, or the build folder of the program under test."""
    named = os.environ.get("NODE_PATH") or Path(PROGRAM).resolve().parent / "tests" / "e2e" / "js" / "node_modules"
    assert Path(named, "jayson").is_dir(), f"no jayson in {named}: run ctest's e2e.npm first"
    return str(named)


@pytest.fixture(scope="module")
def jayson(gateway):
    """Everything that the script does with jayson's TCP client, in one run of node."""
    done = subprocess.run(
        ["node", HERE / "js" / "client.js", str(gateway.port)],
        env={**os.environ, "NODE_PATH": modules()},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_jayson_gets_a_result(jayson):
    assert jayson["call"]["result"] == "/one"


def test_jayson_gets_an_error(jayson):
    assert (jayson["error"]["error"]["code"], jayson["error"]["error"]["data"]["status"]) == (-32001, 404)


def test_jayson_sends_a_notification(jayson, api):
    assert jayson["notification"] is None
    api.arrived("/notified")


def test_jayson_gets_a_batch_in_order(jayson):
    assert [answer["result"] for answer in jayson["batch"]] == ["/b0", "/b1", "/b2"]


def test_jayson_sends_many_at_once(jayson):
    assert [answer["result"] for answer in jayson["many"]] == [f"/m{n}" for n in range(100)]


# aiorpcX


def with_session(gateway, use):
    async def run():
        async with aiorpcx.connect_rs("127.0.0.1", gateway.port) as session:
            return await asyncio.wait_for(use(session), 30)

    return asyncio.run(run())


def test_aiorpcx_gets_a_result(gateway):
    assert with_session(gateway, lambda session: session.send_request("fetch", ["one"])) == "/one"
    assert with_session(gateway, lambda session: session.send_request("fetch", {"name": "two"})) == "/two"


def test_aiorpcx_gets_an_error(gateway):
    with pytest.raises(aiorpcx.RPCError) as caught:
        with_session(gateway, lambda session: session.send_request("fetch", ["missing"]))
    assert caught.value.code == -32001
    with pytest.raises(aiorpcx.RPCError) as caught:
        with_session(gateway, lambda session: session.send_request("nosuch"))
    assert (caught.value.code, caught.value.message) == (-32601, "Method not found")


def test_aiorpcx_pipelines(gateway):
    async def many(session):
        return await asyncio.gather(*[session.send_request("fetch", [f"p{n}"]) for n in range(300)])

    assert with_session(gateway, many) == [f"/p{n}" for n in range(300)]


def test_aiorpcx_sends_batches_and_notifications(gateway, api):
    async def batches(session):
        async with session.send_batch() as batch:
            for n in range(20):
                batch.add_request("fetch", [f"b{n}"])
            batch.add_notification("fetch", ["told"])
        await session.send_notification("fetch", ["told"])
        return batch.results

    assert list(with_session(gateway, batches)) == [f"/b{n}" for n in range(20)]
    api.arrived("/told", 2)


def test_aiorpcx_sees_errors_in_a_batch(gateway):
    async def mixed(session):
        async with session.send_batch() as batch:
            batch.add_request("fetch", ["fine"])
            batch.add_request("fetch", ["missing"])
        return batch.results

    fine, missing = with_session(gateway, mixed)
    assert fine == "/fine"
    assert isinstance(missing, aiorpcx.RPCError) and missing.code == -32001


def test_aiorpcx_keeps_a_session_for_long(gateway):
    async def in_turn(session):
        return [await session.send_request("fetch", [f"s{n}"]) for n in range(50)]

    assert with_session(gateway, in_turn) == [f"/s{n}" for n in range(50)]
