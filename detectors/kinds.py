"""The kinds of detectors that there are, each a module of this room with `build`. No TensorFlow here."""

RESNET = "FeatureExtractor/resnet_v1_"  # its number of layers follows

SCOPES = {  # kind -> where its backbone is in the original's checkpoints
    "ssd_mobilenet_v2": "FeatureExtractor/MobilenetV2/",
    "ssd_resnet101_fpn": RESNET,
}
DEPTHS = {"ssd_resnet101_fpn": (50, 101, 152)}  # kind -> layers that its backbone may have
