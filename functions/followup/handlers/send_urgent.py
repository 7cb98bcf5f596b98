"""Sends crisis replies, which wait behind nothing."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("urgent")
