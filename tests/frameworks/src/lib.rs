//! The applications are in `examples`, the text around them in `docs/frameworks.md`, and what is asked of them in `tests`.
