"""Write the pictures anew: python -m docs.pictures"""

from pathlib import Path

from docs.pictures.drawing import picture
from docs.pictures.scene import frames

PICTURE = Path(__file__).resolve().parent.parent / "live-message.svg"

if __name__ == "__main__":
    PICTURE.write_text(picture(frames()), encoding="utf-8")
