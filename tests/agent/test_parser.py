import pytest

from metaclaw_jlab.agent.parser import Reply, parse_reply, render_reply


@pytest.mark.parametrize("done", [True, False])
def test_what_is_rendered_is_read_back(done: bool) -> None:
    assert parse_reply(render_reply("x = 1\nprint(x)", done=done)) == Reply("x = 1\nprint(x)", done)


def test_a_reply_without_code_is_done() -> None:
    assert parse_reply("There is nothing to do.") == Reply("", True)


def test_prose_around_the_block_is_left_out() -> None:
    assert parse_reply("Sure!\n```python\nx = 1\n```\nThis sets x.") == Reply("x = 1", False)


def test_done_inside_the_code_does_not_count() -> None:
    assert parse_reply("```python\nprint('Done.')\n```") == Reply("print('Done.')", False)


def test_a_shell_block_is_no_action() -> None:
    assert parse_reply("```bash\nls\n```\n```python\nx = 1\n```") == Reply("x = 1", False)


def test_a_longer_fence_may_hold_a_shorter_one() -> None:
    assert parse_reply("````python\ntext = '''\n```\n'''\n````\nDone.") == Reply("text = '''\n```\n'''", True)


def test_a_block_that_was_cut_off_is_never_done() -> None:
    assert parse_reply("```python\nx = 1\nDone.") == Reply("x = 1\nDone.", False)


@pytest.mark.parametrize("word", ["Done.", "done", "**Done.**", "`Done.`", "Done!"])
def test_done_is_read_as_people_write_it(word: str) -> None:
    assert parse_reply(f"```python\nx = 1\n```\n{word}").done


def test_blocks_of_other_languages_alone_are_foreign() -> None:
    assert parse_reply("```json\n{}\n```").foreign
    assert not parse_reply("```json\n{}\n```\n```python\nx = 1\n```").foreign
    assert not parse_reply("There is nothing to do.").foreign
