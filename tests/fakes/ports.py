"""Ports for servers that are killed and come back: no client gets one meanwhile."""

import random
import socket

BELOW = range(15_000, 32_000)  # Linux gives clients those from 32768 on (net.ipv4.ip_local_port_range)


def steady_port():
    """A port of loopback that nobody has, and that is given to nobody who does not ask for it."""
    while True:
        port = random.SystemRandom().choice(BELOW)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
