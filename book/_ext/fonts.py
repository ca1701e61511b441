"""Cut the fonts that the pages ship to the characters that the pages use: `python book/_ext/fonts.py` (needs npm).

Afterwards `book/_static/vendor` holds the result, which is checked in.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "_static" / "vendor"
STIX = "@fontsource/stix-two-math@5.3.0"
# Letters, signs and brackets of the course's mathematics, with the table that makes brackets grow.
MATHS = (
    "20-7E,A0,AF,B1,B7,D7,F7,302-304,391-3C9,2013-2016,2026,2032,20D7,210E,2190-2193,21D2,2200-2265,2282-2287,22C5,"
    "2308-230B,23DE-23DF,1D400-1D467,1D49C-1D4CF,1D538-1D56B,1D6FC-1D714"
)
# Icons of the theme that the pages use, by their code points in Font Awesome.
ICONS = (
    "f00d,f002,f010,f015,f019,f03a,f042,f053,f054,f057,f058,f05a,f062,f064,f065,f066,f06a,f071,f077,f078,f0c1,f0c9,"
    "f0eb,f0f3,f104,f105,f107,f141,f15b,f185,f186,f1c1,f303,f35d"
)


def cut(font: Path, characters: str, out: Path, *options: str) -> None:
    """Write the part of a font that has the glyphs of some code points, in hexadecimal."""
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [
        "-m",
        "fontTools.subset",
        str(font),
        f"--unicodes={characters}",
        "--flavor=woff2",
        f"--output-file={out}",
    ]
    subprocess.run([sys.executable, *command, *options], check=True)


def main() -> None:
    """Cut both fonts."""
    import pydata_sphinx_theme

    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "brotli"], check=True)
    icons = Path("fontawesome", "webfonts", "fa-solid-900.woff2")
    theme = Path(pydata_sphinx_theme.__path__[0]) / "theme" / "pydata_sphinx_theme" / "static" / "vendor"
    cut(theme / icons, ICONS, VENDOR / icons)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", folder, STIX], check=True)
        package = Path(folder, "node_modules", *STIX.rpartition("@")[0].split("/"))
        font = package / "files" / "stix-two-math-latin-400-normal.woff2"
        cut(font, MATHS, VENDOR / "stix" / "stix-two-math.woff2", "--no-hinting", "--layout-features=ssty,dtls")
        shutil.copy(package / "LICENSE", VENDOR / "stix")


if __name__ == "__main__":
    main()
