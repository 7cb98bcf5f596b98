"""Every patient's phone, and typing on it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.api.bodies import body_of, refused
from infra.local.desk import Desk
from infra.local.directory import Phone
from infra.local.twin import PhoneText

TYPING: Final = timedelta(seconds=1)
"""What passes while a patient types, so that no two texts carry the same time while the clock stands."""


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a patient types."""

    body: str


def routes(desk: Desk) -> list[BaseRoute]:
    def listed() -> dict[str, Any]:
        texts: dict[tuple[str, str], list[PhoneText]] = {}
        for text in desk.twin.texts():
            texts.setdefault((text.theirs, text.ours), []).append(text)
        phones, alerted = desk.directory.phones(), desk.on_call.open_threads()
        return {
            "now": desk.clock.now().isoformat(),
            "phones": [
                {
                    **_phone(desk, phone, texts.get((phone.number, phone.ours), [])),
                    "alert": phone.patient_id in alerted,
                }
                for phone in phones
            ],
        }

    def type_text(patient_id: str, body: str) -> str:
        phone = next((phone for phone in desk.directory.phones() if phone.patient_id == patient_id), None)
        if phone is None:
            raise LookupError("no such patient")
        desk.answering.typed_by_hand(phone.number)
        desk.clock.pass_(TYPING)
        return desk.twin.receive(phone.number, phone.ours, body).sid

    async def phones(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(listed))

    async def texts(request: Request) -> Response:
        typed = await body_of(request, Typed)
        if isinstance(typed, Response):
            return typed
        if not typed.body.strip():
            return refused("body: type something first", 400)
        try:
            sid = await run_in_threadpool(type_text, request.path_params["patient"], typed.body)
        except LookupError as error:
            return refused(str(error.args[0]), 404)
        except ValueError as error:
            return refused(str(error), 400)
        return JSONResponse({"sid": sid}, 201)

    return [Route("/api/phones", phones), Route("/api/phones/{patient}/texts", texts, methods=["POST"])]


def text_as_json(text: PhoneText) -> dict[str, Any]:
    return {"sid": text.sid, "from_patient": text.from_patient, "body": text.body, "at": text.at.isoformat()}


def _phone(desk: Desk, phone: Phone, texts: Sequence[PhoneText]) -> dict[str, Any]:
    return {
        "id": phone.patient_id,
        "initials": phone.initials,
        "language": phone.language,
        "zone": phone.zone,
        "clinic": phone.clinic,
        "status": phone.status,
        "blocked": desk.twin.is_blocked(phone.ours, phone.number),
        "played": desk.answering.is_played(phone.number),
        "texts": [text_as_json(text) for text in texts],
    }
