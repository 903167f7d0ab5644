// Package jsontree turns JSON text into a tree in which every value knows the
// place it was read from.
//
// It reads what Azure's tools write rather than what the grammar allows: UTF-8
// with or without byte order mark, UTF-16 with one, // and /* */ comments, raw
// newlines and control characters inside strings, trailing commas, duplicate
// names, and several documents in one file. Lone surrogates and invalid UTF-8
// become U+FFFD. Anything else that JSON does not allow ends the reading of that
// file with one diagnostic; the documents before it are kept.
//
// A tree never changes once built, and its methods may run concurrently. Every
// method answers for a nil *Node as for an absent value, so lookups chain. Trees
// hold on to their file's text and share it: strings without escapes are slices
// of it, lines and pointers are worked out when asked for.
//
// A text that is mostly one long list can be read piece by piece, see Long.
//
// Imports: ingest/diag, golang.org/x/text/encoding/unicode.
package jsontree
