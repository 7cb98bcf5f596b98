"""How the carrier signs a webhook (its published algorithm, header `X-Twilio-Signature`)."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1


def signature(auth_token: str, url: str, form: Mapping[str, str]) -> str:
    """HMAC-SHA1, in base64, over the public URL and every field, name then value, sorted by name; blank ones too."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac.new(auth_token.encode(), signed.encode(), sha1).digest()).decode()
