"""The fixtures that start Socialops as it really runs."""

from socialops.local.processes import command_of
from tests.processes import wait_until


def test_web_answers_from_the_tests_own_database(processes, browser):
    answer = browser.new_page().goto(f"{processes.web().url}/account/login/")
    assert answer.status == 200


def test_a_worker_takes_a_message_and_beat_runs_beside_it(worker, beat):
    from socialops.celery import app

    assert wait_until(lambda: app.control.ping(timeout=1), "the worker to answer a ping", worker.child)
    assert beat.child.alive()


def test_a_process_is_gone_after_its_test(processes):
    running = processes.worker(processes=1)
    pid = running.pid
    running.kill()
    assert "celery" not in command_of(pid)
