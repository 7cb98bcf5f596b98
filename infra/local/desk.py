"""Everything that the pages of the local stack work with."""

from dataclasses import dataclass

from infra.local.agenda import Agenda
from infra.local.answering import AnsweringPatients
from infra.local.clock import LocalClock
from infra.local.directory import Directory
from infra.local.flow import Flow
from infra.local.mailbox import Mails
from infra.local.news import News
from infra.local.on_call import OnCallDesk
from infra.local.runs import Runs
from infra.local.tour import Tour
from infra.local.twin import Twin


@dataclass(frozen=True, slots=True)
class Desk:
    """What stands behind the pages, each part made once."""

    clock: LocalClock
    runs: Runs
    agenda: Agenda
    directory: Directory
    answering: AnsweringPatients
    twin: Twin
    mails: Mails
    flow: Flow
    on_call: OnCallDesk
    tour: Tour
    news: News
