"""Mail to staff, by SES."""

import re
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from followup.domain.delivery import MailResult
from followup.domain.records import Mail

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

CLINIC_TAG: Final = "clinic"
MAIL_TAG: Final = "mail"
NOT_IN_TAGS: Final = re.compile(r"[^A-Za-z0-9_-]")
PACE: Final = frozenset({"TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling"})


class SesMailer:
    """Sends through a client that must be set up for one attempt: only a decision of ours may repeat a mail.

    Every mail carries its clinic's id and its own as the tags `clinic` and `mail`, so that the events of the
    configuration set say what became of it.
    """

    def __init__(self, client: "SESV2Client", configuration_set: str) -> None:
        self._client = client
        self._configuration_set = configuration_set

    def send(self, mail: Mail, *, sender: str) -> MailResult:
        body: Any = {"Text": _utf8(mail.text)}
        if mail.html is not None:
            body["Html"] = _utf8(mail.html)
        try:
            self._client.send_email(
                FromEmailAddress=sender,
                Destination={"ToAddresses": [mail.to]},
                Content={"Simple": {"Subject": _utf8(mail.subject), "Body": body}},
                EmailTags=[
                    {"Name": CLINIC_TAG, "Value": tag(mail.clinic_id)},
                    {"Name": MAIL_TAG, "Value": tag(mail.mail_id)},
                ],
                ConfigurationSetName=self._configuration_set,
            )
        except ClientError as error:
            return _after(error)
        except (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError):
            return MailResult("not_sent")
        except BotoCoreError:
            return MailResult("unknown")
        return MailResult("sent")


def tag(mail_id: str) -> str:
    """The id as SES takes it in a tag: letters, digits, `_` and `-` only, anything else becomes `_`."""
    return NOT_IN_TAGS.sub("_", mail_id)


def _utf8(text: str) -> Any:
    return {"Data": text, "Charset": "UTF-8"}


def _after(error: ClientError) -> MailResult:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if status == 429 or error.response.get("Error", {}).get("Code") in PACE:
        return MailResult("not_sent")
    return MailResult("refused" if 400 <= status < 500 else "unknown")
