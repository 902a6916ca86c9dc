"""Detectors that build and run fast."""

from detectors.detector import Detector, build


def make_tiny(num_classes: int = 3) -> Detector:
    """Build a narrow SSD-MobileNetV2 for 64 pixels, with 96 anchors."""
    return build("ssd_mobilenet_v2", num_classes, input_size=64, width=0.1)


def make_tiny_resnet(num_classes: int = 3) -> Detector:
    """Build a narrow SSD-ResNet101-FPN for 64 pixels, with 2052 anchors."""
    return build("ssd_resnet101_fpn", num_classes, input_size=64, width=0.05)
