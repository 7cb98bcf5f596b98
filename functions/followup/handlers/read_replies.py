"""Reads patients' texts: the conversation's unread ones, oldest first."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("replies")
