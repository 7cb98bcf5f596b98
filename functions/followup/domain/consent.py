"""Which texts stop, start or ask about the service.

Carriers act on exact words (STOP and its like); US rules let a person revoke consent by any reasonable means
(47 CFR 64.1200(a)(10)), so clear sentences count too. Words of distress are no wish to stop: "I want it to stop" is for
a clinician, so the danger screen comes before these readers and they do not match such sentences either.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from followup.domain.normalisation import Tokens, fold, tokenise
from followup.domain.phrases import Phrasebook
from followup.domain.quoting import own_words

Keyword = Literal["stop", "start", "help"]

_OPT_OUT_TYPES: Final[dict[str, Keyword]] = {"STOP": "stop", "START": "start", "HELP": "help"}
_WISH, _NO_WISH = "wish", "no wish"


@dataclass(frozen=True, slots=True, eq=False)
class KeywordWords:
    """Word lists (content/consent.yaml); compared by identity, so that compiling them is cached.

    `stop`, `start` and `help` count only as the whole text. `wishes` count inside a sentence unless one of `no_wishes`
    stands over them.
    """

    stop: tuple[str, ...]
    start: tuple[str, ...]
    help: tuple[str, ...]
    wishes: tuple[str, ...]
    no_wishes: tuple[str, ...]
    spellings: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    reaction_openings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    keywords: dict[str, Keyword]
    book: Phrasebook
    spellings: dict[str, tuple[str, ...]]


@lru_cache(maxsize=8)
def _compile(words: KeywordWords) -> _Compiled:
    keywords: dict[str, Keyword] = {}
    keywords |= dict.fromkeys(words.help, "help")
    keywords |= dict.fromkeys(words.start, "start")
    keywords |= dict.fromkeys(words.stop, "stop")
    phrases = [(_WISH, phrase) for phrase in words.wishes] + [(_NO_WISH, phrase) for phrase in words.no_wishes]
    spellings = {variant: tuple(standard.split()) for variant, standard in words.spellings.items()}
    return _Compiled(keywords, Phrasebook(phrases, words.classes), spellings)


def keyword(text: str, opt_out_type: str | None, words: KeywordWords) -> Keyword | None:
    """What the whole text asks for, or None.

    `opt_out_type` is the carrier's own judgement (`OptOutType`), and wins. Case, accents, punctuation and emoji around
    the words do not matter. "Yes" is never a keyword: it is the answer to a question.
    """
    judged = _OPT_OUT_TYPES.get((opt_out_type or "").strip().upper())
    if judged is not None:
        return judged
    said = tokenise(fold(text)).words
    keywords = _compile(words).keywords
    return keywords.get(" ".join(said)) or (
        keywords.get("".join(said)) if all(len(word) == 1 for word in said) else None
    )


def wishes_to_stop(text: str, words: KeywordWords) -> bool:
    """Whether a sentence clearly asks for no more texts, or says that the number is not the patient's."""
    compiled = _compile(words)
    tokens: Tokens = tokenise(own_words(fold(text), words.reaction_openings), compiled.spellings)
    matches = compiled.book.find(tokens)
    undone = [match for match in matches if match.key == _NO_WISH]
    return any(
        match.key == _WISH and not any(other.start <= match.start and match.end <= other.end for other in undone)
        for match in matches
    )
