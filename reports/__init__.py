"""Reports: one file per table or figure, found by name."""

# On the page: the claims, the numbers of the papers' tables, what they look like, what they rest on. Others follow.
ORDER = (
    "claims", "segmentation", "depth", "image", "significance", "ablation", "domains", "matrix", "scaling", "pictures",
    "failures", "alpha", "curves", "quality-cost", "cost", "provenance",
)  # fmt: skip
