# Copyright (c) 2026, the messaging.nats authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publish to stream BIG until it refuses, or purge it and publish once; tell what happened as JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import nats
from nats.js.errors import APIError

MESSAGE = b"x" * 500_000
MOST = 600
# The servers learn of an account's usage on each other a moment later: without a pause, the server's own limit was met first.
PAUSE = 0.1


async def main(server: str, purge: bool) -> dict[str, object]:
    connection = await nats.connect(server, user=os.environ["NATS_USER"], password=os.environ["NATS_PASSWORD"])
    jetstream, published = connection.jetstream(timeout=10), 0
    try:
        if purge:
            await jetstream.purge_stream("BIG")
            # The account's usage follows a moment later.
            await asyncio.sleep(2)
        while published < (1 if purge else MOST):
            await jetstream.publish("big", MESSAGE)
            published += 1
            await asyncio.sleep(PAUSE)
    except APIError as error:
        return {"published": published, "err_code": error.err_code}
    finally:
        await connection.close()
    return {"published": published, "err_code": None}


if __name__ == "__main__":
    json.dump(asyncio.run(main(sys.argv[1], "purge" in sys.argv)), sys.stdout)
