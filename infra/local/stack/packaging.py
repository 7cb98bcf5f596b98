"""What the functions run on locally: their code as one archive, and their libraries installed once beside it.

On AWS `sam build` puts the libraries into every function's archive. Here they are installed for MiniStack's own
interpreter and found through `PYTHONPATH`, because unpacking them for each function would take a minute.
"""

import io
import os
import shutil
import subprocess
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from followup.domain.errors import BadInput
from infra.content.compiling import check, compile_content
from infra.local.stack.places import FUNCTIONS, KEPT, REQUIREMENTS, UV, stack_python

_FIXED_TIME: Final = (1980, 1, 1, 0, 0, 0)
_LEFT_OUT: Final = ("__pycache__", ".egg-info")


def libraries() -> Path:
    """Folder with the functions' libraries, installed when it is not there for these requirements yet.

    Raises:
        BadInput: they could not be installed; the message ends with the installer's own words.
    """
    python = stack_python()
    wanted = sha256(REQUIREMENTS.read_bytes() + python.resolve().as_posix().encode()).hexdigest()[:16]
    folder = KEPT / "libraries" / wanted
    if folder.exists():
        return folder
    building = folder.with_name(f"{wanted}.{os.getpid()}")
    command = [UV, "pip", "install", "--quiet", "--target", building, "--python", python, "--require-hashes"]
    done = subprocess.run(
        [*map(str, command), "--compile-bytecode", "--requirements", str(REQUIREMENTS)],
        env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(building, ignore_errors=True)
        raise BadInput(f"requirements.txt could not be installed for the local stack: {done.stderr.strip()[-500:]}")
    try:
        building.replace(folder)
    except OSError:  # another process was faster
        shutil.rmtree(building)
    return folder


def archive() -> bytes:
    """The functions' code with its content compiled, as a zip. The same code gives the same bytes.

    Raises:
        BadInput: the content has faults, each named with file and line.
    """
    problems = check() and compile_content()  # written only when out of step: another process may be reading it
    if problems:
        raise BadInput("content: " + "; ".join(map(str, problems)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as target:
        for path in sorted(FUNCTIONS.rglob("*")):
            if path.is_file() and not any(part.endswith(_LEFT_OUT) for part in path.parts):
                name = path.relative_to(FUNCTIONS).as_posix()
                target.writestr(zipfile.ZipInfo(name, _FIXED_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
