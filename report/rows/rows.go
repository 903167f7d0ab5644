package rows

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// column is a field of a row.
type column struct {
	name     string
	field    []int // a path: columns of embedded structs stand in their place
	optional bool
}

func columnsOf(t reflect.Type) (out []column) {
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous {
			for _, c := range columnsOf(f.Type) {
				c.field = append([]int{i}, c.field...)
				out = append(out, c)
			}
			continue
		}
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
		if name == "" {
			panic("rows: field " + t.Field(i).Name + " of " + t.String() + " has no name")
		}
		out = append(out, column{name, []int{i}, option == "optional"})
	}
	return out
}

func (c *column) text(row reflect.Value) string {
	v := row.FieldByIndex(c.field)
	if c.optional && v.IsZero() {
		return ""
	}
	switch v.Kind() {
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int, reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	default:
		panic("rows: a field of kind " + v.Kind().String())
	}
}

// CSV writes a header and the rows.
func CSV[T any](w io.Writer, list iter.Seq[T]) error {
	columns := columnsOf(reflect.TypeFor[T]())
	out := csv.NewWriter(w)
	record := make([]string, len(columns))
	for i := range columns {
		record[i] = columns[i].name
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for r := range list {
		row := reflect.ValueOf(&r).Elem()
		for i := range columns {
			record[i] = columns[i].text(row)
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// Markdown writes a table; bars, line breaks and backslashes in cells are escaped.
func Markdown[T any](w io.Writer, list iter.Seq[T]) error {
	columns := columnsOf(reflect.TypeFor[T]())
	b := bufio.NewWriter(w)
	for i := range columns {
		b.WriteString("| " + columns[i].name + " ")
	}
	b.WriteString("|\n" + strings.Repeat("|---", len(columns)) + "|\n")
	escape := strings.NewReplacer("\\", "\\\\", "|", "\\|", "\n", " ", "\r", " ", "<", "&lt;", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[")
	for r := range list {
		row := reflect.ValueOf(&r).Elem()
		for i := range columns {
			b.WriteString("| " + escape.Replace(columns[i].text(row)) + " ")
		}
		b.WriteString("|\n")
	}
	return b.Flush()
}

// groupRows bounds a row group, which is held in memory.
const groupRows = 1 << 19

// Parquet writes one file. version is ipflow's own, for created_by; metadata are
// key-value pairs in order.
func Parquet[T any](w io.Writer, list iter.Seq[T], version string, metadata ...[2]string) error {
	columnsOf(reflect.TypeFor[T]())
	options := []parquet.WriterOption{parquet.Compression(&parquet.Zstd), parquet.CreatedBy("ipflow", version, "")}
	for _, kv := range metadata {
		options = append(options, parquet.KeyValueMetadata(kv[0], kv[1]))
	}
	out := parquet.NewGenericWriter[T](w, options...)
	rows := 0
	for r := range list {
		if _, err := out.Write([]T{r}); err != nil {
			return fmt.Errorf("write Parquet: %w", err)
		}
		if rows++; rows%groupRows == 0 {
			if err := out.Flush(); err != nil {
				return fmt.Errorf("write Parquet: %w", err)
			}
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}
