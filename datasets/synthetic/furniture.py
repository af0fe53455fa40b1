"""Pieces of furniture from boxes, ellipsoids and cylinders; sizes in metres, as in real rooms."""

from __future__ import annotations

from .draw import Draw
from .materials import Material, material, screen
from .scene import BED, CHAIR, FURNITURE, OBJECT, SOFA, TABLE, TV, Item
from .small import clutter, lamp, on_top


def bed(draw: Draw) -> Item:
    """Frame, mattress, blanket, pillows and headboard; the head stands at the wall."""
    width, depth = draw.pick((0.95, 1.25, 1.45, 1.65, 1.85)), draw.between(1.95, 2.15)
    base, top = draw.between(0.22, 0.36), draw.between(0.44, 0.62)
    frame, sheet, blanket, pillow = (material(draw) for _ in range(4))
    head = draw.between(0.75, 1.2)
    item = Item(width, depth, top + 0.05)
    half, back, front = width / 2, -depth / 2, depth / 2
    item.box(BED, frame, (-half, half), (back, front), (0.08, base))
    item.box(BED, sheet, (-half + 0.03, half - 0.03), (back + 0.06, front - 0.03), (base, top))
    item.box(BED, frame, (-half - 0.02, half + 0.02), (back, back + 0.06), (0.0, head))
    cover = back + draw.between(0.6, 1.0)
    item.box(BED, blanket, (-half + 0.01, half - 0.01), (cover, front - 0.01), (base + 0.04, top + 0.05))
    count = 2 if width > 1.3 else 1
    for index in range(count):
        middle = (index - (count - 1) / 2) * width / 2
        wide = min(0.34, 0.42 * width / count)
        item.ball(BED, pillow, (middle - wide, middle + wide), (back + 0.08, back + 0.5), (top - 0.05, top + 0.16))
    if draw.chance(0.4):
        item.box(BED, frame, (-half, half), (front - 0.04, front), (0.0, top + draw.between(0.0, 0.25)))
    if draw.chance(0.3):
        on_top(draw, item, [(0.0, front - 0.5, top + 0.05, width * 0.6, 0.5, 0.3)])
    return item


def sofa(draw: Draw) -> Item:
    """Base, seat cushions, back and arms for one to three people, cushions by chance."""
    seats = draw.pick((1, 2, 2, 3, 3))
    arm = draw.between(0.12, 0.24)
    width, depth = seats * draw.between(0.58, 0.7) + 2 * arm, draw.between(0.82, 0.98)
    seat, back = draw.between(0.38, 0.46), draw.between(0.72, 0.95)
    body, cushion = material(draw), material(draw)
    if draw.chance(0.7):
        cushion = body
    item = Item(width, depth, seat)
    half, rear, front = width / 2, -depth / 2, depth / 2
    item.box(SOFA, body, (-half, half), (rear, front - 0.03), (0.06, seat - 0.12))
    item.box(SOFA, body, (-half + arm * 0.5, half - arm * 0.5), (rear, rear + 0.24), (0.1, back))
    inner = width - 2 * arm
    for index in range(seats):
        left = -inner / 2 + index * inner / seats
        right = left + inner / seats - 0.015
        item.box(SOFA, cushion, (left, right), (rear + 0.2, front), (seat - 0.13, seat))
    top = seat + draw.between(0.12, 0.24)
    item.box(SOFA, body, (-half, -half + arm), (rear + 0.02, front - 0.01), (0.04, top))
    item.box(SOFA, body, (half - arm, half), (rear + 0.02, front - 0.01), (0.04, top))
    if draw.chance(0.6):
        loose = material(draw)
        for side in (-1, 1)[: draw.integer(1, 2)]:
            middle = side * (inner / 2 - 0.2)
            item.ball(SOFA, loose, (middle - 0.2, middle + 0.2), (rear + 0.2, rear + 0.4), (seat, seat + 0.4))
    return item


def chair(draw: Draw) -> Item:
    """Seat, back and four legs, or a swivel chair on a column."""
    width, depth = draw.between(0.42, 0.52), draw.between(0.42, 0.52)
    seat, back = draw.between(0.42, 0.48), draw.between(0.8, 1.05)
    body = material(draw)
    padding = material(draw) if draw.chance(0.5) else body
    item = Item(width, depth, seat)
    half, rear, front = width / 2, -depth / 2, depth / 2
    swivel = draw.chance(0.3)
    thick = 0.1 if swivel else draw.between(0.04, 0.08)
    item.box(CHAIR, padding, (-half, half), (rear, front), (seat - thick, seat))
    low = seat + (draw.between(0.08, 0.2) if draw.chance(0.5) else 0.0)
    item.box(CHAIR, padding, (-half, half), (rear, rear + 0.05), (low, back))
    if swivel:
        item.tube(CHAIR, body, (-0.04, 0.04), (-0.04, 0.04), (0.08, seat - thick))
        item.tube(CHAIR, body, (-0.27, 0.27), (-0.27, 0.27), (0.02, 0.08))
        for side in (-1, 1):
            middle = side * half
            item.box(CHAIR, body, (middle - 0.03, middle + 0.03), (rear + 0.05, front - 0.1), (seat + 0.16, seat + 0.2))
        return item
    leg = draw.between(0.035, 0.055)
    for x in (-half, half - leg):
        for y in (rear, front - leg):
            top = low if y == rear else seat - thick
            item.box(CHAIR, body, (x, x + leg), (y, y + leg), (0.0, max(top, seat - thick)))
    return item


