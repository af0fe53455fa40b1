"""Which videos and views the two protocols of the papers take (thesis 4.6.1 and 4.6.2, CVPR 5.1).

A video's part depends on its place in the release alone, so that absent videos move no other.
"""

from __future__ import annotations

from dataclasses import dataclass

from .frames import PER_FOLDER, Video

FIRST, SECOND, VALIDATION, TEST = PARTS = "rgb+segmentation", "rgb+depth", "validation", "test"


@dataclass(frozen=True)
class Protocol:
    """A selection.

    Attributes:
        train: training videos are the first so many of the release's ``train``.
        apart: every so manieth of them, from the first on, is validation; 0: the ``behind`` videos that follow are.
        behind: validation videos that follow the training videos.
        views: of training and validation videos, from 0 to 299.
        test_views: of the videos of ``val``, all of which are test.
    """

    train: int
    apart: int
    behind: int
    views: range
    test_views: range

    @property
    def folders(self) -> range:
        """The folders of ``train`` that it takes videos from."""
        return range(-(-(self.train + self.behind) // PER_FOLDER))

    @property
    def sizes(self) -> dict[str, int]:
        """Videos of the whole release per part, the halves taken together as ``training``."""
        apart = -(-self.train // self.apart) if self.apart else 0
        return {"training": self.train - apart, VALIDATION: apart + self.behind, TEST: PER_FOLDER}

    def part(self, video: Video) -> str | None:
        """FIRST, SECOND, VALIDATION or TEST; None where the protocol leaves the video out."""
        place = video.place
        if video.release == "val":
            return TEST
        if place >= self.train:
            return VALIDATION if place < self.train + self.behind else None
        if self.apart and place % self.apart == 0:
            return VALIDATION
        # Those set apart are not counted, so that the halves of the whole release are equal.
        counted = place - (place // self.apart + 1 if self.apart else 0)
        return FIRST if counted % 2 == 0 else SECOND

    def views_of(self, part: str) -> range:
        """The views that a video of that part gives."""
        return self.test_views if part == TEST else self.views


PROTOCOLS = {
    "51k": Protocol(train=1000, apart=50, behind=0, views=range(50), test_views=range(1)),
    "170k": Protocol(train=15000, apart=0, behind=1000, views=range(0, 300, 30), test_views=range(0, 300, 30)),
}
