// Package house turns the house rules into tests: which package may import
// which, where each third-party module lives, what a package says about itself,
// how long a file may grow, and what the tree may not mention.
//
// The rules are data in table_test.go; check_test.go reads the tree and compares.
// self_test.go breaks every rule once in a made-up tree, so a check that stops
// seeing anything fails. Nothing here is part of the program, and nothing is
// cached: run it with -count=1.
//
// Imports: standard library only.
package house
