# SPDX-License-Identifier: Apache-2.0
# NPU policies: what puts one ready job before another.
#
# The dispatcher starts the job of the least (rank, tie, sequence), compared in a circle of 2**30
# as ticks are. A policy says rank and tie when a job is queued; a rotating one also sends a job
# to the end of the sequence after each segment.

from micropython import const


# First come, first served, to completion: the baseline.
class FIFO:
    name = "fifo"
    rotates = False

    def rank(self, priority, deadline):
        return 0

    def tie(self, priority):
        return 0


# Priority, 0 being most urgent; equals in order of arrival.
class FixedPriority(FIFO):
    name = "fp"

    def rank(self, priority, deadline):
        return priority


# Absolute deadline, then priority, then order of arrival.
class EarliestDeadline(FIFO):
    name = "edf"

    def rank(self, priority, deadline):
        return deadline

    def tie(self, priority):
        return priority


# One segment each in turn.
class RoundRobin(FIFO):
    name = "rr"
    rotates = True


# In the order of the container's policy codes.
POLICIES = (FIFO, FixedPriority, EarliestDeadline, RoundRobin)


# What a submission compares without asking the policy, if that is one of the kernel's own.
_BY_ARRIVAL = const(0)
_BY_PRIORITY = const(1)
_BY_DEADLINE = const(2)
_BY_ITSELF = const(3)


def rule(policy):
    kind = type(policy)
    if kind is FixedPriority:
        return _BY_PRIORITY
    if kind is EarliestDeadline:
        return _BY_DEADLINE
    return _BY_ARRIVAL if kind in POLICIES else _BY_ITSELF


# A policy from a name, a code of the container, a class or an instance.
def make(policy):
    if isinstance(policy, int) and 0 <= policy < len(POLICIES):
        return POLICIES[policy]()
    if isinstance(policy, str):
        for known in POLICIES:
            if known.name == policy:
                return known()
        raise ValueError("NPU policy %r, must be fifo, fp, edf or rr" % policy)
    if isinstance(policy, type):
        return policy()
    if not hasattr(policy, "rank"):
        raise ValueError("NPU policy %r, must be fifo, fp, edf or rr" % (policy,))
    return policy
