// Package junit writes results of assertions as JUnit XML: a suite for each
// file, a case for each assertion. What surely fails is a failure; what cannot be
// told or asked is an error; what is expected to fail is skipped. Names are made
// inert, and the same results give the same bytes: there are no times.
//
// Imports: verify/assert.
package junit
