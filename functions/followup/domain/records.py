"""The records. Each carries its own next step, so one conditional write moves state and what follows together.

All times are aware. `version` is the version that was read (0 = new record); a commit writes `version + 1` under the
condition that the stored version is still the one read.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Literal, NewType, Self

from followup.domain.clinic import ClinicSettings

ClinicId = NewType("ClinicId", str)
PatientId = NewType("PatientId", str)
ThreadId = NewType("ThreadId", str)
"""A conversation: a patient's id, or `x` and a keyed hash for a number that we do not know."""
CheckInId = NewType("CheckInId", str)
"""Planned time (UTC) and kind, e.g. `2026-03-05T15:00Z.next_day`; sorts by time within a patient."""
TextId = NewType("TextId", str)
"""`<thread>.<time>.<purpose>`; travels in the status callback's URL, holds no personal data."""

Lane = Literal["urgent", "replies", "routine", "daily"]
Step = Literal[
    "ask",
    "nudge",
    "look_in",
    "expire",
    "send",
    "find_out",
    "read",
    "page",
    "wake",
    "assess",
    "extend",
    "make_digest",
    "look",
]
Language = str
"""Tag of a language that the content holds (BCP 47), e.g. `en`; whatever takes one in checks it against the content."""


def stamp(at: datetime) -> str:
    """A time as it stands in ids and keys: UTC to the millisecond, so that text order is time order."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


@dataclass(frozen=True, slots=True)
class Next:
    """The one pending step of a record: what, when, and in which lane the sweep looks for it."""

    step: Step
    at: datetime
    lane: Lane


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state with its reason phrase; the changes of all records make up the timeline."""

    at: datetime
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    version: int = 0
    next: Next | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked(Record):
    """A record with a life: its status and the trail of its changes."""

    status: str
    trail: tuple[Change, ...] = ()

    def into(self, status: str, reason: str, at: datetime, *, then: Next | None = None) -> Self:
        """The same record in another status, for this reason, with this next step (none unless given)."""
        return replace(self, status=status, trail=(*self.trail, Change(at, status, reason)), next=then)


# --- clinic, sender, phone numbers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Clinic(Record):
    """A clinic and its settings. Its step makes the digest at the clinic's local hour."""

    clinic_id: ClinicId
    settings: ClinicSettings
    last_digest: date | None = None
    """Clinic-local day of the last digest made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender(Record):
    """A number that patients write to. Its step looks for texts that the webhook never saw."""

    sender_key: str
    """Keyed hash of the number."""
    clinic_id: ClinicId
    looked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneLink(Record):
    """Whose number this is at a clinic. More than one patient: danger alerts for all, nothing else is asked."""

    phone_key: str
    clinic_id: ClinicId
    patient_ids: tuple[PatientId, ...]


# --- patient and plan -------------------------------------------------------------------------------------------

PatientStatus = Literal["invited", "active", "paused", "opted_out", "unreachable", "discharged"]
Condition = Literal["depression", "bipolar", "ptsd", "anxiety", "ocd", "pain"]


@dataclass(frozen=True, slots=True)
class Consent:
    """Recorded consent to texts: the form and version that the patient signed, and when."""

    form: str
    form_version: str
    given_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient(Tracked):
    """A patient. Its step assesses (booster rules, silence). `status` is a PatientStatus."""

    patient_id: PatientId
    clinic_id: ClinicId
    record_number: str
    name: str
    phone: str
    """E.164."""
    language: Language
    zone: str
    """IANA name."""
    born: date
    condition: Condition
    consent: Consent | None
    texted_on: tuple[date, ...] = ()
    """Local days of the texts that opened a conversation, last 7 days, one entry a text; moves in the claim."""
    recent_moods: tuple[int, ...] = ()
    """The last four mood answers, oldest first (0 worst, 10 best)."""
    answered_at: tuple[datetime, ...] = ()
    """When answers were sent in the last hour: the loop guard."""
    noticed_on: date | None = None
    """Local day on which the notice (automated, not read in real time, STOP) last rode on a text."""
    baseline_phq9: int | None = None
    """PHQ-9 before the first infusion (0-27, 27 worst)."""
    item9_positive_on: date | None = None
    """Last day on which PHQ-9 item 9 was answered 1 or more."""
    phq2_reference: float | None = None
    """Mean of the patient's PHQ-2 on days 7 and 14 after the series (0-6, 6 worst)."""
    filled_on: tuple[tuple[str, date], ...] = ()
    """Local day on which each instrument, and each question that is asked now and then, was last answered in full."""

    @property
    def thread(self) -> ThreadId:
        return ThreadId(self.patient_id)


