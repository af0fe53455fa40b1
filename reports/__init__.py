"""Reports: one file per table or figure, found by name."""

# On the page: every method's place, the numbers of the papers' tables, the verdicts on them, the claims, what they look
# like, what they rest on. Others follow.
ORDER = (
    "leaderboard", "segmentation", "depth", "image", "domains", "ablation", "verdicts", "claims", "significance",
    "matrix", "scaling", "pictures", "failures", "alpha", "pseudo-pairs", "side-information", "curves",
    "quality-cost", "cost", "provenance",
)  # fmt: skip
