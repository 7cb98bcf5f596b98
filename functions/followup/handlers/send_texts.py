"""Sends answers and routine texts, and takes check-ins through their steps."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("answers", "routine")
