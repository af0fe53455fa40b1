"""How training images are varied beside horizontal flips; no torch. Carried out by ``training/augment.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Augmentation:
    """By default nothing.

    Attributes:
        crop: the least side of a random square, as a share of the image's, in (0, 1]. It is enlarged to the image's
            size, the same square for all modalities of a sample. Depth keeps its metres: what is shown is what a
            narrower view of the same place shows.
        brightness, contrast, saturation: of colour images alone; factors from 1 - x to 1 + x, x in [0, 1].
        hue: of colour images alone; turns of the colour wheel from -x to x, x in [0, 0.5].
    """

    crop: float = 1.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0

    @property
    def recolours(self) -> bool:
        """Whether colours change."""
        return any((self.brightness, self.contrast, self.saturation, self.hue))

    def problem(self) -> str:
        """Which value makes no sense and what would; empty where all do."""
        if not 0 < self.crop <= 1:
            return f"crop expects a share of the side above 0, up to 1, got {self.crop:g}"
        for name, most in (("brightness", 1.0), ("contrast", 1.0), ("saturation", 1.0), ("hue", 0.5)):
            if not 0 <= (value := getattr(self, name)) <= most:
                return f"{name} expects 0 to {most:g}, got {value:g}"
        return ""
