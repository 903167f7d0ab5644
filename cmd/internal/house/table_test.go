package house

// rooms stand left to right. A package imports its own room or one to its left.
var rooms = []string{"ingest", "index", "verify", "report", "benchmarks", "cmd"}

// mayImport lists, for every package of the tree, the packages of the project
// that its code (not its tests) may import. A trailing /... admits a whole room.
// The tests of a package are held to the order of the rooms only.
var mayImport = map[string][]string{
	"ingest": {
		"ingest/arm", "ingest/arm/expr", "ingest/azure", "ingest/diag", "ingest/flow",
		"ingest/jsontree", "ingest/network", "ingest/snapshot",
	},
	"ingest/diag":                {},
	"ingest/flow":                {},
	"ingest/jsontree":            {"ingest/diag"},
	"ingest/snapshot":            {"ingest/diag", "ingest/jsontree"},
	"ingest/suite":               {"ingest/diag", "ingest/flow", "ingest/jsontree"},
	"ingest/arm":                 {"ingest/arm/expr", "ingest/diag", "ingest/jsontree"},
	"ingest/arm/expr":            {"ingest/diag", "ingest/jsontree"},
	"ingest/network":             {"ingest/diag", "ingest/flow"},
	"ingest/network/networktest": {"ingest/..."},
	"ingest/azure":               {"ingest/arm", "ingest/diag", "ingest/flow", "ingest/jsontree", "ingest/network"},
	"ingest/azure/azuretest":     {"ingest/..."},
	"ingest/column":              {"ingest/flow"},
	"ingest/column/columntest":   {"ingest/column", "ingest/flow"},
	"ingest/flowfile":            {"ingest/column", "ingest/diag", "ingest/flow"},
	"ingest/flowlog":             {"ingest/column", "ingest/diag", "ingest/flow", "ingest/jsontree"},
	"index":                      {"index/interval", "index/memory", "index/route", "ingest/diag", "ingest/flow", "ingest/network"},
	"index/interval":             {},
	"index/memory":               {},
	"index/memory/memorytest":    {},
	"index/route":                {},
	"verify":                     {"index", "index/interval", "index/memory", "ingest/column", "ingest/flow", "ingest/network", "verify/ends"},
	"verify/assert":              {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/network", "ingest/suite", "verify/reach", "verify/space"},
	"verify/assert/asserttest":   {"ingest/diag", "ingest/flow", "ingest/network", "ingest/suite", "verify/assert", "verify/reach"},
	"verify/diagnose":            {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/jsontree", "ingest/network", "verify", "verify/oracle"},
	"verify/diff":                {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/network", "verify/space"},
	"verify/effective":           {"index", "ingest/diag", "ingest/flow", "ingest/network", "verify", "verify/oracle"},
	"verify/ends":                {"ingest/flow"},
	"verify/frontend":            {"ingest/flow", "ingest/network"},
	"verify/internal/estate":     {"ingest/...", "verify/oracle"},
	"verify/internal/world":      {"ingest/diag", "ingest/flow", "ingest/network"},
	"verify/oracle":              {"ingest/flow", "ingest/network"},
	"verify/explain":             {"ingest/diag", "ingest/flow", "ingest/network", "verify", "verify/oracle"},
	"verify/reach":               {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/network", "verify/space"},
	"verify/audit":               {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/network", "verify/lint", "verify/reach", "verify/space"},
	"verify/space":               {"index", "index/interval", "ingest/flow"},
	"verify/lint":                {"index", "index/interval", "ingest/diag", "ingest/flow", "ingest/network"},
	"report":                     {"ingest/column", "report/...", "verify"},
	"report/annotation":          {"verify/assert"},
	"report/junit":               {"verify/assert"},
	"report/tap":                 {"verify/assert"},
	"report/layout":              {"ingest/column", "verify"},
	"report/layout/layouttest":   {"ingest/column", "report/layout", "verify"},
	"report/flows":               {"ingest/column", "report/layout", "verify"},
	"report/parquet":             {"ingest/column", "report/layout", "verify"},
	"report/html":                {"ingest/diag", "verify/audit"},
	"report/outfile":             {},
	"report/rows":                {},
	"report/sarif":               {"ingest/diag", "verify/audit"},
	"report/tables":              {"report/rows", "verify/audit"},
	"report/text":                {"ingest/diag", "ingest/flow", "ingest/network", "verify/..."},
	"cmd/ipflow":                 {"ingest/...", "index/...", "verify/...", "report/...", "benchmarks/corpus"},
	"cmd/internal/house":         {},
	"benchmarks":                 {"ingest/...", "index/...", "verify/...", "report/...", "benchmarks/..."},
	"benchmarks/corpus":          {"ingest/..."},
	"benchmarks/manynics":        {"benchmarks/corpus", "index", "ingest/column", "ingest/network", "verify", "verify/oracle"},
	"benchmarks/hotlist":         {"benchmarks/corpus", "index", "index/memory", "ingest/flow", "ingest/network", "verify/oracle"},
}

// neverReach lists what the code of a package may not reach over any number of
// imports, and why.
var neverReach = []struct{ from, to, why string }{
	{"verify/oracle", "index", "the oracle judges the index, so it may share no code with it"},
	{"ingest/network", "ingest/jsontree", "the model never pulls in a parser"},
	{"ingest/network", "ingest/arm", "the model never pulls in a parser"},
	{"ingest/network", "ingest/azure", "the model never pulls in a parser"},
}

// homes lists the packages whose code may import a third-party module directly.
// testOnly modules are for files named *_test.go and packages named *test.
var homes = map[string]struct {
	packages []string
	testOnly bool
}{
	// The batches of ingest/column are Arrow records: their readers and writers
	// handle arrays, and nobody else does. benchmarks/corpus writes made-up flows.
	"github.com/apache/arrow/go/v17": {packages: []string{
		"ingest/column", "ingest/column/columntest", "ingest/flowfile", "verify",
		"report/layout", "report/layout/layouttest", "report/flows", "report/parquet",
		"benchmarks/corpus",
	}},
	"github.com/parquet-go/parquet-go":         {packages: []string{"ingest/flowfile", "report/parquet", "report/rows", "benchmarks/corpus"}},
	"github.com/klauspost/compress":            {packages: []string{"ingest/snapshot", "ingest/flowfile", "report/flows", "report/parquet"}},
	"golang.org/x/text":                        {packages: []string{"ingest/jsontree"}},
	"golang.org/x/sync":                        {packages: []string{"ingest/snapshot", "ingest/flowfile", "index", "verify", "verify/audit", "verify/diff", "verify/lint"}},
	"golang.org/x/sys":                         {packages: []string{"ingest/flowfile", "index", "index/memory", "index/memory/memorytest", "verify"}},
	"go.yaml.in/yaml/v4":                       {packages: []string{"ingest/suite"}},
	"github.com/spf13/cobra":                   {packages: []string{"cmd/ipflow"}},
	"github.com/spf13/pflag":                   {packages: []string{"cmd/ipflow"}},
	"github.com/mattn/go-isatty":               {packages: []string{"cmd/ipflow"}},
	"github.com/vbauerster/mpb/v8":             {packages: []string{"cmd/ipflow"}},
	"github.com/chromedp/cdproto":              {testOnly: true},
	"github.com/chromedp/chromedp":             {testOnly: true},
	"github.com/google/go-cmp":                 {testOnly: true},
	"github.com/santhosh-tekuri/jsonschema/v6": {testOnly: true},
	"github.com/joshdk/go-junit":               {testOnly: true},
	"github.com/owenrumney/go-sarif/v3":        {testOnly: true},
	"github.com/rogpeppe/go-internal":          {testOnly: true},
	"golang.org/x/tools":                       {testOnly: true},
}

// maxLines and maxTestLines bound a Go file; longFiles holds the exceptions,
// each with its own bound and the reason.
const (
	maxLines     = 500
	maxTestLines = 700
)

var longFiles = map[string]struct {
	lines int
	why   string
}{}

// emptyWords are names that say nothing about what a package or file holds.
var emptyWords = []string{
	"util", "utils", "common", "type", "types", "helper", "helpers", "misc",
}

// unmentionable are words that tie the tree to one machine. They are written in
// two halves here so that this file may hold them.
var unmentionable = []string{
	"/wor" + "k/", "/tm" + "p/", "/roo" + "t/",
	"proxy.gola" + "ng.org", "sum.gola" + "ng.org", "registry.npm" + "js.org", "pypi" + ".org", "goproxy" + ".io",
}
