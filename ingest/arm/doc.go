// Package arm turns Azure Resource Manager templates into the resources that
// their deployment would make, offline.
//
// It reads parameters (files, single settings, defaults), variables, copy loops,
// conditions, child resources, symbolic names, user-defined functions, and nested
// and linked deployments, whose outputs it hands on through reference(). What
// only Azure knows stays as a residue: the rest of the expression, in brackets,
// in the place of the value (jsontree.NewResidue), and listed in Unresolved with
// what is missing. Nothing is guessed: a resource whose condition or number is
// not known is kept and says so (Resource.Doubts, Resource.Many).
//
// A caller may rely on: every value of a resource has the origin of the text that
// wrote it; the result depends on the inputs alone, not on their order, save that
// resources of one template come in the order they are deployed in; time and
// memory are bounded per template, and no input makes it panic. Nodes that result
// never change. Evaluate may run concurrently with itself.
//
// A name that rests on a parameter without value is a symbol: the segment of the
// id is the expression, "[parameters('x')]". Equal symbols are equal names, so
// that references inside a template find what they mean; a reference to an id
// with a symbol that the template does not declare stays a residue.
//
// The language: https://learn.microsoft.com/azure/azure-resource-manager/templates/syntax
//
// Imports: ingest/arm/expr, ingest/diag, ingest/jsontree.
package arm
