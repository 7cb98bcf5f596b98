import pytest

from infra.safety_report import Share, Tally, everyday, examples, false_alarms, tally

LANGUAGES = ("en", "es")
# A little under what was last measured (docs/safety-screen.md): nobody may make the screen worse unnoticed.
OUTRIGHT = {("written", "en"): 0.98, ("written", "es"): 0.98, ("kept_apart", "en"): 0.77, ("kept_apart", "es"): 0.84}
MEDICAL = {("written", "en"): 0.98, ("written", "es"): 0.98, ("kept_apart", "en"): 0.87, ("kept_apart", "es"): 0.82}
HARD_NEGATIVES = 0.08
EVERYDAY = {("written", "en"): 2.0, ("written", "es"): 2.0, ("kept_apart", "en"): 2.0, ("kept_apart", "es"): 6.0}
SETS = pytest.mark.parametrize(("corpus", "language"), sorted(OUTRIGHT))


def measured(corpus: str, language: str) -> Tally:
    return tally(examples(corpus, language))


@SETS
def test_given_danger_said_outright_when_measured_then_no_less_is_found_than_before(corpus: str, language: str) -> None:
    assert measured(corpus, language).explicit.value >= OUTRIGHT[corpus, language]


@SETS
def test_given_medical_signs_and_threats_when_measured_then_no_less_is_found_than_before(
    corpus: str, language: str
) -> None:
    counted = measured(corpus, language)
    assert counted.red_flags.value >= MEDICAL[corpus, language]
    assert counted.others.value >= 0.9


@SETS
def test_given_harmless_texts_that_sound_like_danger_when_measured_then_few_raise_an_alarm(
    corpus: str, language: str
) -> None:
    assert measured(corpus, language).false_alarms.value <= HARD_NEGATIVES


@SETS
def test_given_everyday_texts_when_measured_then_false_alarms_stay_rare(corpus: str, language: str) -> None:
    assert 1_000 * false_alarms(everyday(corpus, language)).value <= EVERYDAY[corpus, language]


def test_given_the_corpora_when_counted_then_they_are_large_enough() -> None:
    labelled = {
        language: sum(len(examples(corpus, language)) for corpus in ("written", "kept_apart")) for language in LANGUAGES
    }
    assert labelled["en"] >= 600
    assert labelled["es"] >= 400
    plain = (everyday(corpus, language) for corpus in ("written", "kept_apart") for language in LANGUAGES)
    assert sum(map(len, plain)) >= 2_000


def test_given_no_texts_when_shared_out_then_nothing_was_missed() -> None:
    assert Share().value == 1.0
