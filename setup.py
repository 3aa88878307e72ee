"""Build the wheel: one package, `hgmvae_benchmark`, which contains the checkout's packages and the data they need.

A user's own folder may be called `models` or `benchmark`, so neither is a top-level package once installed. The wheel
contains `hgmvae_benchmark.models` and so on, and the imports of its modules are rewritten accordingly. An editable
installation leaves the checkout unchanged.
"""

import ast
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

WHOLE = "hgmvae_benchmark"
PARTS = ("baselines", "benchmark", "models")
# Folders without code that are copied unchanged, and the files to copy.
DATA = {
    "benchmark.report": ["templates/*"],
    "results.paper": ["*"],
    "results.reference": ["calibration/chosen.json", "admission/admission.csv"],
}


def within_whole(source: str) -> str:
    """Return a module's source with its imports from PARTS changed to imports from the same packages within WHOLE.

    Raises:
        ValueError: The module contains `import benchmark...`, which binds a name that the wheel does not have.
    """
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            if ours := [alias.name for alias in node.names if _is_part(alias.name)]:
                raise ValueError(f"import {ours[0]}: write `from ... import ...`, which the wheel can rename")
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module and _is_part(node.module):
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {node.module} ", f"from {WHOLE}.{node.module} ", 1)
    return "".join(lines)


def _is_part(module: str) -> bool:
    return module.partition(".")[0] in PARTS


class BuildOnePackage(build_py):
    """Build the checkout's packages as subpackages of WHOLE."""

    def finalize_options(self) -> None:
        super().finalize_options()
        inside = {f"{WHOLE}.{name}": name.replace(".", "/") for name in (*PARTS, *DATA)}
        self.package_dir = {WHOLE: WHOLE} | inside
        self.packages = [name if name == WHOLE else f"{WHOLE}.{name}" for name in self.distribution.packages]
        self.packages += [f"{WHOLE}.{name}" for name in DATA if name not in self.distribution.packages]
        self.package_data = {f"{WHOLE}.{name}": files for name, files in DATA.items()}

    def run(self) -> None:
        if not self.editable_mode:  # files of an earlier build may have been renamed or removed since
            shutil.rmtree(Path(self.build_lib) / WHOLE, ignore_errors=True)
        super().run()

    def build_module(self, module: str, module_file: str, package: str) -> tuple[str, bool]:
        built, copied = super().build_module(module, module_file, package)
        path = Path(built)
        path.write_text(within_whole(path.read_text(encoding="utf-8")), encoding="utf-8")
        return built, copied


if __name__ == "__main__":
    setup(cmdclass={"build_py": BuildOnePackage})
