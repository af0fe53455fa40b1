"""The 13 indoor classes of Eigen and SceneNet, and how the 40 classes of NYUv2 map to them.

Sources: SceneNetv1.0's README, ``class13Mapping.mat`` and ESANet's copy agree on the mapping. SUN RGB-D's 37 classes
are the first 37 of NYUv2's 40 in the same order.
"""

from __future__ import annotations

import numpy as np

from .synthetic.scene import CLASSES as CLASSES

PALETTE = (
    (0, 0, 0),
    (0, 0, 255),
    (232, 88, 47),
    (0, 217, 0),
    (148, 0, 240),
    (222, 241, 23),
    (255, 205, 205),
    (0, 223, 228),
    (106, 135, 204),
    (116, 28, 41),
    (240, 35, 235),
    (0, 166, 156),
    (249, 139, 0),
    (225, 228, 194),
)
"""14 colours, void first: the floats of SceneNetv1.0 times 255, truncated as its code does, not rounded."""

# fmt: off
MAP40: np.ndarray = np.array(
    [
        0,
        12, 5, 6, 1, 4, 9, 10, 12, 13, 6,
        8, 6, 13, 10, 6, 13, 6, 7, 7, 5,
        7, 3, 2, 6, 11, 7, 7, 7, 7, 7,
        7, 6, 7, 7, 7, 7, 7, 7, 6, 7,
    ],
    dtype=np.uint8,
)
# fmt: on
"""uint8 ``(41,)``: class 0..40 of NYUv2 to 0..13, void to void."""

MAP37 = MAP40[:38]
"""uint8 ``(38,)``: class 0..37 of SUN RGB-D to 0..13."""
