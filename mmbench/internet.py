"""Whether a host on the internet can be reached."""

from __future__ import annotations

import os
import socket

PATIENCE = 5.0  # seconds without an answer
OFFLINE = "MMBENCH_OFFLINE"


def answers(host: str) -> bool:
    """Whether a download may begin: asking a host in vain can take minutes of retries.

    ``$MMBENCH_OFFLINE`` set to anything says no without asking: looking up a name can take long, too.
    """
    if os.environ.get(OFFLINE):
        return False
    if any(name in os.environ for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")):
        return True  # only the proxy can tell
    try:
        socket.create_connection((host, 443), timeout=PATIENCE).close()
    except OSError:
        return False
    return True