SessionStatus = Literal["scheduled", "completed", "cancelled", "no_show", "entered_in_error"]
Series = Literal["induction", "maintenance"]


@dataclass(frozen=True, slots=True)
class Session:
    """An infusion visit. `end` is the planned end until the session is marked completed."""

    session_id: str
    start: datetime
    end: datetime
    status: SessionStatus
    series: Series
    route: str


@dataclass(frozen=True, slots=True)
class CalledOff:
    """When it was first known here that a visit was cancelled or missed."""

    session_id: str
    at: datetime


SurveyReason = Literal["confirmation", "early_drift", "clinician", "before_visit"]
"""Why PHQ-9 is asked beside the weekly check-ins: to confirm a loss of gain, because mood drifts, because a clinician
wants it, because a visit is booked."""


@dataclass(frozen=True, slots=True)
class SurveyRequest:
    """A PHQ-9 that is wanted from the local day `due` on."""

    reason: SurveyReason
    due: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Record):
    """A patient's sessions in order of start. Its step extends the check-ins, which exist at most 14 days ahead."""

    patient_id: PatientId
    clinic_id: ClinicId
    sessions: tuple[Session, ...] = ()
    series_ended_on: datetime | None = None
    """Set when staff say that the series is over."""
    planned_booster: date | None = None
    """The plan's own date for the next booster, if it has one."""
    called_off: tuple[CalledOff, ...] = ()
    """Kept by re-planning, which tells a late cancellation by it."""
    requests: tuple[SurveyRequest, ...] = ()
    """Surveys that are wanted beside the protocol's; re-planning turns them into check-ins and lets them go later."""


# --- check-ins --------------------------------------------------------------------------------------------------

