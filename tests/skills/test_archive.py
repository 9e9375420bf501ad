import zipfile
from pathlib import Path

import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.skills.archive import read_archive, write_archive
from metaclaw_jlab.skills.library import write_skill
from metaclaw_jlab.skills.markdown import render
from tests.skills.copies import files, skill

A, B = skill("a"), skill("b")


def zipped(path: Path, entries: dict[str, str | bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("inside", [".", "skills", "repository-main/skills"])
def test_skills_are_found_at_any_depth(tmp_path: Path, inside: str) -> None:
    for each in (A, B):
        write_skill(tmp_path / "theirs" / inside, each)
    assert read_archive(tmp_path / "theirs").skills == (A, B)
    entries: dict[str, str | bytes] = {f"{inside}/{each.name}/SKILL.md": render(each) for each in (A, B)}
    assert read_archive(zipped(tmp_path / "theirs.zip", entries)).skills == (A, B)


def test_one_skill_is_found_by_its_folder_its_file_or_its_zip_file(tmp_path: Path) -> None:
    write_skill(tmp_path, A)
    for path in (tmp_path / "a", tmp_path / "a" / "SKILL.md"):
        assert read_archive(path).skills == (A,)
    assert read_archive(zipped(tmp_path / "a.zip", {"SKILL.md": render(A)})).skills == (A,)


def test_what_is_not_taken_is_told(tmp_path: Path) -> None:
    write_skill(tmp_path / "theirs", A)
    (tmp_path / "theirs" / "a" / "scripts").mkdir()
    (tmp_path / "theirs" / "a" / "notes.txt").write_text("theirs")
    entries: dict[str, str | bytes] = {"a/SKILL.md": render(A), "a/scripts/x.py": "", "a/notes.txt": ""}
    for path in (tmp_path / "theirs", zipped(tmp_path / "theirs.zip", entries)):
        [problem] = read_archive(path).problems
        assert problem.loaded
        assert "notes.txt, scripts" in problem.sentence


def test_what_is_hidden_or_inside_a_skill_is_no_skill_of_its_own(tmp_path: Path) -> None:
    entries: dict[str, str | bytes] = {
        "a/SKILL.md": render(A),
        "a/examples/b/SKILL.md": render(B),
        ".git/b/SKILL.md": render(B),
        "__MACOSX/b/SKILL.md": render(B),
    }
    assert read_archive(zipped(tmp_path / "theirs.zip", entries)).skills == (A,)
    for name, content in list(entries.items())[:3]:
        (tmp_path / "theirs" / name).parent.mkdir(parents=True)
        (tmp_path / "theirs" / name).write_text(str(content))
    assert read_archive(tmp_path / "theirs").skills == (A,)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xff\xfe\x00", "UTF-8"),
        (b"no frontmatter", "frontmatter"),
        (b"x" * 300_000, "256 KB"),
        (render(A).replace("Do it.", "Do \u202eit.").encode(), "hidden"),
        (render(B).encode(), "names equal"),
    ],
)
def test_a_broken_skill_is_told_and_the_others_load(tmp_path: Path, content: bytes, word: str) -> None:
    write_skill(tmp_path / "theirs", B)
    (tmp_path / "theirs" / "a").mkdir()
    (tmp_path / "theirs" / "a" / "SKILL.md").write_bytes(content)
    packed = zipped(tmp_path / "theirs.zip", {"a/SKILL.md": content, "b/SKILL.md": render(B)})
    for path in (tmp_path / "theirs", packed):
        found = read_archive(path)
        assert found.skills == (B,)
        assert word in found.problems[0].sentence
        assert not found.problems[0].loaded


def test_of_two_skills_of_one_name_the_first_is_taken(tmp_path: Path) -> None:
    entries: dict[str, str | bytes] = {
        "x/a/SKILL.md": render(A),
        "y/a/SKILL.md": render(skill("a", "Other.")),
    }
    found = read_archive(zipped(tmp_path / "theirs.zip", entries))
    assert found.skills == (A,)
    assert "two skills" in found.problems[0].sentence


def test_no_link_is_followed(tmp_path: Path) -> None:
    write_skill(tmp_path / "outside", A)
    (tmp_path / "theirs" / "a").mkdir(parents=True)
    (tmp_path / "theirs" / "a" / "SKILL.md").symlink_to(tmp_path / "outside" / "a" / "SKILL.md")
    (tmp_path / "theirs" / "b").symlink_to(tmp_path / "outside" / "a")
    found = read_archive(tmp_path / "theirs")
    assert found.skills == ()
    assert "link" in found.problems[0].sentence


def test_a_name_in_a_zip_file_that_leads_outside_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "deep" / "down").mkdir(parents=True)
    packed = zipped(tmp_path / "deep" / "down" / "theirs.zip", {"../../a/SKILL.md": render(A)})
    before = files(tmp_path)
    with pytest.raises(UsageMistake):
        read_archive(packed)
    assert files(tmp_path) == before


def test_a_damaged_entry_is_told_and_the_others_load(tmp_path: Path) -> None:
    packed = zipped(
        tmp_path / "t.zip", {"a/SKILL.md": render(A), "b/SKILL.md": render(B)}, zipfile.ZIP_STORED
    )
    packed.write_bytes(packed.read_bytes().replace(b"Use when a", b"Use when x", 1))
    found = read_archive(packed)
    assert found.skills == (B,)
    assert "unpacked" in found.problems[0].sentence


def test_what_holds_no_skill_is_told_with_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip file")
    for name, word in (("empty", "no SKILL.md"), ("text.zip", "no zip file"), ("nothing", "There is no")):
        with pytest.raises(UsageMistake, match=f"{word}.* Give"):
            read_archive(tmp_path / name)


def test_a_zip_file_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    write_archive(tmp_path / "one.zip", [A, B])
    write_archive(tmp_path / "two.zip", [B, A])
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for name in ("file/out", "file/out.zip", "missing/out.zip"):
        with pytest.raises(UsageMistake, match="cannot be written"):
            write_archive(tmp_path / name, [A])
    assert files(tmp_path) == {"file"}


def test_a_failed_export_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    monkeypatch.setattr("os.fsync", full)
    for name in ("out", "out.zip"):
        with pytest.raises(UsageMistake, match="space"):
            write_archive(tmp_path / name, [A])
    assert files(tmp_path) == set()
