"""Print the dependencies that a pyproject.toml names, a line each: pip installs them only with the package itself."""

import sys
import tomllib
from pathlib import Path

for requirement in tomllib.loads(Path(sys.argv[1]).read_text())["project"]["dependencies"]:
    sys.stdout.write(f"{requirement}\n")
