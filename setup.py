"""The packages: `compiler/` is `tensorjoin` itself, and its sibling folders are its subpackages."""

from setuptools import find_packages, setup

FOLDERS = (
    "backends",
    "dialects",
    "frontends",
    "interpreter",
    "measure",
    "passes",
    "runtime",
    "testing",
    "tools",
)

setup(
    packages=[
        "tensorjoin",
        *(f"tensorjoin.{folder}" for folder in FOLDERS),
        *(f"tensorjoin.{folder}.{each}" for folder in FOLDERS for each in find_packages(folder)),
    ],
    package_dir={"tensorjoin": "compiler"} | {f"tensorjoin.{f}": f for f in FOLDERS},
)
