from metaclaw_jlab.jupyter.server.proxy.conversations import Conversations

HELLO = {"role": "user", "content": "Hello"}


def test_a_conversation_is_found_by_its_client() -> None:
    kept = Conversations()
    kept.keep("a", "r1", [HELLO])
    assert kept.find("a", "r1") == (HELLO,)


def test_another_client_does_not_find_it() -> None:
    kept = Conversations()
    kept.keep("a", "r1", [HELLO])
    assert kept.find("b", "r1") is None
    assert kept.find("", "r1") is None


def test_the_longest_unused_goes_first() -> None:
    kept = Conversations(most=2)
    kept.keep("a", "r1", [HELLO])
    kept.keep("a", "r2", [HELLO])
    kept.find("a", "r1")
    kept.keep("a", "r3", [HELLO])
    assert [kept.find("a", name) is not None for name in ("r1", "r2", "r3")] == [True, False, True]


def test_long_conversations_make_room() -> None:
    kept = Conversations(most_characters=1000)
    for name in ("r1", "r2", "r3"):
        kept.keep("a", name, [{"role": "user", "content": "x" * 400}])
    assert [kept.find("a", name) is not None for name in ("r1", "r2", "r3")] == [False, True, True]


def test_one_that_is_too_long_is_not_kept_and_costs_no_other() -> None:
    kept = Conversations(most_characters=1000)
    kept.keep("a", "r1", [HELLO])
    kept.keep("a", "r2", [{"role": "user", "content": "x" * 2000}])
    assert kept.find("a", "r2") is None
    assert kept.find("a", "r1") is not None


def test_the_same_id_again_replaces() -> None:
    kept = Conversations(most_characters=100)
    for _ in range(10):
        kept.keep("a", "r1", [HELLO])
    kept.keep("a", "r2", [HELLO])
    assert kept.find("a", "r1") is not None
