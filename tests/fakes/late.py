"""A device that answers late: what a page or a test leans on without waiting for it is found so.

LATCHKEY_LATE=0.5 make test ARGS="tests/test_web_admin_rules.py"      # each answer up to half a second later
"""

import asyncio
import os
import random
from contextlib import contextmanager

import pytest

LATEST_SECONDS = float(os.environ.get("LATCHKEY_LATE", "0"))


@contextmanager
def late_answers():
    """Everything that is asked of a web server of ours waits as long as may be, where that was asked for."""
    if not LATEST_SECONDS:
        yield
        return
    from agent.web.server import WebServer  # not in the environment of training

    with pytest.MonkeyPatch.context() as patch:
        begin = WebServer.__init__

        def late(self, app, *arguments, **more):
            async def later(scope, receive, send):
                await asyncio.sleep(random.uniform(0, LATEST_SECONDS))
                await app(scope, receive, send)

            begin(self, later, *arguments, **more)

        patch.setattr(WebServer, "__init__", late)
        yield
