"""When a stream has been silent for too long: the rule of ``kernels.silence``, said slowly."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Silence:
    """One stream of one symbol. Times in ns; ``heard_ns`` is None until it says something."""

    least_ns: int
    most_ns: int
    heard_ns: int | None = None
    seen_ns: int = 0
    longest_ns: int = 0
    looks: int = 0
    is_silent: bool = False

    @property
    def limit_ns(self) -> int:
        if self.looks <= 100:
            return self.most_ns
        return sorted((self.least_ns, 4 * self.longest_ns, self.most_ns))[1]

    def hear(self, now_ns: int) -> None:
        self.heard_ns = now_ns

    def look(self, now_ns: int) -> None:
        if self.heard_ns is None:
            return
        silence_ns = now_ns - self.heard_ns
        before_ns, self.seen_ns = self.seen_ns, silence_ns
        has_ended = silence_ns < before_ns
        if self.is_silent:
            self.is_silent = not has_ended
            return
        self.looks += 1
        self.longest_ns -= self.longest_ns // 4096
        if has_ended:
            self.longest_ns = max(self.longest_ns, before_ns)
        if silence_ns > self.limit_ns:
            self.is_silent = True
            self.longest_ns = self.limit_ns // 2
