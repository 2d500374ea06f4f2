"""Fetch the models that do not come with the installation, check them, and put them where the scripts look for them.

    python download_models.py [openface|sface|all]

openface is the classic pair: the SSD detector into face_detection_model/, OpenFace's own weights beside this script as
openface_nn4.small2.v1.cmu.t7, since openface_nn4.small2.v1.t7 is there already, with weights of this project.
sface is the modern pair: YuNet into face_detection_model/, SFace beside this script.
"""

from faces.cli.running import run
from faces.commands.download_models import main

if __name__ == "__main__":
    run(main)
