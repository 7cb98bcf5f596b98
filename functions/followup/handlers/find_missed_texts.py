"""Looks for texts that the webhook never saw."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("missed")
