import re
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from followup import content
from followup.content import Content
from followup.domain.asking import wording_of
from followup.domain.delivery import CarrierCodes, code_class
from followup.domain.records import Language
from followup.domain.segments import count
from followup.domain.wording import REQUIRED, UnfitText
from infra.content.__main__ import main
from infra.content.compiling import CONTENT, PARTS, check, compile_content, compiled, judge
from infra.content.names import check_phone, check_sms_name
from infra.content.refused import FILE
from infra.content.rules import largest

LANGUAGES: tuple[Language, ...] = ("en", "es")
Breaking = Callable[[str, str, str], list[str]]
NEUTRAL, EN, ES = "texts.yaml", "languages/en/texts.yaml", "languages/es/texts.yaml"


@pytest.fixture(scope="session")
def loaded() -> Content:
    return content.load()


@pytest.fixture
def breaking(tmp_path: Path) -> Breaking:
    """Replace something in one file of a copy of the content, and tell what the check says."""

    def break_it(file: str, old: str, new: str) -> list[str]:
        shutil.copytree(CONTENT, tmp_path, dirs_exist_ok=True)
        text = (tmp_path / file).read_text(encoding="utf-8")
        assert old in text, f"{file} no longer holds what this test breaks"
        (tmp_path / file).write_text(text.replace(old, new, 1), encoding="utf-8")
        return [str(problem) for problem in judge(tmp_path).problems]

    return break_it


def line_of(file: str, wanted: str) -> int:
    lines = (CONTENT / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if wanted in line)


# --- the content as it is ----------------------------------------------------------------------------------------


def test_given_the_content_when_checked_then_nothing_is_wrong_and_the_compiled_file_is_in_step() -> None:
    assert [str(problem) for problem in check()] == []


def test_given_the_compiled_content_when_loaded_then_it_is_what_the_yaml_says(loaded: Content) -> None:
    judged = judge()
    assert msgspec.to_builtins(loaded) == msgspec.to_builtins(Content(**judged.parts))
    assert compiled(judged) == compiled(judge())
    assert content.load() is loaded


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text_id", REQUIRED)
def test_given_the_longest_slots_when_a_text_is_measured_then_it_takes_no_more_segments_than_it_may(
    loaded: Content, text_id: str, language: Language
) -> None:
    wording = loaded.texts.wording(text_id, language)
    size = largest(loaded.texts, text_id, language)
    assert size.segments <= wording.max_segments
    assert (size.encoding == "UCS-2") == wording.ucs2


def test_given_an_opening_text_with_the_notice_when_measured_then_english_stays_within_two_segments(
    loaded: Content,
) -> None:
    notice = loaded.texts.render("notice", "en")
    for question in ("mood", "side_effects"):
        name = "N" * loaded.texts.longest["sms_name"]
        body = wording_of(
            question, "en", "open", questions=loaded.questions, texts=loaded.texts, number=1, of=1, sms_name=name
        )
        assert count(f"{body} {notice}").segments <= 2


@pytest.mark.parametrize("language", LANGUAGES)
def test_given_a_text_about_danger_when_read_then_it_holds_the_numbers_to_call(
    loaded: Content, language: Language
) -> None:
    for text_id in ("crisis.self_harm", "crisis.automated_line", "crisis.not_acknowledged", "keyword.help", "notice"):
        body = loaded.texts.wording(text_id, language).text
        assert "911" in body
        assert "988" in body
    assert "911" in loaded.texts.wording("crisis.medical", language).text


def test_given_spanish_when_988_is_named_then_its_spanish_line_is_too(loaded: Content) -> None:
    for entry in loaded.texts.entries.values():
        if "988" in entry.wordings["es"].text:
            assert "(oprima 2)" in entry.wordings["es"].text


def test_given_closing_texts_when_read_then_no_word_judges_the_answer(loaded: Content) -> None:
    judging = re.compile(r"\b(great|good|sorry|normal|bien|genial|lamentamos|siento)\b", re.IGNORECASE)
    for text_id in ("thanks", "thanks.side_effect"):
        for language in LANGUAGES:
            assert not judging.search(loaded.texts.wording(text_id, language).text)


