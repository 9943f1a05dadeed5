"""Opens many guard's boards in one process; each has an event stream of its own, as in a
browser."""

import asyncio
import ssl
import sys
from pathlib import Path

import httpx

from fevergate.settings.gateway import load_gateway
from harness.errors import HarnessError


async def listen(client: httpx.AsyncClient, updates: asyncio.Queue[bool]) -> None:
    """Open one board: put True into `updates` at its first event, then only listen."""
    async with client.stream("GET", "/events") as stream:
        if stream.status_code != 200:
            raise HarnessError(f"/events: {stream.status_code}")
        first = True
        async for chunk in stream.aiter_raw():
            if first and chunk.startswith(b"data:"):
                first = False
                updates.put_nowait(True)


async def main() -> None:
    """Open the boards. Arguments: settings file, number of boards; stdin: the session's cookie.
    Runs until killed."""
    settings, count = load_gateway(Path(sys.argv[1])), int(sys.argv[2])
    name, _, value = sys.stdin.readline().strip().partition("=")
    context = ssl.create_default_context(cafile=str(settings.path(settings.broker.ca)))
    updates: asyncio.Queue[bool] = asyncio.Queue()
    async with (
        httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{settings.web.port}",
            verify=context,
            headers={"Cookie": f"{name}={value}"},
            limits=httpx.Limits(max_connections=None),
            timeout=httpx.Timeout(30),
        ) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(count):
            group.create_task(listen(client, updates))
        for _ in range(count):
            await updates.get()
        print("ready", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
