"""A local stand-in for Twilio Programmable Messaging, on loopback only.

The real `twilio` client works against it through an HTTP client that rewrites the host. It signs and delivers webhooks
as the carrier does, handles STOP in both of the carrier's ways, plays the patients' phones, and breaks on demand.
"""

from infra.local.twin.api import create_app
from infra.local.twin.courier import Attempt, Delivery
from infra.local.twin.faults import Faults
from infra.local.twin.records import Handset, Message, PhoneText
from infra.local.twin.server import TwinServer
from infra.local.twin.settings import Number, Settings
from infra.local.twin.twin import Twin

__all__ = [
    "Attempt",
    "Delivery",
    "Faults",
    "Handset",
    "Message",
    "Number",
    "PhoneText",
    "Settings",
    "Twin",
    "TwinServer",
    "create_app",
]
