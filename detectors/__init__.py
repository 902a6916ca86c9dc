"""What a detector is: networks, anchors, box coding, matching, losses, post-processing, checkpoints."""
