"""Definitions: the YAML (and later the browser) files that say what an agency does.

``load`` reads files, ``check`` holds them against meta-schemas and compilers,
``service`` stores them as immutable versions. This package knows no kind in
depth: a kind brings its compiler with ``registry.register_compiler``.
"""