def table(draw: Draw, low: bool = False, desk: bool = False) -> Item:
    """A top on four legs, two panels or a column; coffee tables are low; things stand on it by chance."""
    if low:
        width, depth, height = draw.between(0.7, 1.2), draw.between(0.45, 0.7), draw.between(0.36, 0.5)
    elif desk:
        width, depth, height = draw.between(1.1, 1.7), draw.between(0.6, 0.75), draw.between(0.71, 0.76)
    else:
        width, depth, height = draw.between(1.1, 2.0), draw.between(0.8, 1.0), draw.between(0.72, 0.77)
    top, legs = material(draw), material(draw)
    if draw.chance(0.6):
        legs = top
    item = Item(width, depth, height)
    half, rear, front = width / 2, -depth / 2, depth / 2
    under = height - draw.between(0.03, 0.07)
    is_round = not desk and draw.chance(0.25)
    (item.tube if is_round else item.box)(TABLE, top, (-half, half), (rear, front), (under, height))
    if is_round:
        item.tube(TABLE, legs, (-0.06, 0.06), (-0.06, 0.06), (0.04, under))
        item.tube(TABLE, legs, (-half * 0.5, half * 0.5), (rear * 0.5, front * 0.5), (0.0, 0.04))
    elif draw.chance(0.3):
        for x in (-half + 0.02, half - 0.06):
            item.box(TABLE, legs, (x, x + 0.04), (rear + 0.04, front - 0.04), (0.0, under))
    else:
        leg = draw.between(0.04, 0.09)
        for x in (-half + 0.02, half - leg - 0.02):
            for y in (rear + 0.02, front - leg - 0.02):
                item.box(TABLE, legs, (x, x + leg), (y, y + leg), (0.0, under))
    room = 0.6 if is_round else 0.85
    third = width * room / 3
    item.surfaces = [(side * third, 0.0, height, third * 0.9, depth * room * 0.8, 0.45) for side in (-1, 0, 1)]
    if desk and draw.chance(0.55):
        item.include(television(draw, draw.between(0.5, 0.72)), 0.0, rear + 0.16, height)
        item.surfaces.pop(1)
    on_top(draw, item, item.surfaces, 0.7)
    return item


def cabinet(draw: Draw, small: bool = False) -> Item:
    """A closed body with doors or drawers; a night stand where ``small``."""
    if small:
        width, depth, height = draw.between(0.38, 0.55), draw.between(0.35, 0.45), draw.between(0.42, 0.65)
    else:
        width, depth, height = draw.between(0.7, 1.7), draw.between(0.38, 0.52), draw.between(0.65, 1.15)
    item = _body(draw, width, depth, height, draw.integer(1, 2) if small else draw.integer(2, 3), drawers=small)
    if small:
        item.surfaces = [(0.0, 0.0, height, width * 0.8, depth * 0.8, 0.5)]
        if draw.chance(0.5):
            item.include(lamp(draw), 0.0, 0.0, height)
            return item
    else:
        item.surfaces = [(side * width / 3, 0.0, height, width * 0.28, depth * 0.8, 0.5) for side in (-1, 0, 1)]
    on_top(draw, item, item.surfaces, 0.6)
    return item


def wardrobe(draw: Draw) -> Item:
    """A tall closed body."""
    width, depth, height = draw.between(0.8, 1.9), draw.between(0.5, 0.62), draw.between(1.75, 2.2)
    return _body(draw, width, depth, height, 3 if width > 1.4 else 2, drawers=False)


def _body(draw: Draw, width: float, depth: float, height: float, fronts: int, drawers: bool) -> Item:
    body = material(draw)
    door = material(draw) if draw.chance(0.35) else body
    item = Item(width, depth, height)
    half, rear, front = width / 2, -depth / 2, depth / 2
    item.box(FURNITURE, body, (-half, half), (rear, front - 0.02), (0.05, height))
    inset = 0.012
    for index in range(fronts):
        if drawers:
            step = (height - 0.08) / fronts
            x, z = (-half + inset, half - inset), (0.06 + index * step + inset, 0.06 + (index + 1) * step - inset)
        else:
            step = width / fronts
            x, z = (-half + index * step + inset, -half + (index + 1) * step - inset), (0.08, height - 0.03)
        item.box(FURNITURE, door, x, (front - 0.02, front), z)
    return item


