"""How a detector is judged: detections, COCO mAP overall and per class, bootstrap error bars."""
