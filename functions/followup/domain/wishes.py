"""What a reply wants beside answering: a person, another visit, an answer to a question; and thanks."""

from typing import Literal

from followup.domain.lexicon import Reply

Wish = Literal["person", "booster", "question"]


def wishes_in(reply: Reply) -> tuple[Wish, ...]:
    """What the patient asks for, in a fixed order."""
    wants: list[Wish] = []
    if reply.has("person"):
        wants.append("person")
    if reply.has("booster"):
        wants.append("booster")
    if _asks(reply):
        wants.append("question")
    return tuple(wants)


def _asks(reply: Reply) -> bool:
    """Whether there is a question: a lone figure or word with a question mark is a doubtful answer instead."""
    if reply.has("question"):
        return True
    at = 0
    while at < len(reply.kinds):
        first, last = reply.sentence(at)
        if reply.asked(last) and last - first > 1 and any(not reply.kinds[place] for place in range(first, last)):
            return True
        at = last
    return False