# --- refusals: each names file, line, field and fix --------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (
            EN,
            'noted for your care team."}',
            'your ketamine team noted it."}',
            'thanks: "ketamine" names a drug; leave it',
        ),
        (ES, 'lo anotamos para su equipo de salud."}', 'y ánimo con su DEPRESIÓN."}', '"depresion" names a'),
        (EN, 'for your care team."}', 'before your infusions."}', '"infusions" says what kind of visit'),
        (EN, 'for your care team."}', 'Great!"}', '"great" judges or comforts; stay neutral'),
        (EN, 'for your care team."}', 'for {doctor}."}', "thanks: has the unknown slot doctor; known here: none"),
        (EN, "Call {sms_name} at {phone} after", "Call {sms_name} after", "night: lacks the slot phone; use it"),
        (EN, "We have not reached staff. Call 911 or 988 now.", "Call 911.", "does not hold 988; add it"),
        (EN, 'Thanks, noted for your care team."}', "Thanks, " + "noted " * 40 + '"}', "thanks: takes 2 segments with"),
        (EN, 'Thanks, noted for your care team."}', 'Thanks, we’ve noted it."}', "is not GSM-7 because of ’; choose"),
        (ES, "lo anotamos para su", "se lo pasará a su", "thanks: is not GSM-7 because of á; choose other words, or"),
        (
            EN,
            'Thanks, noted for your care team."}',
            'Thanks, noted.", ucs2: true}',
            "sets ucs2 although nothing needs it",
        ),
        (EN, 'for your care team."}', 'Reply YES if so."}', "thanks: names YES, which the carrier acts on by itself"),
        (NEUTRAL, "  thanks:\n", "  thank_you:\n", "entries.thanks: is missing; add it"),
        (
            NEUTRAL,
            "  crisis.medical:\n    purpose",
            "  crisis.medical:\n    reason",
            "crisis.medical.purpose: is missing",
        ),
        (NEUTRAL, "  thanks:\n", "  thanks:\n    colour: red\n", "thanks.colour: is not a field that is known"),
        (NEUTRAL, "sms_name: 24, ", "", "longest.sms_name: is missing; say how long it may be"),
        (ES, "  thanks: {", "  merci: {", "entries.thanks: is missing; write it: Closes every check-in"),
        (ES, "  thanks: {", "  merci: {", "entries.merci: is not declared in texts.yaml; correct its name"),
        (ES, "calendar:\n", "calender:\n", "calendar: is missing; write it, as the other languages have it"),
    ],
)
def test_given_a_broken_text_when_checked_then_it_is_refused(
    breaking: Breaking, file: str, old: str, new: str, said: str
) -> None:
    problems = breaking(file, old, new)
    assert [problem for problem in problems if problem.startswith(file) and said in problem], problems


def test_given_a_refused_word_when_told_then_file_line_field_and_fix_are_named(breaking: Breaking) -> None:
    old = 'Thanks, noted for your care team."}'
    line = line_of(EN, old)
    assert breaking(EN, old, 'Thanks, noted with your dose."}') == [
        f'{EN}:{line}: entries.thanks: "dose" speaks of a dose; leave it out'
    ]


def test_given_a_value_of_the_wrong_kind_deep_in_a_mapping_when_told_then_its_own_line_is_named(
    breaking: Breaking,
) -> None:
    wording = '  thanks: {text: "Gracias, lo anotamos para su equipo de salud."}'
    told = breaking(ES, wording, wording.replace("}", ", max_segments: one}"))
    line = line_of(ES, wording)
    assert told == [f"{ES}:{line}: entries.thanks.max_segments: expected int, got str; write what is expected here"]


def test_given_a_key_of_the_wrong_kind_when_told_then_its_own_line_is_named(breaking: Breaking) -> None:
    line = line_of("carrier.yaml", "21610:")
    (told,) = breaking("carrier.yaml", "  21610:", "  STOPPED:")
    assert told.startswith(f"carrier.yaml:{line}: codes.STOPPED: expected int")


