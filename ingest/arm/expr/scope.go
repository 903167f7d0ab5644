package expr

import "time"

// Scope answers what an expression asks of the template around it. Names come
// as written; a Scope ignores their case. A nil Value with a nil error means
// that there is no such thing: the evaluation then ends with Azure's error. A
// thing that exists but has no known value is an *Unknown.
type Scope interface {
	// Parameter returns the value of a parameter; in the body of a user-defined
	// function, of one of the function's own.
	Parameter(name string) (Value, error)
	// Variable returns the value of a variable.
	Variable(name string) (Value, error)
	// CopyIndex returns the index, from 0, of the named copy loop; of the
	// enclosing one for "".
	CopyIndex(loop string) (Value, error)
	// Call evaluates a user-defined function. Arguments may be unknown.
	Call(namespace, name string, args []Value) (Value, error)
	// Runtime returns what the template says about run-time state. The function
	// is one of "reference", "references" or a "list..." in lower case; the first
	// argument is known. Nil means that only Azure knows: the result is then an
	// Unknown with the call as residue. Objects that describe deployed resources
	// should be Open.
	Runtime(function string, args []Value) (Value, error)
	// Context returns where and when the expression is evaluated, not nil.
	Context() *Context
}

// Level is the scope a template is deployed to.
type Level uint8

// The deployment scopes.
const (
	AtResourceGroup Level = iota
	AtSubscription
	AtManagementGroup
	AtTenant
)

// Context is what is known of the deployment around an expression. Fields left
// empty are unknown, and so is every value that needs them.
type Context struct {
	Level           Level
	Cloud           string // AzureCloud when empty, AzureUSGovernment, AzureChinaCloud
	TenantID        string
	ManagementGroup string // its name, not its id
	SubscriptionID  string
	ResourceGroup   string // its name; unused unless Level is AtResourceGroup
	Location        string // of the resource group
	// Deployment is the object that deployment() returns; nil means unknown.
	Deployment Value
	// Deployer is the object that deployer() returns; nil means unknown.
	Deployer Value
	// Now is the time of the deployment; zero means unknown.
	Now time.Time
	// NewGUID is what newGuid() returns; empty means unknown.
	NewGUID string
}
