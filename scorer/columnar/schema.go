package columnar

import (
	"errors"
	"fmt"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Kind is the type of a column's values.
type Kind uint8

// The kinds of column.
const (
	Double    Kind = iota // float64, no NaN
	Int64                 // int64, as they come: offsets
	Timestamp             // int64, microseconds since 1970 UTC
	Text                  // UTF-8 bytes
)

// Column is one column of a file.
type Column struct {
	Name     string
	Kind     Kind
	Optional bool // may be null
	Bloom    bool // Text only: gets a bloom filter and page bounds, for look-ups
}

// Schema is the columns of a file in order. It does not change.
type Schema struct {
	name     string
	columns  []Column
	elements []format.SchemaElement
}

// NewSchema makes a schema. The error names a column that has no name, has
// another's, or cannot have what it asks for.
func NewSchema(name string, columns []Column) (*Schema, error) {
	s := &Schema{name: name, columns: columns}
	s.elements = append(s.elements, format.SchemaElement{
		Name: name, NumChildren: thrift.New(int32(len(columns))),
	})
	seen := map[string]bool{}
	for _, c := range columns {
		switch {
		case c.Name == "":
			return nil, errors.New("parquet schema: a column has no name")
		case seen[c.Name]:
			return nil, fmt.Errorf("parquet schema: column %q is there twice", c.Name)
		case c.Bloom && c.Kind != Text:
			return nil, fmt.Errorf("parquet schema: column %q: only text has a bloom filter", c.Name)
		case c.Optional && (c.Kind == Int64 || c.Kind == Timestamp):
			return nil, fmt.Errorf("parquet schema: column %q: whole numbers are never null", c.Name)
		}
		seen[c.Name] = true
		s.elements = append(s.elements, c.element())
	}
	return s, nil
}

// Columns returns the columns in order. They must not be changed.
func (s *Schema) Columns() []Column { return s.columns }

func (c *Column) element() format.SchemaElement {
	e := format.SchemaElement{Name: c.Name, Type: thrift.New(c.physical()), RepetitionType: thrift.New(format.Required)}
	if c.Optional {
		e.RepetitionType = thrift.New(format.Optional)
	}
	switch c.Kind {
	case Text:
		e.ConvertedType = thrift.New(deprecated.UTF8)
		e.LogicalType = format.LogicalType{Value: &format.StringType{}}
	case Timestamp:
		e.ConvertedType = thrift.New(deprecated.TimestampMicros)
		e.LogicalType = format.LogicalType{Value: &format.TimestampType{
			IsAdjustedToUTC: true, Unit: format.TimeUnit{Value: &format.MicroSeconds{}},
		}}
	case Double, Int64:
	}
	return e
}

func (c *Column) physical() format.Type {
	switch c.Kind {
	case Double:
		return format.Double
	case Text:
		return format.ByteArray
	default:
		return format.Int64
	}
}
