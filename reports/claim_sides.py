"""Which rows of the papers' tables a claim compares: the two sides of every comparison."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

from .claim_verdicts import Comparison
from .scores import (
    ANCHOR,
    BOTH_FLOWERS,
    DS,
    FLOWERS,
    NS,
    RDNS,
    RDS,
    RNS,
    RSD,
    SD,
    SEEN_FLOWERS,
    TABLE_BASELINES,
    Direction,
    Scores,
    Side,
    five_metrics,
    obstacle,
    overall,
)  # fmt: skip

Compare = Callable[[Scores], list[Comparison]]

CLOSE = 2.0  # mIoU: the thesis calls 0.7 (table 4.4) similar and 2.5 (table 4.3) a significant gain
NEAR = (-CLOSE, CLOSE)
BOTTOM = 3.0  # mIoU: CycleGAN and StarGAN are at most 2.98 above the lowest row in tables 4.4 and 4.6
ADVERSARIAL = ("cyclegan", "stargan-unpaired", "stargan-paired")
TO_DEPTH = ("cascade", "pix2pix-cascade", *ADVERSARIAL)  # the baselines of tables 4.5 and 4.7
TO_FOREST = ("cascade", "pix2pix-cascade", "cyclegan", "stargan-unpaired")  # of table 4.8
PP, CONTROL = "mmnet-pp", "mmnet-control"
INDICES_AT = "0.8,0.2"  # alpha of 0.2, the papers'
COMPONENTS = ("mmnet-translations", "mmnet-autoencoders", "mmnet-no-noise", "mmnet")  # table 4.3, top down
STEPS = tuple((COMPONENTS[number + 1], COMPONENTS[number]) for number in range(3))


def joined(*parts: Compare) -> Compare:
    """All comparisons of several."""
    return lambda scores: [comparison for part in parts for comparison in part(scores)]


def more(label: str, where: Direction, first: Side, second: Side) -> Comparison:
    """The first side is claimed to be the better one."""
    if where.lower:
        return Comparison(label, where.header, first, second, -inf, 0.0)
    return Comparison(label, where.header, first, second)


def twice(label: str, where: Direction, first: Side, second: Side) -> Comparison:
    """The first side is claimed to be more than two times the second."""
    return Comparison(label, f"ratio of {where.header.removesuffix(', %')}", first, second, lower=2.0, ratio=True)


def _letter(modality: str) -> str:
    """As the papers write it: R, D, N, S, Θ1."""
    return "Θ" + modality[-1] if modality.startswith("theta") else modality[0].upper()


def _named(where: Direction) -> str:
    """Several inputs behind a method's name, such as ``, (R, D)``."""
    inputs = where.inputs.split("+")
    return f", ({', '.join(map(_letter, inputs))})" if len(inputs) > 1 else ""


def difference(first: Side, second: Side) -> Side:
    """First - second of the seeds that both have."""
    return {seed: first[seed] - second[seed] for seed in first.keys() & second.keys()}


def variants(*methods: tuple[str, str], where: Direction = DS) -> Compare:
    """Methods of which the first of each pair is claimed to be the better one."""
    return lambda scores: [
        more(f"{one}{_named(where)} - {two}{_named(where)}", where, scores.side(one, where), scores.side(two, where))
        for one, two in methods
    ]


def doubled(*methods: tuple[str, str], where: Direction = DS) -> Compare:
    """Methods of which the first of each pair is claimed to be more than twice as good."""
    return lambda scores: [
        twice(f"{one} / {two}", where, scores.side(one, where), scores.side(two, where)) for one, two in methods
    ]


def direct_route(direct: str, indirect: str) -> Compare:
    """A router that makes unseen translations at once against the one that goes through the anchor."""
    return lambda scores: [
        more(f"{direct} - {indirect}", DS, scores.side(direct, DS), scores.side(indirect, DS, ANCHOR))
    ]


