"""The kinds of detectors that there are, each a module of this room with `build`. No TensorFlow here."""

SCOPES = {  # kind -> where its backbone is in the original's checkpoints
    "ssd_mobilenet_v2": "FeatureExtractor/MobilenetV2/",
    "ssd_resnet101_fpn": "FeatureExtractor/resnet_v1_101/",
}
