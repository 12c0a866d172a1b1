"""The documentation shows every state that shoppers may see, at every width, and shows nothing else."""

import re

from tests.browser.states import STATES
from tools.pictures import PICTURES, WINDOWS, picture_of
from tools.terminal import ROOT


def test_every_state_has_its_pictures_and_they_are_shown() -> None:
    wanted = {picture_of(state.name, width) for state in STATES for width in WINDOWS}
    assert set((PICTURES / "storefront").iterdir()) == wanted
    page = ROOT / "docs" / "storefront.md"
    named = {(page.parent / path).resolve() for path in re.findall(r"\]\((pictures/[^)]+)\)", page.read_text())}
    assert named == wanted
