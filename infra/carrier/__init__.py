"""Setting up the carrier's account for a clinic: what has to stand there, what stands there, and the difference.

Reached through the same closed switch as sending: an account on loopback, or none.
"""
