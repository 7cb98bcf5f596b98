"""Decides. Pure: no AWS, no carrier, no clock, no environment."""