def from_scratch(*methods: tuple[str, str]) -> Compare:
    """Variants as table 4.2 has them: without pretraining, in rows of their own where ``mmnet`` was pretrained."""

    def compare(scores: Scores) -> list[Comparison]:
        end = "-scratch" if scores.pretrained.get("mmnet") else ""
        return variants(*((one + end, two + end) for one, two in methods))(scores)

    return compare


def table(scores: Scores, where: Direction) -> tuple[str, ...]:
    """The baselines of the papers' table: 4.5 and 4.7 to depth, 4.8 with near infrared, else 4.4 and 4.6."""
    if where.output == SD.output:
        return TO_DEPTH
    return TO_FOREST if scores.has(NS) else TABLE_BASELINES


def above_table(where: Direction, methods: Sequence[str] = ("mmnet",)) -> Compare:
    """Above each baseline of the papers' table, as they evaluate it."""
    return lambda scores: [
        more(f"{method} - {name}", where, scores.side(method, where), scores.printed(name, where))
        for method in methods
        for name in table(scores, where)
    ]


def above_all(where: Direction, methods: Sequence[str] = ("mmnet",)) -> Compare:
    """Above every baseline that was run, both rows of cascades and of M&MNets' own among them."""
    return lambda scores: [
        more(f"{method} - {name}", where, scores.side(method, where), theirs)
        for method in methods
        for name, theirs in scores.baselines(where)
    ]


def twice_table(scores: Scores) -> list[Comparison]:
    """More than two times each baseline of the papers' table, as they evaluate it."""
    ours = scores.side("mmnet", DS)
    return [twice(f"mmnet / {name}", DS, ours, scores.printed(name, DS)) for name in table(scores, DS)]


def twice_all(scores: Scores) -> list[Comparison]:
    """More than two times every baseline that was run."""
    ours = scores.side("mmnet", DS)
    return [twice(f"mmnet / {name}", DS, ours, theirs) for name, theirs in scores.baselines(DS)]


def moderate(against: str) -> Compare:
    """A gain of pseudo-pairs in global accuracy, smaller than that in mIoU."""

    def compare(scores: Scores) -> list[Comparison]:
        one, two = ((scores.side(PP, where), scores.side(against, where)) for where in (DS, overall(DS)))
        gains = difference(*one), difference(*two)
        return [
            more(f"{PP} - {against}", overall(DS), *two),
            Comparison(f"gain in mIoU - gain in global accuracy, over {against}", "points", *gains),
        ]

    return compare


def inputs_help(both: Direction, alone: Direction, method: str = "mmnet") -> Compare:
    """Several inputs above one, or fewer, of them."""
    name = _named(alone).removeprefix(", ") or _letter(alone.inputs)
    return lambda scores: [
        more(f"{method}{_named(both)} - {name}", both, scores.side(method, both), scores.side(method, alone))
    ]


def upper_bound(one: Direction, both: Direction) -> Compare:
    """Oracles above M&MNets with and without pseudo-pairs."""
    return lambda scores: [
        more(f"{oracle} - {method}", where, scores.side(oracle, where), scores.side(method, where))
        for oracle, where in (("oracle", one), ("oracle-multimodal", both))
        for method in ("mmnet", PP)
    ]


def pretraining(scores: Scores) -> list[Comparison]:
    """With the RGB encoder pretrained above without."""
    with_it = scores.side("mmnet", DS) if scores.pretrained.get("mmnet") else {}
    return [more("mmnet, pretrained - mmnet-scratch", DS, with_it, scores.side("mmnet-scratch", DS))]


def cascades(treated: Callable[[Scores, str], Side]) -> Compare:
    """The order of the cascades, which of a row's statistics is given."""

    def compare(scores: Scores) -> list[Comparison]:
        skip, pix2pix, indices = (treated(scores, name) for name in ("cascade-skip", "pix2pix-cascade", "cascade"))
        return [
            Comparison("cascade-skip - pix2pix-cascade", DS.header, skip, pix2pix, *NEAR),
            more("cascade-skip - cascade", DS, skip, indices),
            more("pix2pix-cascade - cascade", DS, pix2pix, indices),
        ]

    return compare