def test_given_an_unknown_class_of_codes_when_told_then_the_code_is_named(breaking: Breaking) -> None:
    line = line_of("carrier.yaml", "30007:")
    (told,) = breaking("carrier.yaml", "30007: blocked", "30007: filtered")
    assert told.startswith(f"carrier.yaml:{line}: codes.30007: invalid enum value 'filtered'")


@pytest.mark.parametrize("file", [*(part.file for part in PARTS), FILE, EN, "languages/es/safety.yaml"])
@pytest.mark.parametrize("field", ["version", "source", "review"])
def test_given_a_file_that_does_not_say_where_it_comes_from_when_checked_then_it_is_refused(
    breaking: Breaking, file: str, field: str
) -> None:
    problems = breaking(file, f"\n{field}:", f"\nx{field}:")
    assert [problem for problem in problems if re.match(rf"{file}:\d+: {field}: is missing; ", problem)]


@pytest.mark.parametrize("file", [*(part.file for part in PARTS), FILE])
def test_given_a_missing_file_when_checked_then_it_is_named(tmp_path: Path, file: str) -> None:
    shutil.copytree(CONTENT, tmp_path / "content")
    (tmp_path / "content" / file).unlink()
    assert f"{file}:1: the file: is missing; add it" in [
        str(problem) for problem in judge(tmp_path / "content").problems
    ]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('{short} on-call: urgent alert {code}"', '{initials}: urgent alert {code}"', "has the unknown slot initials"),
        ("still open: {n}", "still open", "still_open: lacks the slot n"),
        ("follow-up list for {day}", "infusion list for {day}", 'digest_subject: "infusion" says what kind of visit'),
        ("  rule_e: Planned date, nothing booked\n", "", "classes.rule_e: is missing, reasons has it; add it to both"),
        ("rule_a: Gain lost, confirmed", "rule_a: Gain lost, 58 %", "classes.rule_a: holds a number or a slot"),
        ("  note: Notes\n", "", "groups.note: is missing; add its heading"),
        ('alerts_heading: "Alerts: {level}"', 'alerts_heading: ""', "alerts_heading: is empty; write it"),
    ],
)
def test_given_broken_wording_for_staff_when_checked_then_it_is_refused(
    breaking: Breaking, old: str, new: str, said: str
) -> None:
    problems = breaking("staff.yaml", old, new)
    assert [problem for problem in problems if said in problem], problems


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version: 1", "version: 1\nversion: 2", "is not valid YAML"),
        ("version: 1", "version: [", "is not valid YAML"),
        ("  callback: unreachable", "  callback: nowhere", "unlisted.callback: invalid enum value 'nowhere'"),
        ("  callback: unreachable # it took the text and could not deliver it\n", "", "unlisted.callback: is missing"),
        ("[STOP,", "[stop,", "keywords.0: is not in capitals"),
    ],
)
def test_given_a_broken_carrier_table_when_checked_then_it_is_refused(
    breaking: Breaking, old: str, new: str, said: str
) -> None:
    problems = breaking("carrier.yaml", old, new)
    assert [problem for problem in problems if said in problem], problems


def test_given_wrong_content_when_compiled_then_nothing_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    before = (folder / "compiled.json").read_bytes()
    (folder / "texts.yaml").write_text("version: 1\n", encoding="utf-8")
    assert compile_content(folder)
    assert (folder / "compiled.json").read_bytes() == before


def test_given_changed_content_when_not_compiled_again_then_the_check_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "content"
    shutil.copytree(CONTENT, folder)
    texts = (folder / EN).read_text(encoding="utf-8")
    (folder / EN).write_text(texts.replace("Thanks, noted", "Thank you, noted", 1), encoding="utf-8")
    assert main(["check", "--folder", str(folder)]) == 1
    assert "compiled.json:1: the file: is not in step; run python -m infra.content compile" in capsys.readouterr().err
    assert main(["compile", "--folder", str(folder)]) == 0
    assert main(["check", "--folder", str(folder)]) == 0


