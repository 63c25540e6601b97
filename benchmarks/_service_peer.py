"""The peer: the same server answers a finished answer of a user, by one GET of a Redis on this machine.

python _service_peer.py REDIS_PORT
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import uvicorn
from redis import Redis

from fuserank.config.serving import ServingConfig
from fuserank.serving.protocol import bounded
from fuserank.serving.sockets import address, listening


def main() -> None:
    client = Redis(port=int(sys.argv[1]))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        user = scope["path"].split("/")[3]
        body = client.get(f"answer:{user}") or b"{}"
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listens = listening("127.0.0.1", 0)
    config = uvicorn.Config(
        app, http=bounded(ServingConfig()), ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False
    )
    print("peer:", address(listens), "ends", flush=True)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listens]))


if __name__ == "__main__":
    main()
