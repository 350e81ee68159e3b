"""The same job in Python: asyncio streams in, one shared aiohttp.ClientSession out. Usage: PORT UPSTREAM CONNECTIONS [uvloop]

Written as its users write it: a task per request, text replies in request order, JSON-RPC replies as they complete.
"""
import asyncio
import json
import sys

import aiohttp


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


class Gateway:
    def __init__(self, session, upstream):
        self.session = session
        self.upstream = upstream

    async def fetch(self, method, words, query):
        path = "/".join([method, *words])
        async with self.session.get(f"{self.upstream}/{path}", params=query) as response:
            response.raise_for_status()
            return await response.json()

    async def answer_text(self, line):
        method, *words = line.decode().split()
        query = dict(word.split("=", 1) for word in words if "=" in word)
        try:
            value = await self.fetch(method, [word for word in words if "=" not in word], query)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return b"ERR upstream_error " + compact({"message": str(error)}) + b"\n"
        return b"OK " + compact(value) + b"\n"

    async def answer_jsonrpc(self, line, writer):
        request = json.loads(line)
        params = request.get("params", [])
        named = isinstance(params, dict)
        query = {key: value for key, value in params.items() if key != "id"} if named else None
        reply = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            reply["result"] = await self.fetch(request["method"], [params["id"]] if named else params, query)
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            reply["error"] = {"code": -32000, "message": str(error), "data": {"symbol": "upstream_error"}}
        writer.write(compact(reply) + b"\n")

    async def send_in_order(self, replies, writer):
        while task := await replies.get():
            writer.write(await task)
            await writer.drain()

    async def serve(self, reader, writer):
        replies, tasks = asyncio.Queue(), set()
        sender = asyncio.create_task(self.send_in_order(replies, writer))
        while line := await reader.readline():
            if line.startswith(b"{"):
                task = asyncio.create_task(self.answer_jsonrpc(line, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            else:
                replies.put_nowait(asyncio.create_task(self.answer_text(line)))
        replies.put_nowait(None)
        await sender
        writer.close()


async def main(port, upstream, connections):
    timeout = aiohttp.ClientTimeout(total=30)
    connector = aiohttp.TCPConnector(limit=connections, limit_per_host=connections)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        gateway = Gateway(session, upstream)
        server = await asyncio.start_server(gateway.serve, "127.0.0.1", port, backlog=4096)
        await server.serve_forever()


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop
        uvloop.install()
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
