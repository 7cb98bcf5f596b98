"""How clients of AWS are set up."""

from botocore.config import Config


def client_config(*, attempts: int = 3) -> Config:
    """Settings of a client: short timeouts, and at most so many attempts at a call.

    A call that must not be repeated on its own, such as sending mail, takes one attempt: after a lost answer only a
    decision of ours may repeat it.
    """
    return Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
