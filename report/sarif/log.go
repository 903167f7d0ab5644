package sarif

// The parts of a SARIF log that are written, with the names of the standard
// (OASIS SARIF 2.1.0 plus Errata 01).

type log struct {
	Schema  string `json:"$schema"`
	Version string `json:"version"`
	Runs    []run  `json:"runs"`
}

type run struct {
	Tool       tool           `json:"tool"`
	ColumnKind string         `json:"columnKind"`
	Artifacts  []artifact     `json:"artifacts"`
	Results    []result       `json:"results"`
	Properties map[string]any `json:"properties"`
}

type tool struct {
	Driver component `json:"driver"`
}

type component struct {
	Name    string       `json:"name"`
	Version string       `json:"version,omitempty"`
	Rules   []descriptor `json:"rules"`
}

type descriptor struct {
	ID                   string        `json:"id"`
	Name                 string        `json:"name"`
	ShortDescription     message       `json:"shortDescription"`
	FullDescription      message       `json:"fullDescription"`
	Help                 help          `json:"help"`
	DefaultConfiguration configuration `json:"defaultConfiguration"`
	Properties           ruleBag       `json:"properties"`
}

type help struct {
	Text     string `json:"text"`
	Markdown string `json:"markdown"`
}

type configuration struct {
	Level string `json:"level"`
}

type ruleBag struct {
	Tags      []string `json:"tags"`
	Precision string   `json:"precision"`
	Severity  string   `json:"security-severity"`
}

type message struct {
	Text string `json:"text"`
}

type artifact struct {
	Location location          `json:"location"`
	Hashes   map[string]string `json:"hashes,omitempty"`
}

type location struct {
	URI   string `json:"uri"`
	Index *int   `json:"index,omitempty"`
}

type result struct {
	RuleID           string            `json:"ruleId"`
	RuleIndex        int               `json:"ruleIndex"`
	Level            string            `json:"level"`
	Message          message           `json:"message"`
	Locations        []place           `json:"locations"`
	RelatedLocations []place           `json:"relatedLocations,omitempty"`
	Fingerprints     map[string]string `json:"partialFingerprints"`
	Suppressions     []suppression     `json:"suppressions"`
	Properties       resultBag         `json:"properties"`
}

type place struct {
	ID       *int      `json:"id,omitempty"`
	Physical *physical `json:"physicalLocation,omitempty"`
	Logical  []logical `json:"logicalLocations,omitempty"`
	Message  *message  `json:"message,omitempty"`
}

type physical struct {
	Artifact location `json:"artifactLocation"`
	Region   *region  `json:"region,omitempty"`
}

type region struct {
	StartLine   int `json:"startLine"`
	StartColumn int `json:"startColumn,omitempty"`
}

type logical struct {
	Name               string `json:"name,omitempty"`
	FullyQualifiedName string `json:"fullyQualifiedName"`
	Kind               string `json:"kind"`
}

type suppression struct {
	Kind          string `json:"kind"`
	Status        string `json:"status"`
	Justification string `json:"justification"`
}

type resultBag struct {
	Severity string   `json:"severity"`
	Pointer  string   `json:"jsonPointer,omitempty"`
	NICs     []string `json:"nics"`
	Services []string `json:"services"`
	Controls []string `json:"controls"`
	Facts    []string `json:"missingFacts"`
	Witness  string   `json:"witness,omitempty"`
}
