// Command anchors races ipflow against what its users could take instead: DPDK's
// rte_acl, DuckDB, a bart.Fast table with rule bit sets, and a linear scan. All
// contenders are fed the same files in one run, in interleaved rounds; answers
// are compared before times are, and a row whose answers differ is aborted.
//
// It is a module of its own so that the anchors stay out of ipflow's. It reads
// ipflow through the packages and the program that users have: index.Answer4 as
// the engine calls it, verify.Engine, and the ipflow binary.
//
// Files: race.go the rounds, hotlist.go and the other rows, report.go the tables,
// coproc.go the anchors that run as processes (acl/race_acl.c, duckdb/serve.mjs).
package main
