"""The in-memory twin of every adapter, held to the same contract suite as the real one; with faults to order."""

from followup.adapters.memory.carrier import MemoryCarrier, MemoryText
from followup.adapters.memory.clock import MemoryClock
from followup.adapters.memory.mailer import MemoryMail, MemoryMailer
from followup.adapters.memory.queues import MemoryQueues
from followup.adapters.memory.records import MemoryRecords
from followup.adapters.memory.secrets import MemoryPhones, MemorySecrets

__all__ = [
    "MemoryCarrier",
    "MemoryClock",
    "MemoryMail",
    "MemoryMailer",
    "MemoryPhones",
    "MemoryQueues",
    "MemoryRecords",
    "MemorySecrets",
    "MemoryText",
]
