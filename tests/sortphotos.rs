//! `sortphotos`
