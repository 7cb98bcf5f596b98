"""The clock of the local stack: a service on loopback whose hands the pages move."""

import urllib.request
from datetime import datetime
from urllib.parse import urlsplit

from followup.domain.errors import BadInput

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECONDS = 2.0


class MovedClock:
    """Asks the clock service for every moment: it answers with one ISO time with zone."""

    def __init__(self, url: str) -> None:
        """Raises BadInput unless the address is on loopback: a deployed function has no other clock than the wall's."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in _LOOPBACK:
            raise BadInput("CLOCK_URL: the clock can be moved on loopback only; leave it empty")
        self._url = url

    def now(self) -> datetime:
        with urllib.request.urlopen(self._url, timeout=_SECONDS) as answer:  # noqa: S310 - loopback http, checked
            return datetime.fromisoformat(answer.read().decode())
