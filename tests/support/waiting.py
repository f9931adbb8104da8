"""Waiting for a state and not for a while: how fast a machine is decides no test.

    wait_until(lambda: blocked_clients(control) == 3, 'three clients wait')
    assert_becomes(lambda: info(client)['expired_keys'], '1')
    busy_seconds = least_busy_seconds(server.pid, window_s=1.0, enough_s=0.1)

Nothing takes longer for the patience that these have: only a test that fails uses it up.
"""

import time

import process_figures

# Far more than anything takes on a machine that does much else beside: who has waited for so long waits in vain.
PATIENCE_S = 60.0
PATIENCE_MS = int(PATIENCE_S * 1000)


def wait_until(condition, what='it', timeout_s=PATIENCE_S, pause_s=0.005):
    """Asks again and again until the answer counts as true, and returns it. `what` stands in the failure: a text, or a
    function that tells how things are by then."""
    deadline = time.monotonic() + timeout_s
    while True:
        # Looked at before the question: who is held up between the two asks once more.
        is_late = time.monotonic() > deadline
        answer = condition()
        if answer:
            return answer
        assert not is_late, f'not within {timeout_s:g} s: {what() if callable(what) else what}'
        time.sleep(pause_s)


def assert_becomes(ask, expected, timeout_s=PATIENCE_S):
    """The answer is, sooner or later, what is expected."""
    deadline = time.monotonic() + timeout_s
    while True:
        is_late = time.monotonic() > deadline
        answer = ask()
        if answer == expected or is_late:
            assert answer == expected
            return
        time.sleep(0.02)


def least_busy_seconds(pid, window_s, enough_s, windows=10):
    """Processor time of the process in the quietest of several windows; no more are looked at once one was below
    `enough_s`. Other programs that push it out of the caches, or stop it for a while, make some windows costlier; a
    process that looks for work again and again is busy in each of them."""
    least_s = None
    for _ in range(windows):
        before_s = process_figures.cpu_seconds(pid)
        time.sleep(window_s)
        spent_s = process_figures.cpu_seconds(pid) - before_s
        least_s = spent_s if least_s is None else min(least_s, spent_s)
        if least_s < enough_s:
            break
    return least_s
