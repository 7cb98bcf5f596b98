"""Assesses patients, extends plans and wakes snoozed flags."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("daily")
