"""Routes two layers on a grid: A* search, with rip-up and retry.

Each pad of a net is connected to the pads and tracks that the net already has. A path may cross
tracks of other nets, at a cost that grows with each conflict at a place. The nets that it crosses
are taken out and routed again. Pads, holes and the board's edge are never crossed. No randomness:
the same board gives the same tracks.
"""

import heapq
from collections import deque
from dataclasses import dataclass, field
from math import floor, hypot

from shapely import Geometry, LineString, Point, STRtree, box

from hardware_build.errors import UnroutedError
from hardware_build.layout.copper import SAFE_MM, Board, Pad, Track, Via

GRID_MM = 0.2

_STRAIGHT, _DIAGONAL = 10, 14
_VIA, _BEND, _CROSSING, _HISTORY = 120, 6, 60, 40
_MOST_ATTEMPTS = 600


@dataclass
class _Routed:
    tracks: list[Track] = field(default_factory=list)
    vias: list[Via] = field(default_factory=list)
    cells: set[int] = field(default_factory=set)


class Router:
    """Routes a `Board`. `route` raises `UnroutedError`."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.columns = floor(board.wide / GRID_MM) + 1
        self.rows = floor(board.high / GRID_MM) + 1
        self.layer_cells = self.columns * self.rows
        self.done: dict[str, _Routed] = {}
        self.history: dict[int, int] = {}
        self._fixed: dict[tuple[str, bool], bytearray] = {}
        self._cells = STRtree([Point(self._place(cell)) for cell in range(self.layer_cells)])

    def route(self) -> tuple[list[Track], list[Via]]:
        """Tracks and vias of all nets."""
        waiting = deque(self.board.nets)
        attempts = 0
        while waiting:
            attempts += 1
            net = waiting.popleft()
            if attempts > _MOST_ATTEMPTS:
                raise UnroutedError(net)
            routed, crossed = self._net(net)
            self.done[net] = routed
            for other in sorted(crossed):
                for cell in self.done.pop(other).cells & routed.cells:
                    self.history[cell] = self.history.get(cell, 0) + _HISTORY
                waiting.append(other)
            for cell in routed.cells if crossed else ():
                self.history[cell] = self.history.get(cell, 0) + 2
        nets = [self.done[net] for net in self.board.nets]
        return (
            [track for routed in nets for track in routed.tracks],
            [via for routed in nets for via in routed.vias],
        )

    # -- one net ---------------------------------------------------------------------------------

    def _net(self, net: str) -> tuple[_Routed, set[str]]:
        """A net's tracks, and the nets whose tracks they cross."""
        pads = [pad for pad in self.board.pads if pad.net == net]
        routed, crossed = _Routed(), set[str]()
        for_track, for_via = self._fixed_for(net, via=False), self._fixed_for(net, via=True)
        soft, soft_via = self._soft_for(net)
        joined = [pads[0]]
        left = pads[1:]
        sources = self._pad_cells(pads[0])
        while left:
            targets = {cell: pad for pad in left for cell in self._pad_cells(pad)}
            path = self._search(sources, targets, (for_track, for_via), (soft, soft_via))
            if path is None:
                raise UnroutedError(net)
            pad = targets[path[-1]]
            left.remove(pad)
            joined.append(pad)
            sources |= set(path) | self._pad_cells(pad)
            for cell in path:
                crossed |= soft.get(cell, set())
            self._lay(net, path, joined, routed)
            for via in routed.vias:
                cell = self._cell(via.x, via.y)
                crossed |= soft_via.get(cell, set()) | soft_via.get(cell + self.layer_cells, set())
        routed.cells = set(sources)
        return routed, crossed

    def _search(
        self,
        sources: set[int],
        targets: dict[int, Pad],
        fixed: tuple[bytearray, bytearray],
        soft: tuple[dict[int, set[str]], dict[int, set[str]]],
    ) -> list[int] | None:
        """Cheapest path of cells from one of `sources` to one of `targets`."""
        columns, size = self.columns, self.layer_cells
        goals = [(cell % size % columns, cell % size // columns) for cell in targets]
        low_x, high_x = min(x for x, _ in goals), max(x for x, _ in goals)
        low_y, high_y = min(y for _, y in goals), max(y for _, y in goals)

        def rest(cell: int) -> int:
            y, x = divmod(cell % size, columns)
            across = max(low_x - x, x - high_x, 0)
            down = max(low_y - y, y - high_y, 0)
            return _STRAIGHT * max(across, down) + (_DIAGONAL - _STRAIGHT) * min(across, down)

        steps = [(1, _STRAIGHT), (-1, _STRAIGHT), (columns, _STRAIGHT), (-columns, _STRAIGHT)] + [
            (a + b * columns, _DIAGONAL) for a in (1, -1) for b in (1, -1)
        ]
        best = dict.fromkeys(sources, 0)
        before: dict[int, int] = {}
        heap = [(rest(cell), 0, cell, 0) for cell in sorted(sources)]
        heapq.heapify(heap)
        blocked, blocked_via = fixed
        crossing, crossing_via = soft
        history = self.history
        while heap:
            _, cost, cell, direction = heapq.heappop(heap)
            if cost > best[cell]:
                continue
            if cell in targets:
                path = [cell]
                while cell in before:
                    cell = before[cell]
                    path.append(cell)
                return path[::-1]
            for step, price in steps:
                after = cell + step
                if blocked[after] and after not in targets:
                    continue
                now = cost + price + history.get(after, 0)
                if direction and step != direction:
                    now += _BEND
                if after in crossing:
                    now += _CROSSING
                if now < best.get(after, 1 << 60):
                    best[after], before[after] = now, cell
                    heapq.heappush(heap, (now + rest(after), now, after, step))
            other = cell - size if cell >= size else cell + size
            if not blocked_via[cell] and not blocked_via[other]:
                now = cost + _VIA + history.get(other, 0)
                now += _CROSSING * ((cell in crossing_via) + (other in crossing_via))
                if now < best.get(other, 1 << 60):
                    best[other], before[other] = now, cell
                    heapq.heappush(heap, (now + rest(other), now, other, 0))
        return None

    def _lay(self, net: str, path: list[int], joined: list[Pad], routed: _Routed) -> None:
        """Turn a path of cells into tracks and vias; its ends go to the middles of their pads."""
        width = self.board.rules.width(net)
        points = [(cell // self.layer_cells, *self._place(cell)) for cell in path]
        for end, inner in ((0, False), (-1, True)):
            for pad in joined:
                if path[end] in self._pad_cells(pad):
                    layer, x, y = points[end]
                    if hypot(pad.x - x, pad.y - y) > 1e-6:
                        point = (layer, pad.x, pad.y)
                        points.insert(len(points) if inner else 0, point)
                    break
        start = points[0]
        for number, (layer, x, y) in enumerate(points[1:], start=1):
            last = points[number - 1]
            if layer != last[0]:
                if start != last:
                    routed.tracks.append(Track(net, last[0], *start[1:], *last[1:], width))
                routed.vias.append(Via(net, x, y))
                start = (layer, x, y)
                continue
            following = points[number + 1] if number + 1 < len(points) else None
            if following is None or following[0] != layer or _turns(last, (layer, x, y), following):
                if start != (layer, x, y):
                    routed.tracks.append(Track(net, layer, *start[1:], x, y, width))
                start = (layer, x, y)

    # -- what is in the way ----------------------------------------------------------------------

    def _fixed_for(self, net: str, *, via: bool) -> bytearray:
        """For each cell, whether pads, holes or the edge forbid a track's or via's middle there."""
        if (net, via) in self._fixed:
            return self._fixed[net, via]
        rules = self.board.rules
        half = (rules.via if via else rules.width(net)) / 2
        blocked = bytearray(2 * self.layer_cells)
        for cell in range(self.layer_cells):
            x, y = self._place(cell)
            margin = half + rules.edge
            if not (margin <= x <= self.board.wide - margin) or not (
                margin <= y <= self.board.high - margin
            ):
                blocked[cell] = blocked[cell + self.layer_cells] = 1
        for x, y, radius in self.board.holes:
            for cell in self._near(Point(x, y), radius + half):
                blocked[cell] = blocked[cell + self.layer_cells] = 1
        for pad in self.board.pads:
            if pad.net == net and not via:
                continue
            away = half + max(rules.apart(net, pad.net), pad.clearance + SAFE_MM)
            if pad.net == net:
                away = half + 0.1
            wide, high = pad.wide / 2, pad.high / 2
            shape = box(pad.x - wide, pad.y - high, pad.x + wide, pad.y + high)
            if pad.round:
                shape, away = Point(pad.x, pad.y), away + max(wide, high)
            for cell in self._near(shape, away):
                for layer in pad.layers:
                    blocked[cell + layer * self.layer_cells] = 1
        self._fixed[net, via] = blocked
        return blocked

    def _soft_for(self, net: str) -> tuple[dict[int, set[str]], dict[int, set[str]]]:
        """For each cell, the nets that a track (first dict) or a via (second) would hit if its
        middle were there."""
        rules = self.board.rules
        halves: tuple[dict[int, set[str]], dict[int, set[str]]] = ({}, {})
        for other, routed in self.done.items():
            if other == net:
                continue
            apart = rules.apart(net, other)
            for soft, half in zip(halves, (rules.width(net) / 2, rules.via / 2), strict=True):
                for track in routed.tracks:
                    shift = track.layer * self.layer_cells
                    line = LineString([(track.x1, track.y1), (track.x2, track.y2)])
                    for cell in self._near(line, track.width / 2 + half + apart):
                        soft.setdefault(cell + shift, set()).add(other)
                for via in routed.vias:
                    for cell in self._near(Point(via.x, via.y), rules.via / 2 + half + apart):
                        soft.setdefault(cell, set()).add(other)
                        soft.setdefault(cell + self.layer_cells, set()).add(other)
        return halves

    # -- the grid --------------------------------------------------------------------------------

    def _cell(self, x: float, y: float) -> int:
        return round(y / GRID_MM) * self.columns + round(x / GRID_MM)

    def _place(self, cell: int) -> tuple[float, float]:
        row, column = divmod(cell % self.layer_cells, self.columns)
        return round(column * GRID_MM, 4), round(row * GRID_MM, 4)

    def _pad_cells(self, pad: Pad) -> set[int]:
        return {self._cell(pad.x, pad.y) + layer * self.layer_cells for layer in pad.layers}

    def _near(self, shape: Geometry, away: float) -> list[int]:
        """Cells of the front whose distance from a shape is less than `away`."""
        return self._cells.query(shape, "dwithin", away - 1e-6).tolist()


def _turns(
    start: tuple[int, float, float], middle: tuple[int, float, float], end: tuple[int, float, float]
) -> bool:
    ax, ay, bx, by = (
        middle[1] - start[1],
        middle[2] - start[2],
        end[1] - middle[1],
        end[2] - middle[2],
    )
    return abs(ax * by - ay * bx) > 1e-9 or ax * bx + ay * by < 0
