"""Tells whoever is on call of an alert, and sends the pages."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("pages")
