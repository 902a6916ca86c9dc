import csv

import pytest

from datasets.files import sha256_of
from detectors.checkpoints.open_images.labels import FOLDER, label_of, open_images_slot

VOC = """aeroplane,bicycle,bird,boat,bottle,bus,car,cat,chair,cow,diningtable,dog,horse,motorbike,person,pottedplant
sheep,sofa,train,tvmonitor"""
COCO = """person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,parking meter
bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,tie,suitcase,frisbee,skis
snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork
knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake,chair,couch,potted plant,bed
dining table,toilet,tv,laptop,mouse,remote,keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase
scissors,teddy bear,hair drier,toothbrush"""
BDD = """person,bike,motor,rider,car,bus,truck,train,traffic light,traffic sign
pedestrian,bicycle,motorcycle,other person,other vehicle,trailer"""  # of 2018, then those that differ in 2020


def rows(name: str) -> list[dict[str, str]]:
    with open(FOLDER / name, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_labels_are_those_that_were_published():
    assert sha256_of(FOLDER / "labels.csv") == "7bbf61405dc8cf0861d030b82a5660435f83824ff9f36f6a01e642fb43cf5f4b"
    assert [int(row["id"]) for row in rows("labels.csv")] == list(range(1, 602))


def test_every_label_is_its_own_slot():
    for row in rows("labels.csv"):
        assert open_images_slot(row["name"]) == int(row["id"]) and label_of(int(row["id"])) == row["name"]


def test_the_table_leads_to_labels_and_repeats_none():
    labels, names = {row["name"] for row in rows("labels.csv")}, rows("names.csv")
    assert {row["label"] for row in names} <= labels
    assert len({row["name"] for row in names}) == len(names)
    assert all(row["name"] == row["name"].lower() for row in names)


@pytest.mark.parametrize(("names", "count"), [(VOC, 20), (COCO, 80), (BDD, 16)], ids=["VOC", "COCO", "BDD100K"])
def test_the_usual_classes_are_known(names, count):
    names = names.replace("\n", ",").split(",")
    assert len(names) == count
    assert not [name for name in names if open_images_slot(name) is None]


@pytest.mark.parametrize(("name", "label"), [
    ("tvmonitor", "Television"), ("Potted-Plant", "Houseplant"), ("TRAFFIC_LIGHT", "Traffic light"),
    ("rider", "Person"), ("cow", "Cattle"), ("diningtable", "Kitchen & dining room table"),
    ("mouse", "Computer mouse"), ("Mouse", "Mouse"), ("band aid", "Band-aid"), (" dog ", "Dog"),
])
def test_names_are_found(name, label):
    slot = open_images_slot(name)
    assert slot and label_of(slot) == label


@pytest.mark.parametrize("name", ["", "RBC", "platelets", "7", "do", "dogs and cats"])
def test_other_names_have_no_slot(name):
    assert open_images_slot(name) is None
