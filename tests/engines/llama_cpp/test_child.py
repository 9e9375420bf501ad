from metaclaw_jlab.engines.llama_cpp.child import environment


def test_threads_sleep_while_they_wait() -> None:
    assert environment({"PATH": "/bin"}) == {"PATH": "/bin", "OMP_WAIT_POLICY": "passive"}


def test_who_knows_better_decides_how_threads_wait() -> None:
    for chosen in ({"OMP_WAIT_POLICY": "active"}, {"GOMP_SPINCOUNT": "1000"}):
        assert environment(chosen) == chosen
