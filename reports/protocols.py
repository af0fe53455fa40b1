"""What the papers state of how the numbers on each published data set were made.

``None`` stands for what they do not state: it blocks no comparison. Citations are of the thesis unless CVPR is named.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """The stated protocol of one published data set.

    Attributes:
        size: height and width of images, pixels.
        width: channels of the networks' first level.
        poolings: levels of down-sampling.
        steps: of training without pseudo-pairs.
        extra_steps: of the stage with pseudo-pairs.
        train: training images, all groups together.
        test: test images.
        total: images of all parts together.
        pretrained: whether M&MNets' RGB encoder starts from ImageNet weights, but for rows that say otherwise.
        unpublished: whether the lists of images are unpublished, so that only their sizes can be met.
        unstated: what else of the measurement is not stated, as a sentence.
        deviations: the page that lists what is done otherwise here.
    """

    size: int
    deviations: str
    width: int | None = None
    poolings: int | None = None
    steps: int | None = None
    extra_steps: int | None = None
    train: int | None = None
    test: int | None = None
    total: int | None = None
    pretrained: bool = False
    unpublished: bool = False
    unstated: str = ""


# 6.4.2 names neither.
OF_DOMAINS = "the papers' reverse classifier and the number of LPIPS pairs are not stated"
# 4.6.1, network training: 200K iterations, 200K more with the RGB encoder frozen, 100K more with pseudo-pairs; CVPR 5.1
# has the same 400K. Tables A.3-A.6: 256 x 256 pixels, 64 channels first, five poolings. 4.6.2: "we perform all the
# remaining experiments initializing the RGB encoder with pretrained weights"; CVPR 5.1: the same of all.
PROTOCOLS = {
    # 4.6.2 and CVPR 5.1: 50 frames of each of 1000 videos; a frame of each of 1000 videos for test.
    "scenenet-51k": Protocol(
        256, "docs/scenenet.md", 64, 5, 400_000, 100_000, train=50_000, test=1000, pretrained=True
    ),
    # 4.6.1 and CVPR 5.1: 150K triplets for training, 10K for validation, 10K for test.
    "scenenet-170k": Protocol(
        256, "docs/scenenet.md", 64, 5, 400_000, 100_000, train=150_000, test=10_000, pretrained=True
    ),
    # 4.6.1: 10K triplets for training (5K pairs of each kind), 335 for test.
    "sunrgbd": Protocol(
        256, "docs/sunrgbd.md", 64, 5, 400_000, 100_000, train=10_000, test=335, pretrained=True, unpublished=True
    ),
    # 4.6.1: cropped to 256 x 256, "the train and test datasets splits provided by the authors", which have 230 and 136
    # frames, and "the above setting" of training.
    "freiburg": Protocol(256, "docs/freiburg.md", 64, 5, 400_000, 100_000, train=230, test=136, pretrained=True),
    # A.3.3 and tables A.11, A.12: 128 x 128, 64 channels, three poolings. 4.5.3 names the ten classes, which have 1867
    # images in the data set; neither the sizes of its parts nor the number of steps are stated.
    "flowers-opponent": Protocol(128, "docs/flowers.md", 64, 3, total=1867, unpublished=True),
    # 6.4.1: four colours, 128 x 128, 3200 training and 800 test images.
    "colored-objects-4": Protocol(
        128, "docs/colored-objects.md", train=3200, test=800, unpublished=True, unstated=OF_DOMAINS
    ),
    # 6.4.1: 256 x 256; training 3000 + 700 + 500 + 1000, test 300 + 100 + 100 + 200.
    "artworks-4": Protocol(256, "docs/artworks.md", train=5200, test=700, unpublished=True, unstated=OF_DOMAINS),
}
# Where both papers print a number under one name but made it on other test images (CVPR 5.1: the 60th frame of the
# training videos; thesis 4.6.2: the first frame of other videos, as here).
OTHER_TEST_IMAGES = {("cvpr2018", "scenenet-51k"): "CVPR's test frames are of the training videos, ours are not"}
# What a method of tables 6.3 and 6.4 is trained on, where it is not the papers' (6.5.3: "a total of 6 generators for
# CycleGAN and MUNIT").
OTHER_PAIRS = {"munit": "pairs: only those with the anchor are trained, published a model for every pair"}
