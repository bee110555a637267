"""Card files by coverage-guided chance, for hours: what no list of bombs and no hypothesis has thought of.

    pip install atheris                                  # Linux; no dependency of the suite
    python -m tests.fuzz_cards -max_total_time=600 -rss_limit_mb=1024 -timeout=5 CORPUS

CORPUS is a folder of card files to begin with; what is found is written to `crash-…` in the working folder.
The claim: any bytes are a card, or one CardError; a card that was read can be written and read again.
"""

import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["actors.roleplay", "zipfile", "json", "base64"]):
    from actors.roleplay.card import CardError, read_card
    from actors.roleplay.card_writing import write_png

from tests.roleplay.test_card import PICTURE


def one_file(data: bytes) -> None:
    """Read one file, and write what was read."""
    try:
        card, _ = read_card(data, "x.png")
    except CardError as error:
        if "\n" in str(error):
            raise AssertionError("an error of more than one line") from error
        return
    if read_card(write_png(card.raw, PICTURE))[0].name != card.name:
        raise AssertionError("another card came back")


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_file)
    atheris.Fuzz()
