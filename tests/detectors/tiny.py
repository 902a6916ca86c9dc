"""A detector that builds and runs fast."""

from detectors.detector import Detector, build


def make_tiny(num_classes: int = 3) -> Detector:
    """Build a narrow SSD-MobileNetV2 for 64 pixels, with 96 anchors."""
    return build("ssd_mobilenet_v2", num_classes, input_size=64, width=0.1)
