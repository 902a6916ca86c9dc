import matplotlib.colors

from charts.curves import FORECAST
from charts.models import COLOURS, model_looks


def test_the_default_is_blue_and_every_look_is_another():
    looks = model_looks([f"model {k}" for k in range(24)])
    assert looks["model 0"].colour == FORECAST and FORECAST not in COLOURS
    assert len({(look.colour, look.dashes) for look in looks.values()}) == 24
    assert len({(look.colour, look.marker) for look in looks.values()}) == 24
    assert len({matplotlib.colors.to_hex(looks[f"model {k}"].colour) for k in range(1, 12)}) == 11 == len(COLOURS)
