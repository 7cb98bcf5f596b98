"""PHQ-9 that the course itself asks for, beside the protocol: to confirm a loss of gain, and because mood drifts.

Mood runs from 0 to 10, 10 best. Weekly means of texted mood follow PHQ-9 (Aguilera et al., J Affect Disord 2015), so a
fall of it is a reason to ask the whole questionnaire now; it is no reason to flag anybody.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from statistics import fmean
from typing import Final

from followup.domain.findings import Case
from followup.domain.records import Plan, Score, SurveyReason, SurveyRequest

AFTER_SERIES: Final = range(1, 15)
"""Days after the series whose mood is the patient's own measure."""
RECENT_DAYS: Final = 7
LEAST_READINGS: Final = 2
LEAST_FALL: Final = 2.0
QUIET_DAYS: Final = 14
"""PHQ-9 is not asked again for a drift so soon after it was answered or asked for."""


def early_drift(case: Case, plan: Plan) -> bool:
    """Rule D: the mean of two or more moods in 7 days is 2 or more below the mean of the two weeks after the series."""
    ended = case.course.series_ended_at
    if case.course.phase != "after" or ended is None or case.alert_open:
        return False
    over = case.day(ended)
    moods = case.readings("mood")
    own = [score for score in moods if (case.day(score.at) - over).days in AFTER_SERIES]
    recent = [score for score in moods if 0 <= (case.today - case.day(score.at)).days < RECENT_DAYS]
    if (case.today - over).days not in AFTER_SERIES and min(len(own), len(recent)) >= LEAST_READINGS:
        return _mean(own) - _mean(recent) >= LEAST_FALL and not _asked_lately(case, plan)
    return False


def renewed(plan: Plan, confirmation: date | None, drifts: bool, today: date) -> Plan:
    """The plan with the requests that hold today; the very same plan if they are what it has.

    A confirmation that nobody waits for any more goes; one that is wanted is requested once, however often this runs.
    """
    kept = [each for each in plan.requests if each.reason != "confirmation"]
    if confirmation is not None:
        kept.append(SurveyRequest("confirmation", confirmation))
    if drifts:
        kept.append(SurveyRequest("early_drift", today))
    requests = tuple(sorted(kept, key=lambda each: (each.due, each.reason)))
    return plan if requests == plan.requests else replace(plan, requests=requests)


def requested(plan: Plan, reason: SurveyReason, due: date) -> Plan:
    """The plan with one more request; the very same plan if it has that already."""
    request = SurveyRequest(reason, due)
    return plan if request in plan.requests else replace(plan, requests=(*plan.requests, request))


def _mean(scores: Sequence[Score]) -> float:
    return fmean(score.value for score in scores)


def _asked_lately(case: Case, plan: Plan) -> bool:
    since = case.today - timedelta(days=QUIET_DAYS)
    answered = any(case.day(score.at) > since for score in case.readings("phq9"))
    return answered or any(each.reason == "early_drift" and each.due > since for each in plan.requests)