CheckInKind = Literal[
    "reminder",
    "same_day",
    "next_day",
    "baseline",
    "day_3",
    "day_7",
    "day_14",
    "weekly",
    "extra_mood",
    "survey",
    "continued",
]
"""`survey`: a PHQ-9 on its own, for a SurveyReason. `continued`: the second day of a survey that was split."""
Question = str
"""Id of a question of content/questions.yaml, e.g. `mood`, `phq9:3`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A read answer: the value on its own scale, or the effects named, and when the patient wrote it."""

    question: Question
    value: int | None
    at: datetime
    effects: tuple[str, ...] = ()
    late: bool = False
    severity: Literal["mild", "strong"] | None = None
    """How bad the effects were said to be, if it was said."""
    still_there: bool | None = None
    """Whether the effects were said to last, if it was said."""
    before: tuple[int | None, ...] = ()
    """Values that the patient took back, oldest first; `at` stays the time of the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckIn(Tracked):
    """ask -> nudge -> expire. Asked only once its text is accepted.

    `status`: planned, asked, answering, answered, partly_answered, expired, skipped, cancelled.
    """

    patient_id: PatientId
    checkin_id: CheckInId
    kind: CheckInKind
    due: datetime
    until: datetime
    """Latest moment at which its text may still start."""
    session_id: str | None = None
    visit: datetime | None = None
    """Start of the visit that this text reminds of, alone or beside its questions."""
    joined: tuple[CheckInKind, ...] = ()
    """Kinds of check-ins that were due on the same day and are asked in this one."""
    reasons: tuple[SurveyReason, ...] = ()
    """Why a survey is asked, alone or in this one."""
    provisional: bool = False
    """Waits for its session to be marked completed."""
    questions: tuple[Question, ...] = ()
    answers: tuple[Answer, ...] = ()
    opened: tuple[Question, ...] = ()
    """Those of its questions that an answer opened; a correction may take them out again."""
    carried: tuple[Answer, ...] = ()
    """Answers of the day before, when a long survey is split over days: they count in its totals."""
    asking: Question | None = None
    """The question that was put to the patient last, if it waits for an answer; a late answer is one to it."""
    asking_since: datetime | None = None
    """When it was put: what was written before is no answer to it."""
    asked_again: bool = False
    """The open question was re-asked once already."""
    nudged: bool = False
    asked_at: datetime | None = None
    text_id: TextId | None = None
    """The text that carries the opening question."""
    expires: datetime | None = None

    @property
    def open_question(self) -> Question | None:
        """The question that waits for an answer."""
        answered = {answer.question for answer in self.answers}
        return next((question for question in self.questions if question not in answered), None)


# --- texts ------------------------------------------------------------------------------------------------------

TextKind = Literal["check_in", "nudge", "answer", "keyword", "crisis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Tracked):
    """An outgoing text: send -> find out -> done or stuck.

    `status`: planned, claimed, accepted, delivered, undelivered, refused, unknown, dropped, stuck.
    """

    text_id: TextId
    thread: ThreadId
    clinic_id: ClinicId
    kind: TextKind
    to: str
    body: str
    created: datetime
    stale: datetime | None
    """Not sent after this moment; crisis texts never go stale."""
    checkin_id: CheckInId | None = None
    alert_id: str | None = None
    counted: bool = False
    """Counted against the caps already, so a safe retry does not count twice."""
    claim: str | None = None
    tries: int = 0
    repeats: int = 0
    """Repeats after a proven absence or, for crisis texts, after an unknown outcome."""
    absent_since: datetime | None = None
    """When the carrier's list first did not know this attempt."""
    sid: str | None = None
    carrier_status: str | None = None
    error_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming(Tracked):
    """A text that came in. `status`: unread, read, unreadable. Its step reads it."""

    sid: str
    thread: ThreadId
    clinic_id: ClinicId
    phone: str
    body: str
    received: datetime
    media: int = 0
    danger_rule: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Record):
    """The claim on one MessageSid: a text is handled once, however often it is delivered."""

    sid: str
    thread: ThreadId
    expires: datetime


# --- scores, alerts, flags, mail, audit -------------------------------------------------------------------------

