"""docs/coverage.md is what tools/coverage.py makes of the test markers today."""

from pathlib import Path

import pytest

from tools import coverage


def test_the_page_is_up_to_date() -> None:
    assert coverage.PAGE.read_text() == coverage.render(coverage.requirements(), coverage.proofs()), (
        "run `make coverage`"
    )


def test_every_requirement_has_its_line_and_no_number_is_missing() -> None:
    numbers = [number for lines in coverage.requirements().values() for number in lines]
    assert numbers == list(range(1, 193))


def test_the_words_are_few() -> None:
    words = [text for lines in coverage.requirements().values() for text in lines.values()]
    assert [text for text in words if len(text.split()) > 14 or "|" in text] == []


def test_markers_are_read_from_functions_classes_and_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "test_claims.py"
    source.write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.requirement(3)]\n"
        "@pytest.mark.requirement(1)\n@pytest.mark.requirement(2, partly=True)\ndef test_both(): ...\n"
        "@pytest.mark.requirement(4, 5)\nclass TestMany: ...\n"
    )
    monkeypatch.setattr(coverage, "TESTS", tmp_path)
    found = {(proof.requirement, proof.partly, proof.test) for proof in coverage.proofs()}
    assert found == {
        (3, False, "test_claims"),
        (1, False, "test_both"),
        (2, True, "test_both"),
        (4, False, "TestMany"),
        (5, False, "TestMany"),
    }


def test_a_claim_about_a_line_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    proof = coverage.Proof(requirement=193, partly=False, place=tmp_path / "test_x.py", test="test_x")
    with pytest.raises(coverage.UnknownRequirement, match="no requirement 193"):
        coverage.render({"All": {1: "one"}}, [proof])


def test_a_part_that_is_shown_does_not_count_as_proven(tmp_path: Path) -> None:
    part = coverage.Proof(requirement=1, partly=True, place=tmp_path, test="a")
    whole = coverage.Proof(requirement=1, partly=False, place=tmp_path, test="b")
    assert [coverage.state(found) for found in ([], [part], [part, whole])] == ["open", "partly", "proven"]
