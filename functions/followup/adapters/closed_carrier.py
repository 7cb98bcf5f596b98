"""The carrier while no address is configured: nothing leaves."""

from collections.abc import Iterator
from datetime import datetime

from followup.domain.delivery import Carried, Found, SendOrder
from followup.domain.errors import CarrierUnavailable
from followup.ports import CarrierText


class ClosedCarrier:
    """Sends nothing and says so; it cannot be asked anything either."""

    def send(self, order: SendOrder) -> Carried:
        del order
        return Carried("not_sent")

    def find(self, order: SendOrder, *, since: datetime) -> Found:
        del order, since
        return Found("unsure")

    def received(self, sender: str, *, since: datetime) -> Iterator[CarrierText]:
        del sender, since
        raise CarrierUnavailable("no carrier is configured")
