"""Makes the clinics' digests and sends them."""

from followup.handlers.queue import QueueHandler

lambda_handler = QueueHandler("digests")
