"""The ways people write a phone number, read into E.164; only numbers that can be texted in the United States."""

import re
import unicodedata

import phonenumbers
from phonenumbers import PhoneNumberType, ValidationResult

from followup.intake.judging import Fault

TEXTABLE = {PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE}
"""The North American plan does not tell mobiles from landlines, so most numbers are "either"."""
ONE_NUMBER = re.compile(r"\+?[0-9 ().\-]+")
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"))

GIVE_MOBILE = "give a US mobile number of 10 digits"


def read_us_phone(text: str) -> str | Fault:
    """The number as E.164 (`+13125550121`), or why it cannot be texted.

    Fictional numbers (555-0100 to 555-0199) count: the numbering plan has them, only nobody answers.
    """
    written = unicodedata.normalize("NFKC", text).translate(DASHES).strip()
    if not written:
        return Fault("no phone number", GIVE_MOBILE + "; without one the patient cannot be enrolled")
    if not ONE_NUMBER.fullmatch(written):
        return Fault("not one plain phone number", "leave one US mobile number, digits only, no extension")
    try:
        number = phonenumbers.parse(written, "US")
    except phonenumbers.NumberParseException:
        return Fault("not a phone number", GIVE_MOBILE)
    if number.country_code != 1:
        return Fault("a number of another country", GIVE_MOBILE)
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.IS_POSSIBLE:
            pass
        case ValidationResult.TOO_LONG:
            return Fault("too many digits", GIVE_MOBILE)
        case _:
            return Fault("too few digits", GIVE_MOBILE)
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.TOLL_FREE:
        return Fault("a toll-free number", GIVE_MOBILE)
    region = phonenumbers.region_code_for_number(number)
    if region not in (None, "US"):
        return Fault("a number of another country", GIVE_MOBILE)
    if region is None or kind not in TEXTABLE:
        return Fault("not a number that can be texted", GIVE_MOBILE)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
