"""Which tests share one of xdist's workers, in their order.

By their names, because xdist 3.8 does not see the groups of `pytest.mark.xdist_group` under pytest 9.2, and does not
say so. Everything else goes to whichever worker is free; the largest group is handed out first.
"""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = {
    "journeys": "tests/journeys/",  # whole companies of processes each:
    "faults": "tests/faults/",  # two side by side would only wait for each other
    "mastodon": "mastodon",  # mastodon-mock takes five seconds to start, once for each worker
}


class Sharing(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return next((group for group, words in TOGETHER.items() if words in nodeid), nodeid)
