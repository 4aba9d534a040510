//! Attacks, uploads that all want memory at once, and what is allocated for single peers.

mod attacks;
mod caddy;
mod descriptors;
mod documented;
