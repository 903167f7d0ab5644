// Command ipflow answers, offline and for a whole Azure estate, whether a flow
// may pass and which rule says so. One file per subcommand holds its cobra
// command, flags, validation and one call; everything else lives in the rooms
// to the left.
//
// Imports: every room.
package main
