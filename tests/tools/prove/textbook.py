# SPDX-License-Identifier: Apache-2.0
"""Response times of textbooks, for tasks that only use the NPU and a kernel that costs nothing.

Written down as they are printed, without any shortcut: Bril, Lukkien and Verhaegh (2009) for fixed
priorities with deferred preemption, and George, Rivierre and Spuri (1996) for EDF. Every release
may come up to a jitter late; a bound counts from the release that is not.
"""

from __future__ import annotations


def fixed_priority(tasks, me, jitter):
    """Longest response of a task; tasks are (period, deadline, segments, priority)."""
    period, _, own, priority = tasks[me]
    others = [t for i, t in enumerate(tasks) if i != me and t[3] <= priority]
    blocking = max((max(t[2]) for t in tasks if t[3] > priority), default=0)
    cost, last = sum(own), own[-1]

    def settle(begin, demand):
        now = begin
        while demand(now) != now:
            now = demand(now)
        return now

    busy = settle(
        1,
        lambda now: (
            blocking
            + -(-(now + jitter) // period) * cost
            + sum(-(-(now + jitter) // t[0]) * sum(t[2]) for t in others)
        ),
    )
    longest = 0
    for job in range(-(-(busy + jitter) // period)):
        begins = settle(
            0,
            lambda now, job=job: (
                blocking
                + (job + 1) * cost
                - last
                + sum(((now + jitter) // t[0] + 1) * sum(t[2]) for t in others)
            ),
        )
        longest = max(longest, begins + last + jitter - job * period)
    return longest


def edf(tasks, me, jitter):
    """Longest response of a task under EDF, its release tried at every instant that may matter."""
    period, deadline, own, _ = tasks[me]
    others = [t for i, t in enumerate(tasks) if i != me]
    cost, last = sum(own), own[-1]
    longest_other = max((max(t[2]) for t in others), default=0)
    busy = 1
    while True:
        later = longest_other + sum(-(-(busy + jitter) // t[0]) * sum(t[2]) for t in tasks)
        if later == busy:
            break
        busy = later
    instants = {-jitter + k * period for k in range(busy // period + 2)}
    for t in others:
        # Where one of its deadlines meets the job's.
        instants |= {
            t[1] + k * t[0] - jitter - deadline - jitter
            for k in range((busy + deadline) // t[0] + 2)
        }
    longest = 0
    for release in sorted(r for r in instants if -jitter <= r < busy):
        due = release + jitter + deadline
        # Whoever has a job that is due before has none of a later deadline under way.
        blocking = max((max(t[2]) for t in others if due < t[1] - jitter), default=0)
        before = (release + jitter) // period
        begins = 0
        while True:
            later = blocking + (before + 1) * cost - last
            for t in others:
                arrived = (begins + jitter) // t[0] + 1
                urgent = (due - t[1] + jitter) // t[0] + 1
                later += max(min(arrived, urgent), 0) * sum(t[2])
            if later == begins:
                break
            begins = later
        longest = max(longest, begins + last - release)
    return longest