# --- a clinic's own values, codes, reasons ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Lakeside Wellness", "Clinica del Lago", "North & Main Care"])
def test_given_a_neutral_name_when_checked_then_it_may_be_used(name: str) -> None:
    assert check_sms_name(name) == ()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Ketamine Wellness", '"ketamine" names a drug; leave it out'),
        ("IV Lounge", '"iv" says what kind of visit it is'),
        ("Lakeside Infusions", '"infusions" says what kind of visit it is'),
        ("Bay Depression Center", '"depression" names a diagnosis'),
        ("Lakeside Psychiatry", '"psychiatry" says what a person is seen for; use a neutral name'),
        ("Centro de Ánimo", '"animo" says what a person is seen for'),
        ("Lakeside Wellness and Care Center", "has 33 characters, more than 24"),
        ("Clínica del Lago", "holds í, which makes texts cost double"),
        ("Care {phone}", "holds { }, which makes texts cost double"),
        ("  ", "has fewer than 3 characters"),
        ("Lake\nside", "has blanks around it or a line break"),
    ],
)
def test_given_a_name_that_gives_something_away_when_checked_then_it_is_refused_with_a_fix(
    name: str, said: str
) -> None:
    assert [wrong for wrong in check_sms_name(name) if said in wrong]


@pytest.mark.parametrize(
    ("phone", "good"),
    [("(555) 555-0100", True), ("555-555-0100", True), ("555-0100", False), ("+1 (555) 555-0100", False)],
)
def test_given_a_phone_number_as_patients_read_it_when_checked_then_it_is_short_and_whole(
    phone: str, good: bool
) -> None:
    assert (check_phone(phone) == ()) == good


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (21610, "opt_out"),
        (30003, "unreachable"),
        (30007, "blocked"),
        (20429, "pace"),
        (20500, "unknown"),
        (30034, "config"),
    ],
)
def test_given_a_listed_code_when_classed_then_it_is_the_same_wherever_it_came_from(
    loaded: Content, code: int, expected: str
) -> None:
    assert code_class(code, loaded.carrier, origin="create") == expected
    assert code_class(code, loaded.carrier, origin="callback") == expected


@pytest.mark.parametrize("code", [None, 39999])
def test_given_an_unlisted_code_when_classed_then_its_origin_decides(loaded: Content, code: int | None) -> None:
    carrier: CarrierCodes = loaded.carrier
    assert code_class(code, carrier, origin="create") == "bug"
    assert code_class(code, carrier, origin="callback") == "unreachable"


def test_given_a_flag_with_its_numbers_when_its_reason_is_said_then_it_is_one_sentence(loaded: Content) -> None:
    numbers = (("base", "18"), ("ref", "6"), ("score", "13"), ("lost", "58"), ("confirmed", "March 9"))
    assert loaded.staff.reason("rule_a", numbers) == (
        "PHQ-9 13 after 6 at the end of the series (intake 18): 58 % of the gain is lost, confirmed March 9."
    )


def test_given_a_flag_with_remarks_when_its_reason_is_said_then_they_follow_it(loaded: Content) -> None:
    loss = (("base", "18"), ("ref", "6"), ("score", "13"), ("lost", "58"), ("confirmed", "2026-03-09"))
    remarks = (("reference", "one_score"), ("response", "partial"), ("booked", "2026-04-20"), ("held", "open_alert"))
    assert loaded.staff.reason("rule_a", loss + remarks).endswith(
        "confirmed 2026-03-09. The reference is one score only. Partial response to the series. "
        "A visit is booked for 2026-04-20. On hold while an alert is open."
    )


def test_given_an_unknown_rule_or_a_missing_number_when_its_reason_is_said_then_the_error_names_it(
    loaded: Content,
) -> None:
    with pytest.raises(UnfitText, match=r"^staff reason rule_z: there is no such rule$"):
        loaded.staff.reason("rule_z", ())
    with pytest.raises(UnfitText, match=r"^staff reason rule_e: slot date is missing$"):
        loaded.staff.reason("rule_e", ())


def test_given_a_quiet_day_when_said_then_it_proves_that_the_machine_works(loaded: Content) -> None:
    assert loaded.staff.quiet_day == (
        "Nothing to act on. {followed}, {delivered}, {answered} answered, "
        "{unreadable} not readable, {alerts}. Checked {time}."
    )
