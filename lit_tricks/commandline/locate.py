"""Where the configuration groups lie, in a wheel, an editable install and a bare checkout."""

from pathlib import Path


def conf_dir() -> Path:
    """Return the absolute folder of the configuration groups.

    A wheel carries them inside the package; an editable install and a checkout have them beside it.
    """
    package = Path(__file__).resolve().parents[1]
    packaged = package / "conf"
    return packaged if packaged.is_dir() else package.parent / "conf"
