// Package snapshot turns the paths a user names into JSON documents.
//
// A path is a file, a directory or "-" for standard input. A named file is read
// whatever it is called; of a directory, at any depth, the files *.json and
// *.jsonc, and these with .gz or .zst after. Left out are directories whose name
// begins with a dot (.git, .terraform) and files that begin with "._" (macOS
// metadata). Symbolic links to files are followed; inside a directory those to
// other directories are not, which a warning says. A file reached twice is read
// once. Compression shows in the content, not in the name.
//
// What a caller may rely on: documents come in the order of their paths, compared
// byte by byte, and inside a file in the order of the text. The result depends
// neither on the order of the paths nor on the number of workers.
//
// With a Reader no tree is kept: each document is read as soon as it is parsed, and
// a large file that is one long list, as exports are, is parsed and read in pieces
// while the rest is still being loaded. The result is the same.
//
// The hash of a snapshot is what sha256sum prints for the listing that sha256sum
// prints for its files: a line for each file that was read, of the hash of its
// decompressed content and its path relative to the named directory (a file named
// itself: its last element), sorted by that path. It therefore depends neither on
// where the snapshot lies nor on the order of the paths. Of a file reached twice
// the longest relative path counts.
//
// Imports: ingest/diag, ingest/jsontree, golang.org/x/sync/errgroup,
// github.com/klauspost/compress.
package snapshot
