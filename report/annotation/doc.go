// Package annotation writes results of assertions as the lines by which a
// pipeline marks places in a change: workflow commands of GitHub Actions and
// logging commands of Azure Pipelines. What is not well is an error, what is
// expected to fail a notice. Everything from the input is escaped: no name can
// end its command or begin another.
//
// Imports: verify/assert.
package annotation
