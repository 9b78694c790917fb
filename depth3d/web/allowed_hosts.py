"""Which names this server answers to, so that no other site can lead a browser here under a name of its own.

A page of a foreign site may look up its own name as 127.0.0.1 and then reads what this server answers (DNS rebinding).
It cannot do so with an address in digits, nor with a name that only this machine has.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit


class Hosts:
    """The names in a request's Host header that are answered.

    Args:
        named: names under which a proxy or a name server knows this machine.
    """

    def __init__(self, named: Iterable[str] = ()) -> None:
        own = socket.gethostname().lower()
        self._named = {name.lower().rstrip(".") for name in named}
        self._own = {"localhost", own, f"{own.partition('.')[0]}.local", *self._named}

    def answers_to(self, host: str) -> bool:
        """Whether a Host header names this server."""
        name = _name_in(host)
        return name in self._own or _is_address(name)

    def may_post(self, origin: str, host: str) -> bool:
        """Whether a page of this origin may post to this host: its own page, or one under a name that was given."""
        there = urlsplit(origin).netloc.lower()
        return there != "" and (there == host.lower() or _name_in(there) in self._named)


def _name_in(host: str) -> str:
    """A Host header without its port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
