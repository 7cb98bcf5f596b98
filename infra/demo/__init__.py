"""The service on in-memory adapters: its own handlers, a virtual clock, and patients who answer."""
