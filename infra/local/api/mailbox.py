"""Mails to staff, and one of them as HTML."""

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local import mailbox
from infra.local.api.bodies import refused
from infra.local.desk import Desk
from infra.local.mailbox import MailboxError

MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"


def routes(desk: Desk) -> list[BaseRoute]:
    async def mails(_request: Request) -> Response:
        try:
            found = await run_in_threadpool(desk.mails)
        except MailboxError as error:
            return refused(str(error), 502)
        return JSONResponse({"mails": [mailbox.as_json(mail) for mail in found]})

    async def html(request: Request) -> Response:
        try:
            found = await run_in_threadpool(desk.mails)
        except MailboxError as error:
            return refused(str(error), 502)
        mail = next((mail for mail in found if mail.mail_id == request.path_params["mail"]), None)
        if mail is None or mail.html is None:
            return refused("no such mail", 404)
        desk.tour.digest_opened()
        return HTMLResponse(mail.html, headers={"Content-Security-Policy": MAIL_POLICY})

    return [Route("/api/mails", mails), Route("/api/mails/{mail}/html", html)]
