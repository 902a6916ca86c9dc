from predict.backtest import forecast_bands
from predict.observations import average_repeats
from predict.tables import read_curves
from report.hover import spots_of


def test_measured_sizes_and_the_forecast_are_told(study_folder):
    (curve,) = read_curves(study_folder.results, "AP50")
    observed = average_repeats(curve)
    spots = spots_of(observed, forecast_bands([curve], 20), forecast_bands([curve], 100, [5000]))
    measured = [spot for spot in spots if "measured" in spot.text]
    assert [spot.x for spot in measured] == observed.images.tolist()
    assert measured[0].text.startswith("25 images: measured ") and "(80 %: " in measured[0].text
    assert [spot.text.endswith("held out") for spot in measured] == [False] * 5 + [True] * 2
    told = [spot for spot in spots if "forecast" in spot.text]
    ahead = [spot for spot in told if "from all points" in spot.text]
    assert told[0].x == 500 and 2000 < told[len(told) - len(ahead) - 1].x <= 2500
    assert ahead[0].x == 2500 and 4500 < ahead[-1].x <= 5000 and all("95 %: " in spot.text for spot in told)
    assert all(f" {spot.y:.1f} (80 %: " in spot.text for spot in told)