ScoreInstrument = Literal[
    "mood", "phq2", "phq9", "phq9_item9", "gad2", "gad7", "pain", "target", "pcptsd5", "functioning"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score(Record):
    """A value on an instrument's own scale and direction, at the time the patient gave it."""

    patient_id: PatientId
    instrument: ScoreInstrument
    value: int
    at: datetime
    origin: Literal["reply", "intake", "import"]
    checkin_id: CheckInId | None = None
    prorated: bool = False
    """One or two items were missing and stand at the mean of the others."""
    before: tuple[int, ...] = ()
    """Values that the patient took back, oldest first."""


Level = Literal["emergency", "urgent", "same_day"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Tracked):
    """Somebody may be in danger: pages until a named person acknowledges, stays open until closed with an outcome.

    `status`: open, acknowledged, closed.
    """

    alert_id: str
    clinic_id: ClinicId
    thread: ThreadId
    code: str
    """Four digits, said on pages instead of a name."""
    level: Level
    rule: str
    """Id of the rule that found it."""
    opened: datetime
    triggers: tuple[str, ...]
    """MessageSids or score ids that opened or joined it; each counts once."""
    pages: int = 0
    told: datetime | None = None
    """When the first person was told."""
    owner: str | None = None
    outcome: str | None = None
    phone_now: bool = False
    """Our reply may not have reached the patient."""


FlagGroup = Literal["booster", "review", "planned", "silent", "unreachable", "desk", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Tracked):
    """Something for a person to look at. `status`: open, acknowledged, snoozed, done, withdrawn."""

    flag_id: str
    """Rule and what it is about; the same finding is the same flag."""
    clinic_id: ClinicId
    patient_id: PatientId
    group: FlagGroup
    rule: str
    numbers: tuple[tuple[str, str], ...] = ()
    """Slots of the rule's one-sentence reason, e.g. (("base", "18"), ("ref", "6"), ("score", "13"))."""
    born: datetime
    changed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail(Tracked):
    """An e-mail to staff: send -> find out. `status`: planned, claimed, sent, refused, dropped, stuck."""

    mail_id: str
    clinic_id: ClinicId
    kind: Literal["digest", "page"]
    to: str
    subject: str
    text: str
    html: str | None
    created: datetime
    stale: datetime | None
    alert_id: str | None = None
    claim: str | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit(Record):
    """Who did what to which record, when."""

    clinic_id: ClinicId
    audit_id: str
    at: datetime
    who: str
    did: str
    about: str


AnyRecord = (
    Clinic
    | Sender
    | PhoneLink
    | Patient
    | Plan
    | CheckIn
    | Text
    | Incoming
    | Receipt
    | Score
    | Alert
    | Flag
    | Mail
    | Audit
)


@dataclass(frozen=True, slots=True)
class Chart:
    """What a worker needs of one conversation, from one query: the patient, the plan, recent and open records."""

    thread: ThreadId
    patient: Patient | None = None
    plan: Plan | None = None
    checkins: tuple[CheckIn, ...] = ()
    texts: tuple[Text, ...] = ()
    incoming: tuple[Incoming, ...] = ()
    scores: tuple[Score, ...] = ()
    alerts: tuple[Alert, ...] = ()
    flags: tuple[Flag, ...] = ()

    @property
    def open_alert(self) -> Alert | None:
        """The alert that is not closed; there is at most one for a conversation."""
        return next((alert for alert in self.alerts if alert.status != "closed"), None)

    def after(self, writes: "tuple[AnyRecord, ...]") -> "Chart":
        """This chart once these writes are committed: what a step that goes on at once works with."""
        patient, plan = self.patient, self.plan
        shelves: dict[type, dict[object, AnyRecord]] = {
            CheckIn: {c.checkin_id: c for c in self.checkins},
            Text: {t.text_id: t for t in self.texts},
            Incoming: {i.sid: i for i in self.incoming},
            Alert: {a.alert_id: a for a in self.alerts},
            Flag: {f.flag_id: f for f in self.flags},
            Score: {(s.instrument, s.at): s for s in self.scores},
        }
        for write in writes:
            stored = replace(write, version=write.version + 1)
            match stored:
                case Patient():
                    patient = stored
                case Plan():
                    plan = stored
                case CheckIn():
                    shelves[CheckIn][stored.checkin_id] = stored
                case Text():
                    shelves[Text][stored.text_id] = stored
                case Incoming():
                    shelves[Incoming][stored.sid] = stored
                case Alert():
                    shelves[Alert][stored.alert_id] = stored
                case Flag():
                    shelves[Flag][stored.flag_id] = stored
                case Score():
                    shelves[Score][stored.instrument, stored.at] = stored
                case _:
                    pass
        return replace(
            self,
            patient=patient,
            plan=plan,
            checkins=tuple(c for c in shelves[CheckIn].values() if isinstance(c, CheckIn)),
            texts=tuple(t for t in shelves[Text].values() if isinstance(t, Text)),
            incoming=tuple(i for i in shelves[Incoming].values() if isinstance(i, Incoming)),
            scores=tuple(s for s in shelves[Score].values() if isinstance(s, Score)),
            alerts=tuple(a for a in shelves[Alert].values() if isinstance(a, Alert)),
            flags=tuple(f for f in shelves[Flag].values() if isinstance(f, Flag)),
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """What a decision writes, all of it in one commit, and why."""

    reason: str
    writes: tuple[AnyRecord, ...] = field(default=())
