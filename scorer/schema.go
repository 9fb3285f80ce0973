package scorer

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"github.com/loanscorer/loanscorer/ingest"
	"github.com/loanscorer/loanscorer/model/explain"
	"github.com/loanscorer/loanscorer/scorer/columnar"
)

// The decision columns, after the input columns.
const (
	colApplicationID = "application_id"
	colSubmittedAt   = "submitted_at"
	colSourceOffset  = "source_offset"
	colTotalIncome   = "total_income"
	colProbability   = "probability"
	colDecision      = "decision"
	colReason        = "reason_" // 1 to 4
	colImputed       = "imputed"
	colModelSHA256   = "model_sha256"
	colDecidedAt     = "decided_at"
)

// reasonColumns are reason_1 to reason_4.
func reasonColumns() []string {
	var names []string
	for i := range explain.MaxReasons {
		names = append(names, colReason+strconv.Itoa(i+1))
	}
	return names
}

// decisionColumns are the columns that every result file ends with.
func decisionColumns() []column {
	columns := []column{
		{name: colTotalIncome, node: parquet.Optional(parquet.Leaf(parquet.DoubleType))},
		{name: colProbability, node: parquet.Leaf(parquet.DoubleType)},
		{name: colDecision, node: dictionary(parquet.String())},
	}
	for _, name := range reasonColumns() {
		columns = append(columns, column{name: name, node: parquet.Optional(dictionary(parquet.String()))})
	}
	return append(columns,
		column{name: colImputed, node: parquet.Optional(dictionary(parquet.String()))},
		column{name: colModelSHA256, node: dictionary(parquet.String())},
		column{name: colDecidedAt, node: parquet.Timestamp(parquet.Microsecond)},
	)
}

func dictionary(n parquet.Node) parquet.Node {
	return parquet.Encoded(n, &parquet.RLEDictionary)
}

// knownColumn is the result column of a published input column.
func knownColumn(c ingest.Column) column {
	switch {
	case c.Numeric():
		return column{name: c.String(), node: parquet.Optional(parquet.Leaf(parquet.DoubleType))}
	case c == ingest.LoanID:
		return column{name: c.String(), node: parquet.Optional(parquet.String())}
	default:
		return column{name: c.String(), node: parquet.Optional(dictionary(parquet.String()))}
	}
}

// applicationColumns is the layout of results/applications: every published
// input column, whether given or not, so that all files have one schema.
func applicationColumns() ([]column, []ingest.Column) {
	var columns []column
	var inputs []ingest.Column
	for c := range ingest.NumColumns {
		if c == ingest.LoanStatus {
			continue
		}
		columns, inputs = append(columns, knownColumn(c)), append(inputs, c)
	}
	columns = append(columns,
		column{name: colApplicationID, node: parquet.String()},
		column{name: colSubmittedAt, node: parquet.Timestamp(parquet.Microsecond)},
	)
	return append(columns, decisionColumns()...), inputs
}

// batchInput is one input column of a batch: a published one, or a field of
// the file carried along as text.
type batchInput struct {
	known  bool
	column ingest.Column
	field  int // in the record, for the others
}

// batchColumns is the layout of a batch's parts: the file's columns in the
// file's order, then the decision. An unknown column that is named like one of
// ours, in any case, is called input_<name>: many readers know no case. That
// goes for the shadow's columns whether there is a shadow or not, so that they
// mean one thing in all parts.
func batchColumns(head *ingest.Head, shadow bool) ([]column, []batchInput) {
	var columns []column
	var inputs []batchInput
	taken := map[string]bool{colSourceOffset: true}
	for _, c := range append(decisionColumns(), shadowColumns()...) {
		taken[c.name] = true
	}
	for _, h := range head.Columns {
		if c, ok := ingest.LookupColumn(h.Known); ok {
			taken[strings.ToLower(c.String())] = true
		}
	}
	for i, h := range head.Columns {
		if c, ok := ingest.LookupColumn(h.Known); ok {
			columns, inputs = append(columns, knownColumn(c)), append(inputs, batchInput{known: true, column: c})
			continue
		}
		if h.Name == "" {
			continue // as a trailing comma makes
		}
		name := h.Name
		for taken[strings.ToLower(name)] {
			name = "input_" + name
		}
		taken[strings.ToLower(name)] = true
		columns = append(columns, column{name: name, node: parquet.Optional(parquet.String())})
		inputs = append(inputs, batchInput{field: i})
	}
	columns = append(columns, column{name: colSourceOffset, node: parquet.Leaf(parquet.Int64Type)})
	columns = append(columns, decisionColumns()...)
	if shadow {
		columns = append(columns, shadowColumns()...)
	}
	return columns, inputs
}

// column is one column of a result file.
type column struct {
	name string
	node parquet.Node
}

// newSchema makes a Parquet schema whose columns keep their order, unlike
// parquet.Group, which sorts them by name.
func newSchema(columns []column) *parquet.Schema {
	fields := make([]parquet.Field, len(columns))
	group := parquet.Group{}
	for i, c := range columns {
		fields[i] = field{Node: c.node, name: c.name}
		group[c.name] = c.node
	}
	return parquet.NewSchema("decision", ordered{Group: group, fields: fields})
}

type ordered struct {
	parquet.Group
	fields []parquet.Field
}

// Fields are the columns in their own order.
func (o ordered) Fields() []parquet.Field { return o.fields }

type field struct {
	parquet.Node
	name string
}

// Name is the column's name.
func (f field) Name() string { return f.name }

// Value is asked for by the reflecting writers only, which are not used.
func (f field) Value(base reflect.Value) reflect.Value {
	return base.MapIndex(reflect.ValueOf(f.name))
}

// createdBy goes into the footer of every result file.
const createdBy = "loanscorer version 1"

// columnarSchema is newSchema for the writer of columns.
func columnarSchema(columns []column) (*columnar.Schema, error) {
	of := make([]columnar.Column, len(columns))
	for i, c := range columns {
		of[i] = columnar.Column{
			Name: c.name, Optional: c.node.Optional(), Kind: kindOf(c.node), Bloom: c.name == ingest.LoanID.String(),
		}
	}
	return columnar.NewSchema("decision", of)
}

func kindOf(n parquet.Node) columnar.Kind {
	switch t := n.Type(); {
	case t.Kind() == parquet.ByteArray:
		return columnar.Text
	case t.Kind() == parquet.Double:
		return columnar.Double
	case strings.HasPrefix(t.String(), "TIMESTAMP"):
		return columnar.Timestamp
	default:
		return columnar.Int64
	}
}
