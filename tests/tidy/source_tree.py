"""The files of the repository, as the tidiness tests see them."""

import pathlib
import subprocess

CODE_SUFFIXES = {".h", ".cc", ".cuh", ".cu"}
SCRIPT_SUFFIXES = {".py", ".sh", ".cmake"}


def repository_root():
    return pathlib.Path(__file__).resolve().parents[2]


def list_files(root):
    """Paths relative to root of all files that git tracks or would track.

    Without git (an unpacked archive) it walks the tree, less the build folder.
    """
    try:
        output = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"],
            cwd=root, check=True, capture_output=True).stdout.decode()
        names = sorted(set(name for name in output.split("\0") if name))
    except (OSError, subprocess.CalledProcessError):
        names = sorted(str(path.relative_to(root)) for path in root.rglob("*")
                       if path.relative_to(root).parts[0] not in ("build", ".git"))
    return [pathlib.PurePosixPath(name) for name in names if (root / name).is_file()]


def read_lines(root, path):
    return (root / path).read_text(encoding="utf-8", errors="replace").splitlines()
