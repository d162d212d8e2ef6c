"""Before money is spent on training: is the image's torch the tested one,
and does it see the GPU?

argv: the version of torch that the locked requirements were tested with.
"""

import shutil
import sys


def main() -> None:
    """Leave with a sentence where image and requirements do not belong together."""
    import torch

    wanted, found = sys.argv[1], torch.__version__.split("+")[0]
    if found != wanted:
        sys.exit(
            f"this image has torch {found}, the requirements were tested with "
            f"{wanted}: set remote.image to fit"
        )
    if shutil.which("nvidia-smi") and not torch.cuda.is_available():
        sys.exit(
            f"torch {torch.__version__} of this image does not see the machine's GPU: "
            "another remote.image or GPU"
        )


if __name__ == "__main__":
    main()
