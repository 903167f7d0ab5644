// Package outfile makes output appear only when it is complete.
//
// A File is written beside its path under a hidden name, synced and renamed by
// Commit; until then whatever stood at the path stays as it was, and Abort
// leaves no trace. A Dir does the same for a directory of part files. Standard
// output, pipes and devices cannot be replaced and are written straight through.
//
// A File or Dir is used by one goroutine at a time.
//
// Imports: standard library only.
package outfile
