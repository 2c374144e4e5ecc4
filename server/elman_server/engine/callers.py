"""Who asks for texts, and whose text goes next where not all can: callers take turns, however many texts each has.

    caller A   a1 a2 a3 a4 ...  served 768     The next turn is B's, which has had least of the engine (start-time fair
    caller B   b1               served 256     queueing: Goyal, Vin and Cheng 1996). A turn is TURN_STEPS of one text; who
    caller C   c1 c2            served 512     comes new begins where the last one served stood.

What somebody types waits for goes by itself, before all else. Where there are no more texts than pay, all of them move, and
those turns are not counted. Knows neither rows nor calls.
"""

from collections import deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from heapq import heapify, heappop, heapreplace
from itertools import chain

from elman_server.engine.asker import LEAST_EFFORT, Caller, Effort
from elman_server.engine.job import Job

TURN_STEPS = 256
"""How far a text moves before another one's turn comes: a completion of the usual length ends within it."""


class Callers:
    """All callers that have texts in the engine."""

    def __init__(self) -> None:
        self._callers: dict[Hashable, Caller] = {}
        self._served = 0.0  # what the caller who got the last turn had been served before

    def __len__(self) -> int:
        return len(self._callers)

    @property
    def work(self) -> int:
        """How many steps all texts may still take."""
        return sum(caller.work for caller in self._callers.values())

    def enter(self, job: Job) -> None:
        """A text comes into the engine."""
        name = job.asker.caller
        caller = self._callers.get(name)
        if caller is None:
            caller = self._callers[name] = Caller(name, self._served)
        job.caller, job.booked = caller, job.work
        caller.texts += 1
        caller.last = Effort(job.booked, job.least_work)
        caller.work += job.booked

    def book(self, job: Job) -> None:
        """Note how much work a text still is."""
        if job.caller:
            job.caller.work += (work := job.work) - job.booked
            job.booked = work

    def leave(self, job: Job) -> None:
        """A text is at its end, or nobody wants it any more."""
        caller, job.caller = job.caller, None
        if caller is None:
            return
        caller.work -= job.booked
        caller.texts -= 1
        caller.served -= job.turn if job.is_charged else 0
        if not caller.texts:
            del self._callers[caller.name]

    def work_before(self, name: Hashable, work: int) -> int:
        """How many steps are taken before a caller's texts have ended if it comes with so much more work.

        Nobody else is served more than the caller itself meanwhile.
        """
        caller = self._callers.get(name)
        own = work + (caller.work if caller else 0)
        others = sum(min(each.work, own) for each in self._callers.values() if each is not caller)
        return own - work + others

    def expected(self, name: Hashable) -> Effort:
        """What a text counts for before it is read, which costs time: as the last of its caller's texts, and at most a turn.

        The least where its caller has none there.
        """
        caller = self._callers.get(name)
        return Effort(*(min(steps, TURN_STEPS) for steps in caller.last)) if caller else LEAST_EFFORT

    def weight_of(self, name: Hashable) -> int:
        """What a caller's texts that wait for a row weigh."""
        caller = self._callers.get(name)
        return caller.waiting if caller else 0

    def deal(self, jobs: Sequence[Job], most: int) -> None:
        """Give turns to texts, until as many have one as pay, and beside them as many that are urgent."""
        if len(jobs) > most:
            self._deal([job for job in jobs if job.is_urgent], most)
            self._deal([job for job in jobs if not job.is_urgent], most)
            return
        for job in jobs:
            if not job.turn:
                job.give_turn(TURN_STEPS, is_charged=False)

    def _deal(self, jobs: Sequence[Job], most: int) -> None:
        resting = [job for job in jobs if not job.turn]
        if (free := most - len(jobs) + len(resting)) > 0:
            self._give_turns(resting, free)

    def _give_turns(self, jobs: Sequence[Job], free: int) -> None:
        """The first of the texts of whoever was served least, again and again."""
        texts: dict[Caller, deque[Job]] = {}
        for job in jobs:
            if job.caller:
                texts.setdefault(job.caller, deque()).append(job)
        order = [(caller.served, number, caller) for number, caller in enumerate(texts)]
        heapify(order)
        while free > 0 and order:
            self._served, number, caller = order[0]
            texts[caller].popleft().give_turn(TURN_STEPS, is_charged=True)
            caller.served += TURN_STEPS
            free -= 1
            if texts[caller]:
                heapreplace(order, (caller.served, number, caller))
            else:
                heappop(order)


class Queue:
    """Texts that wait for a row, the urgent ones before all others, and what they weigh together: something if there are any.

    A text's weight stays the same while it waits.
    """

    def __init__(self) -> None:
        self._urgent: deque[Job] = deque()
        self._texts: dict[Caller | None, deque[Job]] = {}
        self._count = self.weight = 0

    def __len__(self) -> int:
        return self._count

    def push(self, job: Job) -> None:
        """Let a text wait behind its caller's others."""
        self._of(job).append(job)
        self._count_in(job, 1)

    def push_first(self, jobs: Sequence[Job]) -> None:
        """Let texts of one caller wait, in this order, before its others."""
        for job in reversed(jobs):
            self._of(job).appendleft(job)
            self._count_in(job, 1)

    def pop(self) -> Job:
        """Take out the text that comes first: an urgent one, or the first of the caller who was served least."""
        if self._urgent:
            job = self._urgent.popleft()
        else:
            caller = min(self._texts, key=lambda each: each.served if each else 0.0)
            texts = self._texts.pop(caller)
            job = texts.popleft()
            if texts:
                self._texts[caller] = texts  # behind callers who were served as little
        self._count_in(job, -1)
        return job

    def take_out(self, jobs: Iterable[Job]) -> None:
        """Take out these texts."""
        unwanted = set(jobs)
        if not unwanted:
            return
        for job in unwanted:
            self._count_in(job, -1)
        self._urgent = deque(job for job in self._urgent if job not in unwanted)
        kept = {caller: deque(job for job in texts if job not in unwanted) for caller, texts in self._texts.items()}
        self._texts = {caller: texts for caller, texts in kept.items() if texts}

    def __iter__(self) -> Iterator[Job]:
        return chain(self._urgent, *self._texts.values())

    def cancelled(self) -> list[Job]:
        """The texts that nobody wants any more."""
        return [job for job in self if job.is_cancelled]

    @property
    def oldest_seconds(self) -> float:
        """How long the text has waited that has waited longest for its first row."""
        return max((job.timing.queue_seconds for job in self if not job.was_admitted), default=0.0)

    def _of(self, job: Job) -> deque[Job]:
        return self._urgent if job.is_urgent else self._texts.setdefault(job.caller, deque())

    def _count_in(self, job: Job, sign: int) -> None:
        self._count += sign
        self.weight += sign * job.weight
        if job.caller:
            job.caller.waiting += sign * job.weight
