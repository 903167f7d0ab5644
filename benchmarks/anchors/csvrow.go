package main

// runCSV races CSV to Parquet.
func (r *race) runCSV() error {
	f, err := r.newFileRace()
	if err != nil {
		return err
	}
	csv, err := r.flows(f.estate, "flows.csv", r.rowsOf())
	if err != nil {
		return err
	}
	copied := f.copies("csv-copy", 2, "read_csv("+quoted(csv)+")", "zstd")
	ours := f.ours("csv", 2, csv)
	for _, l := range f.legs {
		if _, err := l.once(); err != nil {
			return err
		}
	}
	if f.duck != nil {
		if err := f.sameColumns(f.out("csv-copy"), f.out("csv")); err != nil {
			return err
		}
	}
	if err := f.interleave("csv"); err != nil {
		return err
	}
	f.against(gate{row: "csv", what: "CSV → Parquet, two cores, columns kept, zstd", gate: atMost(0.6), moonshot: atMost(0.25)}, ours, (*cost).run, copied)
	return nil
}
