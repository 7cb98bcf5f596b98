"""Puts the pages together: clock, driver, patients, front desk and carrier around a running service."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from starlette.types import ASGIApp

from followup.domain.records import ClinicId
from followup.steps.service import Service
from infra.local import driver, server
from infra.local.agenda import Agenda
from infra.local.answering import AnsweringPatients
from infra.local.clock import LocalClock
from infra.local.desk import Desk
from infra.local.directory import Directory
from infra.local.driver import Driver
from infra.local.due import DueSteps
from infra.local.flow import Flow
from infra.local.front_desk import FrontDesk
from infra.local.mailbox import Mails
from infra.local.news import News
from infra.local.on_call import OnCallDesk
from infra.local.resting import Visit
from infra.local.runs import Runs, RunState
from infra.local.tour import Tour
from infra.local.twin import Twin


class Carrier:
    """The carrier's twin, as the driver sees it: its own worker makes happen what is due."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin

    def next_at(self) -> datetime | None:
        return self._twin.next_at()

    def act(self, _now: datetime) -> None:
        self._twin.wake()

    def idle(self) -> bool:
        return self._twin.wait_until_idle(0.0)


@dataclass(frozen=True, slots=True)
class Assembly:
    """What serves the pages, what moves the clock, and whoever may do so."""

    app: ASGIApp
    runs: Runs
    driver: Driver
    desk: Desk

    def resume(self, visit: Visit) -> None:
        """Go on where a visitor was before the last stop."""
        for phone in self.desk.directory.phones():
            if phone.patient_id in visit.played:
                self.desk.answering.typed_by_hand(phone.number)
        self.desk.tour.resume(visit.toured)
        self.desk.on_call.resume(visit.on_call)

    def visit(self) -> Visit:
        """Where the visitor is, for the next start."""
        phones = self.desk.directory.phones()
        played = (phone.patient_id for phone in phones if self.desk.answering.is_played(phone.number))
        return Visit(played=tuple(played), toured=tuple(self.desk.tour.done()), on_call=self.desk.on_call.remembered())

    def close(self, wait_s: float | None = None) -> None:
        """End every open stream and the run under way; a run that takes longer than `wait_s` is left behind."""
        self.runs.stop()
        self.desk.news.close()
        self.runs.join(wait_s)


def assemble(
    *,
    clock: LocalClock,
    steps: DueSteps,
    twin: Twin,
    service: Service,
    running: driver.Service,
    mails: Mails,
    flow: Flow,
    clinics: Iterable[ClinicId],
    began: datetime,
) -> Assembly:
    """`service` reads and changes the records from this process; `running` does the work that falls due.

    `began` is the local clock's first hour, which may be long before this start.
    """
    records = service.records
    directory = Directory(records, clinics)
    answering = AnsweringPatients(records, directory, twin.receive)
    mover = Driver(clock, steps, running, (Carrier(twin), FrontDesk(service, directory), answering))
    news = News()

    def tell(state: RunState) -> None:
        server.tell_clock(news, state)

    desk = Desk(
        clock=clock,
        runs=Runs(mover, clock, tell),
        agenda=Agenda(steps, records),
        directory=directory,
        answering=answering,
        twin=twin,
        mails=mails,
        flow=flow,
        on_call=OnCallDesk(service, directory, clock),
        tour=Tour(records, directory, answering, twin, clock, began),
        news=news,
    )
    server.connect(desk)
    return Assembly(app=server.create_app(desk), runs=desk.runs, driver=mover, desk=desk)
