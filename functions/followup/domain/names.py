"""What of a person's name may stand in a list: initials."""


def initials(name: str) -> str:
    """First letters of the first and the last word of a name that begin with one: `Ana María de la Cruz` is `AC`."""
    letters = [word[0] for word in name.split() if word[0].isalpha()]
    return "".join(letters[:1] + letters[1:][-1:]).upper()