def like_cyclegan(treated: Callable[[Scores, str], Side]) -> Compare:
    """The cascade with pooling indices close to CycleGAN."""
    return lambda scores: [
        Comparison("cascade - cyclegan", DS.header, treated(scores, "cascade"), scores.side("cyclegan", DS), *NEAR)
    ]


def as_printed(scores: Scores, name: str) -> Side:
    """A row to segmentation with BN statistics as trained."""
    return scores.printed(name, DS)


def as_fair(scores: Scores, name: str) -> Side:
    """A row to segmentation with BN statistics re-estimated, where it has them."""
    return scores.fair(name, DS)


def bottom(treated: Callable[[Scores, str], Side], bn: str) -> Compare:
    """Adversarial baselines hardly above the cascade with pooling indices."""

    def compare(scores: Scores) -> list[Comparison]:
        theirs = {name: scores.side(name, DS) for name in ADVERSARIAL}
        lowest = treated(scores, "cascade")
        return [
            Comparison(f"{name} - cascade, {bn}", DS.header, side, lowest, -inf, BOTTOM)
            for name, side in theirs.items()
        ]

    return compare


def in_five(make: Callable[[Direction, Direction], Compare]) -> Compare:
    """What is claimed of S→D and of (R, S)→D, in all five metrics."""
    return joined(*(make(one, both) for one, both in zip(five_metrics(SD), five_metrics(RSD), strict=True)))


def pseudo_pairs(against: str, *places: Direction) -> Compare:
    """Pseudo-pairs above another method, on each of some translations."""
    return joined(*(variants((PP, against), where=where) for where in places))


def flowers_gain(scores: Scores) -> list[Comparison]:
    """Both inputs above the seen one, and twice as far with pseudo-pairs."""
    seen = scores.side("mmnet", SEEN_FLOWERS)
    without, with_them = (scores.side(method, BOTH_FLOWERS) for method in ("mmnet", PP))
    gains = difference(with_them, seen), difference(without, seen)
    return [
        more("mmnet, (Θ1, Θ2) - Θ1", FLOWERS, without, seen),
        more(f"{PP}, (Θ1, Θ2) - mmnet, Θ1", FLOWERS, with_them, seen),
        twice("gain of (Θ1, Θ2) over Θ1, with PP / without", FLOWERS, *gains),
    ]


def more_modalities() -> Compare:
    """Table 4.8: two inputs above one, three above two, without and with pseudo-pairs."""
    steps = ((RDS, DS), (RNS, NS), (RDNS, RDS), (RDNS, RNS))
    return joined(*(inputs_help(both, fewer, method) for method in ("mmnet", PP) for both, fewer in steps))


def obstacles(scores: Scores) -> list[Comparison]:
    """A third input raises the IoU of obstacles, and more than it raises mIoU."""

    def rise(over: Direction, of: Direction) -> Side:
        return difference(scores.side("mmnet", of), scores.side("mmnet", over))

    made = []
    for fewer in (RDS, RNS):
        name = _named(fewer).removeprefix(", ")
        classes, all_classes = rise(obstacle(fewer), obstacle(RDNS)), rise(fewer, RDNS)
        made += [
            *inputs_help(obstacle(RDNS), obstacle(fewer))(scores),
            Comparison(f"rise of obstacle - rise of mIoU, (R, D, N) over {name}", "points", classes, all_classes),
        ]
    return made


def indices(scores: Scores) -> list[Comparison]:
    """RGB's pooling indices above depth's at the papers' alpha."""
    of_rgb, of_depth = (scores.mixed("mmnet", RDS, INDICES_AT, name) for name in ("rgb", "depth"))
    return [more("mmnet, (R, D), indices of R - of D", DS, of_rgb, of_depth)]


def unit(scores: Scores) -> list[Comparison]:
    """UNIT above CycleGAN, to which it reduces without shared weights."""
    ours = scores.side("unit", DS)
    return [more(f"unit - {name}", DS, ours, scores.side(name, DS)) for name in ("cyclegan", "cyclegan-residual")]
