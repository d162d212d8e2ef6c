"""The obvious resolution of the dependencies leaves Google Drive dead at import while
`pip check` is clean.
"""

import subprocess
import sys


def test_the_three_clients_live_in_one_environment() -> None:
    code = (
        "import pydrive2.fs, dvc.repo, dvc_gdrive, vastai; pydrive2.fs.GDriveFileSystem"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
