"""All that one text says, in the order in which it counts.

1. Danger and red flags, from every text in every state.
2. Exact keywords and clear wishes for no more texts.
3. What the patient asks for: a person, another visit, an answer to a question.
4. The answer to the open question.

What stands higher is never held back by what stands lower. The webhook takes the first look (1 and 2) before it stores
a text; the rest is read afterwards from the same words.
"""

from dataclasses import dataclass, replace

from followup.domain.consent import Keyword, KeywordWords, keyword, wishes_to_stop
from followup.domain.reading import Expectation, Reading, ReadingWords, read
from followup.domain.safety import Danger, DangerRules, findings


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What must be known of a text before anything else is done with it.

    `danger` is the gravest, `after_infusion` what it would be within a day of an infusion, when driving, alcohol and
    sedatives count too. `red_flags` are the ids of all rules that were met and are not about harm to oneself; `tier`
    is that of danger to oneself, 3 the gravest, None when there is none.
    """

    danger: Danger | None
    after_infusion: Danger | None
    red_flags: tuple[str, ...]
    tier: int | None
    keyword: Keyword | None
    wants_out: bool

    @property
    def opts_out(self) -> bool:
        """Whether routine texts end here, by an exact keyword or in a sentence."""
        return self.wants_out or self.keyword == "stop"


@dataclass(frozen=True, slots=True)
class Understanding:
    """A text as the service understands it: the first look, and what else it says.

    A keyword, or a wish for no more texts, is never an answer too. Words of danger do not hide one: whether it counts
    is for those who act on the danger.
    """

    first: FirstLook
    reading: Reading


def first_look(text: str, rules: DangerRules, keywords: KeywordWords, *, opt_out_type: str | None = None) -> FirstLook:
    """Screen a text: danger first, then keywords. `opt_out_type` is the carrier's own judgement of a keyword."""
    found = findings(text, rules, after_infusion=True)
    only_then = {rule.id for rule in rules.rules if rule.after_infusion} if found else set()
    counted = [danger for danger in found if danger.rule not in only_then]
    tiers = [danger.tier for danger in counted if danger.tier is not None]
    word = keyword(text, opt_out_type, keywords)
    return FirstLook(
        danger=counted[0] if counted else None,
        after_infusion=found[0] if found else None,
        red_flags=tuple(danger.rule for danger in counted if danger.kind != "self_harm"),
        tier=max(tiers, default=None),
        keyword=word,
        wants_out=word is None and wishes_to_stop(text, keywords),
    )


def understand(
    text: str,
    expectation: Expectation | None,
    *,
    rules: DangerRules,
    keywords: KeywordWords,
    words: ReadingWords,
    opt_out_type: str | None = None,
) -> Understanding:
    """All that a text says when this is what was asked, or nothing was (`expectation` None)."""
    first = first_look(text, rules, keywords, opt_out_type=opt_out_type)
    reading = read(text, expectation, words)
    if first.keyword is not None or first.opts_out:
        reading = replace(reading, value=None, confidence="none", reason="a keyword or a wish for no more texts")
    return Understanding(first, reading)