def shelf(draw: Draw) -> Item:
    """An open shelf: sides, back and boards, filled with books and other things."""
    width, depth = draw.between(0.7, 1.3), draw.between(0.26, 0.36)
    levels = draw.integer(2, 5)
    gap = draw.between(0.3, 0.38)
    height = levels * gap + 0.06
    body = material(draw)
    item = Item(width, depth, height)
    half, rear, front, board = width / 2, -depth / 2, depth / 2, 0.025
    item.box(FURNITURE, body, (-half, half), (rear, rear + 0.015), (0.0, height))
    for x in (-half, half - board):
        item.box(FURNITURE, body, (x, x + board), (rear, front), (0.0, height))
    for level in range(levels + 1):
        z = 0.03 + level * gap
        item.box(FURNITURE, body, (-half, half), (rear, front), (z, z + board))
        if level < levels:
            place = (0.0, 0.0, z + board, width - 2 * board, depth, gap - board - 0.02)
            clutter(draw, item, place, row_of_books=0.72)
    item.surfaces = [(0.0, 0.0, height, width * 0.8, depth * 0.8, 0.4)]
    on_top(draw, item, item.surfaces, 0.4)
    return item


def television(draw: Draw, width: float) -> Item:
    """A flat television on a foot; its screen looks to the front."""
    height = width * 0.6
    case, glass = _case(draw), screen(draw)
    item = Item(width, 0.2, height + 0.06)
    half = width / 2
    item.box(TV, case, (-half, half), (-0.025, 0.02), (0.06, 0.06 + height))
    item.box(TV, glass, (-half + 0.02, half - 0.02), (0.02, 0.024), (0.08, 0.04 + height))
    item.box(TV, case, (-width * 0.2, width * 0.2), (-0.08, 0.08), (0.0, 0.015))
    item.box(TV, case, (-0.03, 0.03), (-0.03, 0.0), (0.0, 0.1))
    return item


def flat_television(draw: Draw) -> Item:
    """A television to be hung on a wall: origin at the middle of its back, 6 cm deep."""
    width = draw.between(0.8, 1.4)
    half, tall = width / 2, width * 0.29
    case, glass = _case(draw), screen(draw)
    item = Item(width, 0.06, 2 * tall, casts=False)
    item.box(TV, case, (-half, half), (0.0, 0.055), (-tall, tall))
    item.box(TV, glass, (-half + 0.02, half - 0.02), (0.05, 0.06), (-tall + 0.02, tall - 0.02))
    return item


def tv_stand(draw: Draw) -> Item:
    """A low cabinet with a television on it."""
    width, depth, height = draw.between(1.0, 1.7), draw.between(0.38, 0.48), draw.between(0.4, 0.6)
    item = _body(draw, width, depth, height, 3, drawers=False)
    item.include(television(draw, draw.between(0.75, min(1.3, width))), 0.0, 0.0, height)
    return item


def standing_lamp(draw: Draw) -> Item:
    """A lamp of a person's height."""
    return lamp(draw, draw.between(1.35, 1.7))


def plant(draw: Draw) -> Item:
    """A pot with a round crown."""
    size, height = draw.between(0.14, 0.22), draw.between(0.6, 1.3)
    item = Item(2 * size, 2 * size, height)
    pot, crown = material(draw), material(draw)
    item.tube(OBJECT, pot, (-size * 0.8, size * 0.8), (-size * 0.8, size * 0.8), (0.0, 0.28))
    item.tube(OBJECT, crown, (-0.015, 0.015), (-0.015, 0.015), (0.28, height * 0.6))
    item.ball(OBJECT, crown, (-size, size), (-size, size), (height * 0.45, height))
    return item


def floor_thing(draw: Draw) -> Item:
    """A carton, bin, ball or bag on the floor."""
    size, height = draw.between(0.15, 0.3), draw.between(0.2, 0.5)
    item = Item(2 * size, 2 * size, height)
    look = material(draw)
    shape = draw.pick((item.box, item.box, item.tube, item.ball))
    shape(OBJECT, look, (-size, size), (-size, size), (0.0, height if shape != item.ball else 2 * size))
    return item


def _case(draw: Draw) -> Material:
    dark = draw.between(0.01, 0.06)
    plain = (dark, dark, dark)
    return material(draw)._replace(first=plain, second=plain, third=plain, texture=0, nir_first=draw.between(0.05, 0.5))
